// Every page of every server: with scripts and without, on a telephone and on a desk, by day and by night.
"use strict";
const assert = require("node:assert/strict");
const { test } = require("node:test");
const { servers, widths, withBrowser, open, walk } = require("./browser.cjs");
const { faults, validate, accessible } = require("./checks.cjs");

/** What there is at least. */
const PAGES = ["/", "/devices/", "/hosts/", "/ports/", "/protocols/", "/darknet/", "/about/"];

async function look({ page, complaints, width, scripts }, url) {
  await page.goto(url);
  assert.deepEqual(await faults(page), [], `${url} at ${width} px, scripts: ${scripts}`);
  assert.deepEqual(complaints.splice(0), []);
}

test("every page", (suite) =>
  withBrowser(async (browser) => {
    const readers = [];
    for (const width of widths) {
      for (const scripts of [true, false]) {
        const viewport = { width, height: 900 };
        const reader = await open(browser, { viewport, javaScriptEnabled: scripts });
        readers.push({ ...reader, width, scripts });
      }
    }
    for (const [name, base] of Object.entries(servers)) {
      const kinds = await walk(base);
      assert.deepEqual(PAGES.filter((page) => !kinds.has(page)), [], `${name} links to its pages`);
      for (const [kind, url] of kinds) {
        await suite.test(`${name} ${kind} is valid HTML`, async () => validate(await (await fetch(url)).text(), url));
        await suite.test(`${name} ${kind} is sound`, async () => {
          for (const reader of readers) await look(reader, url);
        });
        if (name !== "home") continue;
        const desk = readers.find(({ width, scripts }) => scripts && width > 500);
        await suite.test(`${name} ${kind} is accessible`, () => accessible(desk.page));
      }
    }
  }));
