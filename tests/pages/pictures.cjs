// Pictures of all pages, on a telephone and on a desk, by day and by night.
"use strict";
const { test } = require("node:test");
const { servers, screenshots, widths, withBrowser, open, walk } = require("./browser.cjs");

test("pictures", (suite) =>
  withBrowser(async (browser) => {
    for (const width of widths) {
      const { page } = await open(browser, { viewport: { width, height: 900 } });
      for (const [name, base] of Object.entries(servers)) {
        for (const [kind, url] of await walk(base)) {
          const picture = `${name}${kind.replaceAll("/", "-").replace(/-$/, "")}`;
          await suite.test(`${picture} at ${width} px`, async () => {
            await page.goto(url);
            for (const colorScheme of width > 500 ? ["dark", "light"] : ["light"]) {
              await page.emulateMedia({ colorScheme });
              await page.screenshot({ path: `${screenshots}/${picture}-${width}-${colorScheme}.png`, fullPage: true });
            }
          });
        }
      }
    }
  }));
