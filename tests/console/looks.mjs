// What every page is: there with and without JavaScript, right in both themes and all widths, and light.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { audit, enter, visit } from "./browser.mjs";

const pictures = fileURLToPath(new URL("../../docs/console/", import.meta.url));

// People who look at a controller's console, each kind with a context of their own: a link works once.
export class People {
  contexts = {};

  constructor(browser, controller) {
    Object.assign(this, { browser, controller });
  }

  async person(options) {
    const key = JSON.stringify(options);
    this.contexts[key] ??= await enter(this.browser, await this.controller.open(), options);
    return this.contexts[key];
  }
}

// Tests each page; `people` gives who looks, and `fill` what is only known when the controller runs.
export function looksWell(paths, people, fill = (path) => path) {
  for (const path of paths) looksWellAt(path, async (options) => {
    const page = await people().person(options);
    return { page, show: () => visit(page, fill(path)) };
  });
}

function looksWellAt(path, at) {
  test(`${path} is there without JavaScript`, async () => {
    const { page, show } = await at({ javaScriptEnabled: false });
    await show();
    assert.equal(await page.locator("h1").count(), 1);
    assert.match(await page.title(), / · /);
    const times = await page.locator("time").evaluateAll((all) => all.map((time) => time.textContent)).catch(() => []);
    assert.ok(times.every((text) => text.length > 0));
  });

  for (const colorScheme of ["light", "dark"]) {
    test(`${path} has nothing that axe objects to, ${colorScheme}`, async () => {
      const { page, show } = await at({ colorScheme });
      await show();
      assert.deepEqual(await audit(page), []);
      assert.deepEqual(page.complaints, []);
    });

    test(`${path} fits from 320 to 1920 pixels, ${colorScheme}`, async () => {
      const { page, show } = await at({ colorScheme });
      await show();
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
    const { page, show } = await at({ colorScheme: "light" });
    let bytes = 0;
    const count = (answer) => answer.body().then((body) => (bytes += body.length), () => {});
    page.on("response", count);
    await show();
    await page.waitForTimeout(100);
    page.off("response", count);
    assert.ok(bytes > 1000 && bytes < 60 * 1024, `${bytes} bytes`);
    // Looked at by people: how long it takes is a matter of the machine.
    const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
    t.diagnostic(`${bytes} bytes, first paint after ${Math.round(paint)} ms`);
  });
}
