// A page that is open stays true, and acts only on what its reader has seen.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { enter, launch, visit } from "./browser.mjs";
import { Controller } from "./controller.mjs";

let controller, browser, page;

before(async () => {
  controller = await Controller.start();
  browser = await launch();
  page = await enter(browser, await controller.open());
});
after(async () => {
  await browser?.close();
  await controller?.stop();
});

// The rectangles of what does not change: nothing may move when the rest does.
function places() {
  return page.locator("h1, h2, nav a").evaluateAll((all) => all.map((one) => JSON.stringify(one.getBoundingClientRect())));
}

test("what happens shows without a reload, and nothing moves", async () => {
  await visit(page, "/");
  await page.evaluate(() => (window.isThisPage = true));
  assert.match(await page.textContent("#overview"), /none yet/);
  const before = await places();
  await controller.runToItsEnd("backup");
  await page.locator("#overview .figures").filter({ hasText: /\d+ (s|ms) ago|now/ }).waitFor({ timeout: 20_000 });
  assert.deepEqual(await places(), before);
  assert.equal(await page.evaluate(() => window.isThisPage), true);
});

test("a person runs, pauses and resumes with the keyboard alone", async () => {
  await visit(page, "/extensions");
  const press = async (name) => {
    for (let tries = 0; tries < 60; tries += 1) {
      await page.keyboard.press("Tab");
      const focused = await page.evaluate(() => document.activeElement.textContent);
      if (focused === name) return Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
    }
    throw new Error(`the focus never came to ${name}`);
  };
  await press("Pause");
  assert.match(await page.textContent("[role=status]"), /Paused/);
  await press("Resume");
  assert.match(await page.textContent("[role=status]"), /Resumed/);
  await press("Run now");
  assert.match(new URL(page.url()).pathname, /^\/runs\/\d+$/);
  await page.locator("#run .state").filter({ hasText: "done" }).waitFor({ timeout: 20_000 });
});

test("a controller that is started anew under an open page: it comes back, and acts on nothing that was seen before", async () => {
  await visit(page, "/extensions");
  await controller.stopDaemon();
  const away = await page.request.get(page.origin + "/");
  assert.equal(away.status(), 502);
  assert.match(await away.text(), /does not answer/);
  await controller.startDaemon();
  const [answer] = await Promise.all([page.waitForNavigation(), page.getByRole("button", { name: "Pause" }).click()]);
  assert.equal(answer.status(), 403);
  assert.match(await page.textContent("main"), /earlier controller.*nothing was done/);
  const { body } = await controller.ask("GET", "/v1/status");
  assert.ok(body.subjects.every((subject) => !subject.is_paused));
  await visit(page, "/");
  await controller.runToItsEnd("disk-watch");
  const row = page.locator("tr").filter({ has: page.getByRole("rowheader", { name: "disk-watch" }) });
  await row.filter({ hasText: /ago|now/ }).waitFor({ timeout: 20_000 });
});
