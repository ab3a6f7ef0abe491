// What the script does to a page: it asks anew at the chosen pace, one request at a time, and takes nothing out of
// its reader's hands. But for the first test the page's clock is ours, so nobody waits.
"use strict";
const assert = require("node:assert/strict");
const { test } = require("node:test");
const { servers, withBrowser, open } = require("./browser.cjs");

/** Waits for a condition, and does something in between. */
async function until(what, condition, between = () => {}) {
  for (const deadline = Date.now() + 15_000; Date.now() < deadline; ) {
    if (await condition()) return;
    await between();
    await new Promise((done) => setTimeout(done, 10));
  }
  assert.fail(`in vain: ${what}`);
}

/** The overview, with our clock. What it asks for is counted, and changed by `answer`. */
async function begin(browser, options = {}) {
  const opened = await open(browser, options);
  const { page } = opened;
  const asked = { times: 0, answered: 0, answer: (html) => html };
  await page.clock.install();
  await page.goto(servers.home);
  await page.route(servers.home, async (route) => {
    asked.times += 1;
    try {
      const response = await route.fetch();
      await route.fulfill({ response, body: await asked.answer(await response.text()) });
    } catch {
      await route.abort();
    }
    asked.answered += 1;
  });
  const pass = (seconds) => page.clock.runFor(seconds * 1_000);
  /** Lets time pass until so many more requests were answered. */
  const ask = async (times) => {
    const wanted = asked.answered + times;
    await until(`${times} requests`, () => asked.answered >= wanted, () => pass(0.5));
  };
  const status = () => page.textContent("output");
  return { ...opened, asked, pass, ask, status };
}

/** Runs in the page: another tab is in front, or this one again. */
function cover(hidden) {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}

/** Another answer each time, as from a router that is busy. */
function busy() {
  let times = 0;
  return (html) => {
    times += 1;
    return html
      .replace(/<title>/, `<title>${times} `)
      .replaceAll("<dd>", `<dd>${times} `)
      .replaceAll("</caption>", ` ${times}</caption>`)
      .replaceAll("<figcaption>", `<figcaption>${times} `);
  };
}

const CASES = {
  async "the pace is chosen, kept, and can be none"(browser) {
    const { page, pass, ask, asked, context } = await begin(browser);
    await ask(2);
    await page.selectOption("[name=pace]", "0");
    await pass(3_600);
    const { times } = asked;
    await page.goto(servers.home + "hosts/");
    assert.equal(await page.inputValue("[name=pace]"), "0");
    assert.equal(asked.times, times);
    await page.goto(servers.home);
    // That was a request, too.
    assert.equal(asked.times, times + 1);
    await page.selectOption("[name=pace]", "30");
    await until("an answer at once", () => asked.answered === times + 2);
    await pass(20);
    await until("the next", () => asked.answered === times + 3, () => pass(5));
    await context.close();
  },

  async "a hidden tab asks nothing, and at once when it is shown"(browser) {
    const { page, pass, ask, asked } = await begin(browser);
    await ask(1);
    await page.evaluate(cover, true);
    const { times } = asked;
    await pass(3_600);
    await page.evaluate(cover, false);
    await until("an answer", () => asked.answered > times);
    assert.equal(asked.answered, times + 1);
  },

  async "one request at a time, and a slow router is asked less often"(browser) {
    const { pass, asked, page, ask } = await begin(browser);
    let release;
    asked.answer = (html) => new Promise((done) => (release = () => done(html)));
    await until("a request that waits", () => release, () => pass(0.5));
    assert.equal(asked.times, 1);
    await pass(8);
    await page.evaluate(cover, true);
    await page.evaluate(cover, false);
    await page.selectOption("[name=pace]", "5");
    await pass(1);
    asked.answer = (html) => html;
    release();
    await until("the answer", () => asked.answered === 1);
    assert.equal(asked.times, 1);
    // It took nine seconds and more: nothing for thirty-six.
    await pass(30);
    assert.equal(asked.times, 1);
    await ask(1);
  },

  async "what was opened stays open, and is up to date"(browser) {
    const { page, complaints } = await open(browser);
    await page.goto(`${servers.home}ports/`);
    const list = page.locator("details").first();
    await list.locator("summary").click();
    await page.evaluate(() => document.activeElement.blur());
    await page.mouse.move(0, 0);
    const next = () => page.waitForResponse((response) => response.url().endsWith("/ports/"));
    await page.route("**/ports/", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: (await response.text()).replaceAll("</caption>", " anew</caption>") });
    });
    await next();
    await list.locator("caption", { hasText: "anew" }).waitFor();
    assert.equal(await list.getAttribute("open"), "");
    assert.deepEqual(complaints, []);
    await page.context().close();
  },

  async "numbers, graphs and the title follow"(browser) {
    const { page, ask, asked } = await begin(browser);
    asked.answer = busy();
    await ask(3);
    const texts = () => page.evaluate(() => {
      const parts = ["dd", "caption", "figcaption"].map((name) => document.querySelector(name).textContent);
      return [document.title, ...parts].map((text) => Number(/\d+/.exec(text)));
    });
    await until("all show the third answer", async () => (await texts()).every((number) => number >= 3), () => ask(1));
  },

  async "what the reader holds stays as it is"(browser) {
    const { page, ask, asked } = await begin(browser, { viewport: { width: 1280, height: 700 } });
    asked.answer = busy();
    const tables = page.locator("table");
    const caption = (index) => tables.nth(index).locator("caption").textContent();
    const [first, second] = [await caption(0), await caption(1)];
    const moves = (index, from) => until("it goes on", async () => (await caption(index)) !== from, () => ask(1));

    await tables.nth(0).locator("a").first().focus();
    await moves(1, second);
    assert.equal(await caption(0), first, "the focus is in this one");
    assert.ok(await page.evaluate(() => document.activeElement.matches("table a")));
    await page.evaluate(() => document.activeElement.blur());
    await moves(0, first);

    const held = await caption(1);
    await tables.nth(1).locator("td").first().hover();
    await moves(0, await caption(0));
    assert.equal(await caption(1), held, "its value is being read");
    await page.mouse.move(0, 0);

    const selected = await caption(0);
    await page.evaluate(() => getSelection().selectAllChildren(document.querySelector("table tbody")));
    await moves(1, await caption(1));
    assert.equal(await caption(0), selected, "somebody copies it");
    assert.notEqual(await page.evaluate(() => getSelection().toString()), "");

    await page.evaluate(() => scrollTo(0, 400));
    await ask(2);
    assert.equal(await page.evaluate(() => scrollY), 400);
  },

  async "whoever points at a bar reads the values of its column"(browser) {
    const { page } = await open(browser);
    await page.goto(servers.home);
    const column = page.locator(".chart").nth(2).locator("g").last();
    await column.scrollIntoViewIfNeeded();
    const { x, y, width, height } = await column.boundingBox();
    const pointed = () => page.evaluate(() => document.querySelector(".chart g:hover title")?.textContent);
    for (const share of [0.1, 0.98]) {
      await page.mouse.move(x + width / 2, y + height * share);
      assert.equal(await pointed(), await column.locator("title").textContent(), `${share} of the height`);
    }
    await page.mouse.move(0, 0);
    assert.equal(await pointed(), undefined);
  },

  async "a router that fails is said to, and comes back"(browser) {
    const { ask, asked, status, complaints } = await begin(browser);
    asked.answer = () => Promise.reject();
    await until("it is said", async () => /^No answer since \d+:\d+:\d+/.test(await status()), () => ask(1));
    const said = await status();
    await ask(2);
    assert.equal(await status(), said, "nothing new to say");
    asked.answer = (html) => html;
    await until("it is back", async () => (await status()) === "", () => ask(1));
    assert.ok(complaints.splice(0).every((complaint) => complaint.includes("ERR_FAILED")));
  },

  async "the theme is chosen, kept, and there from the beginning"(browser) {
    const { page, context } = await open(browser, { colorScheme: "light" });
    await context.addInitScript(() => {
      const seen = () => document.body && (window.begun ??= document.documentElement.dataset.theme);
      new MutationObserver(seen).observe(document, { childList: true, subtree: true });
    });
    const light = async () => {
      const color = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      return Number(/\d+/.exec(color)[0]) > 128;
    };
    await page.goto(servers.home);
    assert.ok(await light());
    await page.selectOption("[name=theme]", "dark");
    assert.ok(!(await light()));
    await page.goto(servers.home + "about/");
    assert.equal(await page.evaluate(() => window.begun), "dark");
    assert.ok(!(await light()));
    await page.emulateMedia({ media: "print" });
    assert.ok(await light(), "on paper it is always day");
    await page.emulateMedia({ media: "screen" });
    await page.selectOption("[name=theme]", "");
    assert.ok(await light());
    await page.emulateMedia({ colorScheme: "dark" });
    assert.ok(!(await light()));
  },

  async "a browser that remembers nothing shows the page all the same"(browser) {
    const { page, context, complaints } = await open(browser);
    await context.addInitScript(() => {
      const refuse = () => {
        throw new DOMException("no", "SecurityError");
      };
      Object.defineProperty(window, "localStorage", { get: refuse });
    });
    await page.goto(servers.home);
    await page.selectOption("[name=theme]", "dark");
    await page.selectOption("[name=pace]", "5");
    assert.deepEqual(complaints, []);
  },

  async "the keyboard leads past the navigation"(browser) {
    const { page } = await open(browser);
    await page.goto(servers.home);
    await page.keyboard.press("Tab");
    const style = () => page.evaluate(() => {
      const { left, outlineWidth } = getComputedStyle(document.activeElement);
      return [document.activeElement.textContent, Number.parseFloat(left) >= 0, outlineWidth];
    });
    assert.deepEqual(await style(), ["Skip to the content", true, "2px"]);
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    assert.ok(await page.evaluate(() => document.querySelector("main").contains(document.activeElement)));
  },
};

/** Runs only where packets can be captured: those of this very browser. */
async function live(browser) {
  const { page, complaints } = await open(browser);
  await page.goto(servers.live);
  const show = () => page.textContent(".tiles");
  const before = await show();
  await until("the page follows its own traffic", async () => (await show()) !== before);
  assert.deepEqual(complaints, []);
}

test("the script", (suite) =>
  withBrowser(async (browser) => {
    if (servers.live) await suite.test("real traffic is live", () => live(browser));
    for (const [name, run] of Object.entries(CASES)) {
      await suite.test(name, async () => {
        await run(browser);
        await Promise.all(browser.contexts().map((context) => context.close()));
      });
    }
  }));
