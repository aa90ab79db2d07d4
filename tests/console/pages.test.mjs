// Every page of a controller by itself.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch } from "./browser.mjs";
import { Controller } from "./controller.mjs";
import { looksWell, People } from "./looks.mjs";

const TABS = ["/", "/disks", "/backups", "/health", "/extensions", "/runs", "/approvals", "/events"];
let controller, browser, people, run;

before(async () => {
  controller = await Controller.start();
  run = (await controller.runToItsEnd("backup")).id;
  await controller.runToItsEnd("disk-watch");
  browser = await launch();
  people = new People(browser, controller);
});
after(async () => {
  await browser?.close();
  await controller?.stop();
});

looksWell([...TABS, "/runs/N"], () => people, (path) => path.replace("N", run));

test("a page that is not there says so, and leads back", async () => {
  const page = await people.person({ javaScriptEnabled: false });
  const answer = await page.goto(page.origin + "/runs/99999");
  assert.equal(answer.status(), 404);
  await page.getByRole("link", { name: "To the overview" }).click();
  assert.equal(new URL(page.url()).pathname, "/");
});
