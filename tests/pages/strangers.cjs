// Names that were made to do harm, of devices and of what is watched: they are shown as they are, and do nothing.
"use strict";
const assert = require("node:assert/strict");
const { test } = require("node:test");
const { servers, withBrowser, open, walk } = require("./browser.cjs");

test("strangers", (suite) =>
  withBrowser(async (browser) => {
    const { page, complaints } = await open(browser);
    for (const [kind, url] of await walk(servers.hostile)) {
      await suite.test(`${kind} runs nothing of theirs`, async () => {
        await page.goto(url);
        assert.equal(await page.evaluate(() => window.hacked), undefined);
        assert.equal(await page.locator("[src=x], [onerror], main script").count(), 0);
        assert.deepEqual(complaints, []);
      });
    }
    await suite.test("what is watched is shown as it is called", async () => {
      await page.goto(servers.hostile);
      assert.ok((await page.textContent("h1")).includes("<svg onload=window.hacked=2>"));
    });
    await suite.test("the policy would have stopped them", async () => {
      await page.goto(servers.hostile);
      await page.evaluate(() => document.body.insertAdjacentHTML("beforeend", "<img src=x onerror=window.hacked=1>"));
      await page.waitForFunction(() => document.images.length > 1 && document.images[1].complete);
      assert.equal(await page.evaluate(() => window.hacked), undefined);
      assert.ok(complaints.some((complaint) => complaint.includes("Content Security Policy")), complaints.join());
    });
  }));
