// Every page: with and without JavaScript, in both themes and widths, and what it weighs.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { audit, enter, launch, visit } from "./browser.mjs";
import { Controller } from "./controller.mjs";

const TABS = ["/", "/disks", "/backups", "/health", "/extensions", "/runs", "/approvals", "/events"];
const pictures = fileURLToPath(new URL("../../docs/console/", import.meta.url));
let controller, browser, link, run;

before(async () => {
  controller = await Controller.start();
  run = (await controller.runToItsEnd("backup")).id;
  await controller.runToItsEnd("disk-watch");
  [browser, link] = [await launch(), await controller.open()];
});
after(async () => {
  await browser?.close();
  await controller?.stop();
});

// All pages of one context: the link works once.
const people = {};
async function person(options) {
  const key = JSON.stringify(options);
  people[key] ??= await enter(browser, Object.keys(people).length ? await controller.open() : link, options);
  return people[key];
}

for (const path of [...TABS, "/runs/N"]) {
  test(`${path} is there without JavaScript`, async () => {
    const page = await person({ javaScriptEnabled: false });
    await visit(page, path.replace("N", run));
    assert.equal(await page.locator("h1").count(), 1);
    assert.match(await page.title(), / · /);
    const times = await page.locator("time").evaluateAll((all) => all.map((time) => time.textContent)).catch(() => []);
    assert.ok(times.every((text) => text.length > 0));
  });

  for (const colorScheme of ["light", "dark"]) {
    test(`${path} has nothing that axe objects to, ${colorScheme}`, async () => {
      const page = await person({ colorScheme });
      await visit(page, path.replace("N", run));
      assert.deepEqual(await audit(page), []);
      assert.deepEqual(page.complaints, []);
    });

    test(`${path} fits from 320 to 1920 pixels, ${colorScheme}`, async () => {
      const page = await person({ colorScheme });
      await visit(page, path.replace("N", run));
      for (const width of [320, 360, 768, 1280, 1920]) {
        await page.setViewportSize({ width, height: 800 });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= width, `${wide} pixels at ${width}`);
        if (process.env.AGENTAPI_WRITE_PICTURES && [360, 1280].includes(width)) {
          mkdirSync(pictures, { recursive: true });
          const name = path === "/" ? "overview" : path.split("/").filter((part) => part && part !== "N").join("-");
          const single = path.endsWith("/N") ? "-one" : "";
          const file = `${pictures}${name}${single}-${colorScheme}-${width}.jpg`;
          await page.screenshot({ path: file, type: "jpeg", quality: 70, fullPage: true });
        }
      }
      await page.setViewportSize({ width: 1280, height: 800 });
    });
  }

  test(`${path} weighs less than 60 KiB in all`, async (t) => {
    const page = await person({ colorScheme: "light" });
    let bytes = 0;
    const count = (answer) => answer.body().then((body) => (bytes += body.length), () => {});
    page.on("response", count);
    await visit(page, path.replace("N", run));
    await page.waitForTimeout(100);
    page.off("response", count);
    assert.ok(bytes > 1000 && bytes < 60 * 1024, `${bytes} bytes`);
    // Looked at by people: how long it takes is a matter of the machine.
    const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
    t.diagnostic(`${bytes} bytes, first paint after ${Math.round(paint)} ms`);
  });
}

test("a page that is not there says so, and leads back", async () => {
  const page = await person({ javaScriptEnabled: false });
  const answer = await page.goto(page.origin + "/runs/99999");
  assert.equal(answer.status(), 404);
  await page.getByRole("link", { name: "To the overview" }).click();
  assert.equal(new URL(page.url()).pathname, "/");
});
