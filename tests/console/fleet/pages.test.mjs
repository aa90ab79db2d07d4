// Every page of a fleet, and what they show while its bus is gone.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, visit } from "../browser.mjs";
import { looksWell, People } from "../looks.mjs";
import { Coordinator } from "./coordinator.mjs";

const PAGES = ["/fleet", "/fleet/guests/web1", "/fleet/slots", "/fleet/rollouts", "/fleet/approvals", "/fleet/events"];
let controller, browser, people, disk;

before(async () => {
  controller = await Coordinator.start();
  browser = await launch();
  people = new People(browser, controller);
  await controller.runToItsEnd("backup");
  const { body } = await controller.ask("GET", "/v1/agent/disks");
  disk = body.disks.find((one) => one.role === "user-data" && one.data_bearing);
  const wipe = { device: disk.backing_device, durable_id: disk.durable_id, fstype: "ext4", confirmed: true };
  assert.equal((await controller.ask("POST", "/v1/agent/format-disk", wipe)).status, 202);
  const page = await people.person({ colorScheme: "light" });
  await visit(page, "/fleet/approvals");
  await page.locator("#fleet-approvals .card").waitFor({ timeout: 90_000 });
  await visit(page, "/fleet/events");
  await page.locator("#fleet-events tr").filter({ hasText: "approval-requested" }).waitFor({ timeout: 90_000 });
});
after(async () => {
  await browser?.close();
  await controller?.stop();
});

looksWell(PAGES, () => people);

test("the overview leads to the fleet, and that to the guest with its latest backup", async () => {
  const page = await people.person({ colorScheme: "light" });
  await visit(page, "/");
  await page.getByRole("link", { name: "Fleet", exact: true }).click();
  await page.getByRole("rowheader", { name: "web1" }).getByRole("link").click();
  assert.match(await page.textContent(".figures"), /alive.*ago/s);
  assert.match(await page.textContent("#guest"), /is ready/);
});

test("the command that signs is copied as it stands", async () => {
  const page = await people.person({ colorScheme: "light" });
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await visit(page, "/fleet/approvals");
  await page.getByRole("button", { name: /^Copy the command agentapi fleet approvals approve/ }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(copied, `agentapi fleet approvals approve web1 1 ${disk.durable_id}`);
});

test("an open page says that the bus is gone, keeps what was known, and goes on when it is back", async () => {
  const page = await people.person({ colorScheme: "dark" });
  await visit(page, "/fleet");
  await controller.stopBus();
  await page.locator("#bus").filter({ hasText: "Without the bus since" }).waitFor({ timeout: 120_000 });
  assert.match(await page.textContent("#guests"), /web1.*alive/s);
  await controller.startBus();
  await page.locator("#bus").filter({ hasText: "Read from the bus" }).waitFor({ timeout: 120_000 });
  await page.locator("#guests").filter({ hasText: /web1.*alive/s }).waitFor({ timeout: 120_000 });
});
