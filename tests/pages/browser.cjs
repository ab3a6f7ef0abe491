// What the tests of the pages share: the servers, the browser, a walk over all pages, and an ear for complaints.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { chromium } = require("playwright-core");

/** The programs that serve, by what they show: their addresses, each with the base path. */
const servers = JSON.parse(process.env.DUSKWATCH_SERVERS);

/** The directory for pictures. */
const screenshots = process.env.DUSKWATCH_SCREENSHOTS;

/** Telephone and desk. */
const widths = [360, 1280];

/** Starts the distribution's Chromium, gives it to `work`, and stops it. */
async function withBrowser(work) {
  const directories = process.env.PATH.split(path.delimiter);
  const executablePath = directories.map((each) => path.join(each, "chromium")).find(fs.existsSync);
  const args = ["--disable-gpu", "--disable-quic"];
  const browser = await chromium.launch({ executablePath, args });
  try {
    await work(browser);
  } finally {
    await browser.close();
  }
}

/** A page in a context of its own, and the list to which whatever the browser does not like is added. */
async function open(browser, options = {}) {
  const context = await browser.newContext({ locale: "en", timezoneId: "UTC", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints = [];
  const complain = (what) => complaints.push(`${page.url()}: ${what}`);
  // A breach of the Content-Security-Policy is an error on the console, too.
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complain(message.text());
  });
  page.on("pageerror", (error) => complain(error.message));
  page.on("dialog", (dialog) => {
    complain(`a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("response", (response) => {
    if (response.status() >= 400) complain(`${response.status()} for ${response.url()}`);
  });
  return { context, page, complaints };
}

/**
 * The paths of all pages of a server, one for each kind: whatever links lead to from the first page, where hosts of
 * one kind of page count as one, and queries do not count.
 */
async function walk(base) {
  const kinds = new Map([["/", base]]);
  for (const url of kinds.values()) {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url}: ${response.status}`);
    if (!response.headers.get("content-type").startsWith("text/html")) continue;
    for (const [, link] of (await response.text()).matchAll(/<a [^>]*href="([^"]*)"/g)) {
      const next = new URL(link.replaceAll("&amp;", "&"), url);
      const kind = next.pathname.replace(/[^/]*[.:][^/]*\/$/, "ADDRESS/");
      const isPage = next.origin === new URL(base).origin && next.pathname.endsWith("/");
      if (isPage && !kinds.has(kind)) kinds.set(kind, next.href);
    }
  }
  return kinds;
}

module.exports = { servers, screenshots, widths, withBrowser, open, walk };
