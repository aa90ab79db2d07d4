// A browser with what every test looks at: no error on any page, and nothing fetched from elsewhere.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// Nothing that the browser does by itself may leave this machine.
const QUIET = [
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-gpu",
  "--disable-quic",
  "--disable-sync",
  "--no-first-run",
  "--no-sandbox",
];

export async function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: QUIET });
}

// A person who has opened a link: a context of their own, with its cookie.
export async function enter(browser, link, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") page.complaints.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(new URL(link).origin)) page.complaints.push(`asks for ${request.url()}`);
  });
  await page.goto(link);
  page.origin = new URL(link).origin;
  return page;
}

export async function visit(page, path) {
  const answer = await page.goto(page.origin + path);
  assert.equal(answer.status(), 200, path);
  return answer;
}

// What axe finds, as lines; the page's policy lets no script in, so that it comes through the debugger.
export async function audit(page) {
  const session = await page.context().newCDPSession(page);
  const evaluate = async (expression) => {
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    assert.equal(exceptionDetails, undefined, JSON.stringify(exceptionDetails));
    return result.value;
  };
  await evaluate(`${axe}; undefined`);
  const { violations, passes } = await evaluate("axe.run()");
  assert.ok(passes.length > 10, "axe has looked at nothing");
  return violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html}`));
}
