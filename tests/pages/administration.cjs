// Logging in, what is there then, and logging out.
"use strict";
const assert = require("node:assert/strict");
const { test } = require("node:test");
const { servers, withBrowser, open } = require("./browser.cjs");
const { faults, validate, accessible } = require("./checks.cjs");

test("administration", () =>
  withBrowser(async (browser) => {
    const { page, complaints } = await open(browser, { viewport: { width: 360, height: 900 } });
    const attempt = async (password) => {
      await page.getByLabel("Password").fill(password);
      await page.getByRole("button", { name: "Log in" }).click();
    };
    await page.goto(servers.home);
    await page.getByRole("link", { name: "Administration" }).click();
    await attempt("not the password");
    await page.locator("main [role=status]").waitFor();
    // A refusal is an error on the console.
    complaints.length = 0;
    await attempt(process.env.DUSKWATCH_PASSWORD);
    await page.getByRole("button", { name: "Reset the counters" }).waitFor();
    assert.deepEqual(await faults(page), []);
    const sent = await page.evaluate(async () => (await fetch(location.href)).text());
    assert.ok(sent.includes("Reset the counters"));
    await validate(sent, "the forms");
    await accessible(page);
    assert.ok(await page.locator("[name=pace]").isHidden(), "nothing is live here");

    await page.getByText("All that was counted is forgotten").click();
    await page.getByRole("button", { name: "Reset the counters" }).click();
    await page.locator("main [role=status]").waitFor();
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByLabel("Password").waitFor();
    assert.deepEqual(complaints, []);
  }));
