// The hosts, as readers find their way among them: by order, search, filter and pages, with scripts and without. What
// is on the page is what its twin in JSON says.
"use strict";
const assert = require("node:assert/strict");
const { test } = require("node:test");
const { servers, withBrowser, open } = require("./browser.cjs");
const { faults, validate } = require("./checks.cjs");

/** Each column's order by the heading that leads to it: from the smallest or not, and what is compared. */
const ORDERS = {
  Total: [false, (row) => row.sent.bytes + row.received.bytes],
  Received: [false, (row) => row.received.bytes],
  Sent: [false, (row) => row.sent.bytes],
  Packets: [false, (row) => row.sent.packets + row.received.packets],
  Now: [false, (row) => row.bits_per_second.sent + row.bits_per_second.received],
  Today: [false, (row) => row.today.sent + row.today.received],
  "First seen": [false, (row) => row.first_seen],
  "Last seen": [false, (row) => row.last_seen],
  // Whoever has no name comes last.
  Name: [true, (row) => row.name?.toLowerCase() ?? "\uffff"],
  Address: [true, (row) => binary(row.address)],
};

/** Filters by what is to hold of their hosts. */
const FILTERS = {
  all: () => true,
  local: (row) => row.local,
  remote: (row) => !row.local,
  IPv4: (row) => !row.address.includes(":"),
  IPv6: (row) => row.address.includes(":"),
};

/** An address as digits that sort as it does: IPv4 is a part of IPv6. */
function binary(address) {
  if (!address.includes(":")) {
    const bytes = address.split(".").map((byte) => Number(byte).toString(16).padStart(2, "0"));
    return "ffff".padStart(24, "0") + bytes.join("");
  }
  const [before, after] = address.split("::").map((half) => (half ? half.split(":") : []));
  const groups = after ? [...before, ...Array(8 - before.length - after.length).fill("0"), ...after] : before;
  return groups.map((group) => group.padStart(4, "0")).join("");
}

/** Runs in the page: the addresses and the titles of the cells of its rows. */
function shown() {
  return [...document.querySelectorAll("tbody tr")].map((row) => ({
    address: decodeURIComponent(row.querySelector("th a").pathname.split("/").at(-2)),
    titles: [...row.querySelectorAll("td[title]")].map((cell) => cell.title),
  }));
}

/** What the page shows, after it was held against its twin. */
async function rows(page) {
  const { pathname, search } = new URL(page.url());
  const twin = await (await fetch(new URL(`/api/v1${pathname.replace(/\/$/, "")}${search}`, page.url()))).json();
  const found = await page.evaluate(shown);
  assert.deepEqual(found.map((row) => row.address), twin.hosts.rows.map((row) => row.address), page.url());
  found.forEach(({ titles }, index) => {
    const { received, sent } = twin.hosts.rows[index];
    const exact = [received, sent].map(({ bytes, packets }) => [bytes, packets].map((n) => n.toLocaleString("en")));
    const expected = exact.map(([bytes, packets]) => `${bytes} bytes in ${packets} packets`);
    assert.deepEqual(titles.slice(3, 5), expected);
  });
  return twin;
}

/** Follows a link, and waits for its page. */
const follow = (page, link) => Promise.all([page.waitForURL(/[?]|\d\/$/), link.click()]);

/** The heading's link of this text, whatever arrow the style adds to it. */
const heading = (page, name) => page.locator("thead a", { hasText: new RegExp(`^${name}$`) });

const CASES = {
  async "every column sorts, both ways"(page) {
    for (const [name, [ascending, value]] of Object.entries(ORDERS)) {
      // The order by which the page is sorted already is turned round.
      if (name === "Total") await page.goto(page.url() + "?sort=name");
      for (const reverse of [false, true]) {
        await follow(page, heading(page, name));
        await page.waitForURL((url) => url.searchParams.has("order") === reverse);
        const sorted = page.locator("thead [aria-sort]");
        assert.equal(await sorted.count(), 1, name);
        assert.equal(await sorted.getAttribute("aria-sort"), ascending !== reverse ? "ascending" : "descending", name);
        assert.deepEqual(await sorted.locator("[aria-current]").allTextContents(), [name]);
        const values = (await rows(page)).hosts.rows.map(value);
        const inOrder = [...values].sort((one, next) => (one < next ? -1 : one > next ? 1 : 0));
        if (ascending === reverse) inOrder.reverse();
        assert.deepEqual(values, inOrder, `${name}, reverse: ${reverse}`);
      }
    }
  },

  async "a search keeps the order, and finds by name and address"(page, base) {
    await page.goto(`${base}hosts/?sort=in&count=25`);
    const some = (await rows(page)).hosts.rows;
    const named = some.find((row) => row.name) ?? some[0];
    for (const text of [named.address, (named.name ?? named.address).toUpperCase()]) {
      await page.getByRole("searchbox").fill(text);
      await page.getByRole("button", { name: "Search" }).click();
      await page.waitForURL((url) => url.searchParams.get("search") === text);
      const { sort, search, matching, hosts } = await rows(page);
      assert.deepEqual([sort, search], ["in", text]);
      assert.ok(matching > 0 && hosts.rows.some((row) => row.address === named.address), text);
      assert.equal(await page.getByRole("searchbox").inputValue(), text);
      assert.equal(await page.locator(".pages [aria-current]").textContent(), "25");
    }
    const evil = "\"><img src=x onerror=window.hacked=1>";
    await page.getByRole("searchbox").fill(evil);
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.searchParams.get("search").startsWith("\">"));
    assert.equal((await rows(page)).matching, 0);
    assert.equal(await page.locator("caption").textContent(), "No hosts");
    assert.equal(await page.locator("main img").count(), 0);
  },

  async "filters leave out the others"(page) {
    const counts = {};
    for (const [name, admits] of Object.entries(FILTERS)) {
      await page.locator(".filters").getByRole("link", { name, exact: true }).click();
      await page.waitForURL((url) => url.searchParams.get("show")?.toLowerCase() === name.replace("IP", "").toLowerCase());
      assert.deepEqual(await page.locator(".filters [aria-current]").allTextContents(), [name]);
      const { matching, hosts } = await rows(page);
      assert.ok(hosts.rows.length > 0 && hosts.rows.every(admits), name);
      counts[name] = matching;
    }
    assert.equal(counts.local + counts.remote, counts.all);
    assert.equal(counts.IPv4 + counts.IPv6, counts.all);
  },

  async "pages are turned over until all were seen, and back"(page, base) {
    const all = (await (await fetch(`${base}api/v1/hosts`)).json()).matching;
    for (const count of all > 500 ? [100] : [25, 50, 100]) {
      await page.goto(`${base}hosts/?sort=address`);
      await page.locator(".pages").getByRole("link", { name: String(count), exact: true }).click();
      await page.waitForURL((url) => url.searchParams.get("count") === String(count));
      const seen = [];
      for (;;) {
        const { hosts, offset } = await rows(page);
        assert.equal(offset, seen.length);
        seen.push(...hosts.rows.map((row) => row.address));
        const last = Math.min(offset + count, all).toLocaleString("en");
        const caption = `Hosts ${(offset + 1).toLocaleString("en")} to ${last} of ${all.toLocaleString("en")}`;
        assert.equal(await page.locator("caption").textContent(), caption);
        const next = page.getByRole("link", { name: "next →" });
        if ((await next.count()) === 0) break;
        await next.click();
        await page.waitForURL((url) => url.searchParams.get("offset") === String(seen.length));
      }
      assert.equal(new Set(seen).size, all);
      for (let offset = seen.length - (seen.length % count || count); offset > 0; offset -= count) {
        await page.getByRole("link", { name: "← previous" }).click();
        await page.waitForURL((url) => url.searchParams.get("offset") === String(offset - count));
      }
      assert.equal(await page.getByRole("link", { name: "← previous" }).count(), 0);
    }
  },

  async "all of them are one page, which is not asked for again"(page, base) {
    const all = (await (await fetch(`${base}api/v1/hosts`)).json()).matching;
    await page.goto(`${base}hosts/?sort=address`);
    await page.locator(".pages").getByRole("link", { name: "all", exact: true }).click();
    await page.waitForURL((url) => Number(url.searchParams.get("count")) > 100);
    const addresses = (await page.evaluate(shown)).map((row) => row.address);
    assert.equal(addresses.length, all);
    assert.deepEqual([...addresses].sort((one, next) => (binary(one) < binary(next) ? -1 : 1)), addresses);
    assert.equal(await page.locator(".pages [aria-current]").textContent(), "all");
    assert.deepEqual(await faults(page), []);
    await validate(await (await fetch(page.url())).text(), "all hosts");
    assert.equal(await page.locator("[data-still]").count(), all > 100 ? 1 : 0);
    if (all > 100) assert.ok(await page.locator("[name=pace]").isHidden());
  },

  async "odd queries give a page"(page, base) {
    for (const query of [
      "sort=nothing&order=&show=v5&count=-1&offset=x",
      "offset=18446744073709551615&count=18446744073709551616",
      "offset=99999&sort=name",
      "search=%C3%BF%22%3Cb&sort=last&order=reverse",
      "sort&sort=in&sort=out&=&&&show=local&show=remote",
    ]) {
      await page.goto(`${base}hosts/?${query}`);
      await rows(page);
      assert.deepEqual(await faults(page), [], query);
      await validate(await (await fetch(page.url())).text(), query);
    }
  },

  async "a host's page has what is known of it"(page, base) {
    const list = async (query) => (await (await fetch(`${base}api/v1/hosts?${query}`)).json()).hosts.rows;
    const device = (await list("show=local")).find((row) => row.mac);
    const [remote] = await list("show=remote");
    for (const row of [device, remote]) {
      await page.goto(`${base}hosts/?search=${row.address}&sort=address`);
      await follow(page, page.locator("tbody th a").first());
      const host = (await (await fetch(`${base}api/v1/hosts/${row.address}`)).json()).host;
      assert.ok((await page.locator("h1").textContent()).includes(row.address));
      const peers = page.getByRole("table", { name: "Peers", exact: true });
      const found = await peers.evaluate((table) => [...table.tBodies[0].rows].map((row) => row.textContent));
      assert.equal(found.length, host.peers.rows.length + (host.peers.others.rows > 0));
      assert.ok(found[0].includes(host.peers.rows[0].address));
      assert.equal(await peers.locator("tbody th a").count(), host.peers.rows.length);
      const captions = await page.locator("caption").allTextContents();
      assert.ok(captions.includes("IP protocols") && captions.some((caption) => caption.includes("ports")), captions);
      assert.equal(await page.locator("svg.chart").count(), row === device ? 3 : 0);
      if (row === device) {
        await page.locator("h2 a").click();
        await page.waitForURL(`**/devices/${row.address}/`);
        assert.ok((await page.locator("main").textContent()).includes(row.address));
      }
    }
    // Some that touched the dark made room since.
    const { sources } = (await (await fetch(`${base}api/v1/darknet`)).json()).darknet;
    for (const { source } of sources) {
      if (!(await fetch(`${base}hosts/${source}/`)).ok) continue;
      await page.goto(`${base}hosts/${source}/`);
      await page.locator("dd a", { hasText: "dark address" }).click();
      await page.waitForURL(`**/darknet/${source}/`);
      return;
    }
    assert.fail("nobody touched the dark");
  },
};

test("hosts", (suite) =>
  withBrowser(async (browser) => {
    for (const [server, base] of Object.entries(servers)) {
      // Without scripts there is nothing that could take longer with more hosts.
      for (const javaScriptEnabled of server === "many" ? [true] : [true, false]) {
        for (const [name, run] of Object.entries(CASES)) {
          await suite.test(`${server}: ${name}, scripts: ${javaScriptEnabled}`, async () => {
            const { page, complaints, context } = await open(browser, { javaScriptEnabled });
            await page.goto(`${base}hosts/`);
            await run(page, base);
            assert.deepEqual(complaints, []);
            await context.close();
          });
        }
      }
    }
  }));
