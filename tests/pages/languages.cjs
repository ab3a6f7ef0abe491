// Pages come in their reader's language, and what the script says does, too.
"use strict";
const assert = require("node:assert/strict");
const { test } = require("node:test");
const { servers, withBrowser, open } = require("./browser.cjs");

const READERS = [
  ["de-AT", "german", "Übersicht", "Keine Antwort seit"],
  ["en-GB", "english", "Overview", "No answer since"],
  ["fr-FR", "french", "Overview", "No answer since"],
];

test("languages", (suite) =>
  withBrowser(async (browser) => {
    for (const [locale, reader, overview, lost] of READERS) {
      await suite.test(`a ${reader} reader`, async () => {
        const { page, complaints } = await open(browser, { locale });
        await page.goto(servers.home);
        assert.equal(await page.textContent("nav [aria-current]"), overview);
        assert.equal(await page.getAttribute("html", "lang"), reader === "german" ? "de" : "en");
        await page.route("**", (route) => route.abort());
        await page.selectOption("[name=pace]", "1");
        await page.waitForFunction((start) => document.querySelector("output").textContent.startsWith(start), lost);
        assert.ok(complaints.every((complaint) => complaint.includes("ERR_FAILED")), complaints.join());
      });
    }
    await suite.test("the option outweighs the browser", async () => {
      const { page } = await open(browser, { locale: "en-GB" });
      await page.goto(servers.german);
      assert.equal(await page.textContent("nav [aria-current]"), "Übersicht");
    });
  }));
