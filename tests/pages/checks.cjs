// What is asked of every page.
"use strict";
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { FileSystemConfigLoader, HtmlValidate, formatterFactory } = require("html-validate");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/** What is wrong with the page, once it has all that it asked for: what leads to a page does not wait for its pictures. */
async function faults(page) {
  await page.waitForLoadState("load");
  return page.evaluate(faultsWithin);
}

/** Runs in the page. */
function faultsWithin() {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const found = [];
  const check = (sound, fault) => sound || found.push(fault);
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) {
    const sticksOut = (element) => element.getBoundingClientRect().right > clientWidth && !element.closest(".wide");
    const culprits = all("main *").filter(sticksOut).map((element) => element.outerHTML.slice(0, 60));
    found.push(`${scrollWidth} px wide on a screen of ${clientWidth} px: ${culprits.slice(0, 3).join(" ")}`);
  }
  // The main part would scroll sideways; a wide table is to do so alone.
  const main = document.querySelector("main");
  if (main.scrollWidth > main.clientWidth) {
    const outside = all("main *").filter((one) => one.getBoundingClientRect().right > main.getBoundingClientRect().right);
    const culprits = outside.filter((one) => !one.closest(".wide")).map((one) => one.outerHTML.slice(0, 60));
    found.push(`the main part is ${main.scrollWidth} px wide: ${culprits.slice(0, 3).join(" ")}`);
  }
  for (const one of ["h1", "main", "header", "footer"]) {
    check(all(one).length === 1, `${all(one).length} of ${one}`);
  }
  check(document.documentElement.lang.length === 2, "it has no language");
  check(document.title.endsWith("duskwatch"), `its title is ${document.title}`);
  const captioned = (table) => table.caption?.textContent.trim();
  for (const table of all("table")) check(captioned(table), `no caption: ${table.textContent.slice(0, 80)}`);
  const titled = (svg) => svg.querySelector(":scope > title")?.textContent.trim();
  for (const svg of all("svg")) check(titled(svg), `no title: ${svg.parentElement.textContent.slice(0, 80)}`);
  for (const image of all("img")) check(image.complete && image.naturalWidth, `not loaded: ${image.src}`);
  return found;
}

/** Fails if this is not valid HTML. */
async function validate(html, name) {
  const validator = new HtmlValidate(new FileSystemConfigLoader());
  const report = await validator.validateString(html, path.join(__dirname, "page.html"));
  assert.ok(report.valid, `${name}\n${formatterFactory("text")(report.results)}`);
}

/** What WCAG 2.1 at level AA asks for and a program can see; by night only the colours differ. */
async function accessible(page) {
  await page.evaluate(axe);
  for (const [colorScheme, what] of [
    ["light", ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]],
    ["dark", ["color-contrast"]],
  ]) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await page.evaluate((runOnly) => axe.run({ runOnly, resultTypes: ["violations"] }), what);
    const lines = violations.flatMap(({ id, help, nodes }) =>
      nodes.slice(0, 3).map(({ html, failureSummary }) => `${id}: ${help}: ${html}\n${failureSummary}`),
    );
    assert.deepEqual(lines, [], `${page.url()}, ${colorScheme}`);
  }
}

module.exports = { faults, validate, accessible };
