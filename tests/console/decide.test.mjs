// A wipe from the question to its end: typed, refused, changed in between, decided by two at once.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { audit, enter, launch, visit } from "./browser.mjs";
import { Controller } from "./controller.mjs";

const disk = (number) => ({
  name: `data${number}`,
  type: "sata",
  state: "mounted",
  backing_device: `/dev/sd${"abcdefgh"[number]}1`,
  mount_path: `/mnt/data${number}`,
  class: "slow",
  role: "user-data",
  data_bearing: true,
  data_reason: `photos of disk ${number}`,
  total_bytes: 4_000_000_000_000,
  used_bytes: 1_000_000_000_000,
  used_fraction: 0.25,
  durable_id: `uuid:0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e1${number}`,
});
const disks = [0, 1, 2, 3, 4, 5].map(disk);
const locked = [
  { ...disk(6), name: "root", role: "system" },
  { ...disk(7), name: "backups", role: "backup" },
];
let controller, browser, page;

before(async () => {
  controller = await Controller.start({ disks: [...disks, ...locked] });
  browser = await launch();
  page = await enter(browser, await controller.open());
});
after(async () => {
  await browser?.close();
  await controller?.stop();
});

async function seen(number) {
  const { body } = await controller.ask("GET", "/v1/agent/disks");
  return body.disks.find((one) => one.backing_device === disks[number].backing_device);
}

// Asks for the wipe of a disk by its page, which leads to the page of the approval.
async function askFor(number, person = page) {
  await visit(person, `/disks/wipe?id=${encodeURIComponent(disks[number].durable_id)}`);
  await person.getByLabel("Type the durable id").fill(disks[number].durable_id);
  await Promise.all([person.waitForNavigation(), person.getByRole("button", { name: /^Ask for the wipe/ }).click()]);
  assert.match(new URL(person.url()).pathname, /^\/approvals\/\d+$/);
  return new URL(person.url()).pathname;
}

async function approve(number, person = page) {
  await person.getByLabel("Type the durable id").fill(disks[number].durable_id);
  const button = person.getByRole("button", { name: /^Approve/ });
  const [answer] = await Promise.all([person.waitForNavigation(), button.click()]);
  return answer;
}

async function ended(path) {
  const { body } = await controller.ask("GET", `/v1${path}`);
  for (;;) {
    const run = (await controller.ask("GET", `/v1/runs/${body.run}`)).body;
    if (run.ended_at) return run;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test("disks of the system and of backups have a lock in words, and no control", async () => {
  await visit(page, "/disks");
  for (const { name } of locked) {
    const card = page.locator(".card").filter({ has: page.getByRole("heading", { name, exact: true }) });
    assert.match(await card.textContent(), /Locked/);
    assert.equal(await card.locator("a, button, form").count(), 0, name);
  }
  assert.equal(await page.getByRole("link", { name: /^Wipe/ }).count(), disks.length);
});

test("a person types the id, agrees, and the disk is wiped once", async () => {
  const path = await askFor(0);
  assert.equal((await seen(0)).data_bearing, true, "asking wipes nothing");
  assert.match(await page.textContent("main"), /photos of disk 0/);
  assert.deepEqual(await audit(page), []);
  const button = page.getByRole("button", { name: /^Approve/ });
  await page.getByLabel("Type the durable id").fill(disks[1].durable_id);
  assert.equal(await button.isDisabled(), true, "the id of another disk");
  await approve(0);
  const run = await ended(path);
  assert.equal(run.state, "done", run.end_reason);
  assert.equal((await seen(0)).data_bearing, false);
  assert.equal((await controller.ask("GET", `/v1${path}`)).body.state, "used");
  await visit(page, path);
  assert.equal(await page.getByRole("button", { name: /Approve|Refuse/ }).count(), 0);
});

test("the server looks at what was typed, with or without JavaScript", async () => {
  const bare = await enter(browser, await controller.open(), { javaScriptEnabled: false });
  const path = await askFor(1, bare);
  await bare.getByLabel("Type the durable id").fill(disks[2].durable_id);
  const button = bare.getByRole("button", { name: /^Approve/ });
  const [answer] = await Promise.all([bare.waitForNavigation(), button.click()]);
  assert.equal(answer.status(), 400);
  assert.equal((await controller.ask("GET", `/v1${path}`)).body.state, "waiting");
  await visit(bare, path);
  await approve(1, bare);
  assert.equal((await ended(path)).state, "done");
  assert.equal((await seen(1)).data_bearing, false);
});

test("a disk that has changed in between is left alone", async () => {
  const path = await askFor(2);
  await controller.ask("POST", "/v1/agent/eject-disk", { where: disks[2].mount_path });
  await approve(2);
  const run = await ended(path);
  assert.notEqual(run.state, "done");
  await visit(page, path);
  assert.match(await page.textContent("main"), /another|changed/i);
});

test("two decide at once: one is heard, the other told", async () => {
  const other = await enter(browser, await controller.open());
  const path = await askFor(3);
  await visit(other, path);
  await Promise.all([other.waitForNavigation(), other.getByRole("button", { name: /^Refuse/ }).click()]);
  // Filled in on a page that has not heard of it yet, or the form is gone already.
  const answer = await approve(3).catch(() => null);
  if (answer) assert.equal(answer.status(), 409);
  assert.equal((await controller.ask("GET", `/v1${path}`)).body.state, "refused");
  assert.notEqual((await ended(path)).state, "done");
  assert.equal((await seen(3)).data_bearing, true);
});

test("guessing is slowed down", async () => {
  const path = await askFor(4);
  const statuses = [];
  for (let tries = 0; tries < 7; tries += 1) {
    statuses.push((await controller.ask("POST", `/v1${path}/approve`, { durable_id: `guess ${tries}` })).status);
  }
  assert.equal(statuses.at(-1), 429, statuses.join(" "));
  const right = await controller.ask("POST", `/v1${path}/approve`, { durable_id: disks[4].durable_id });
  assert.equal(right.status, 429, "the right one has to wait as well");
  assert.equal((await seen(4)).data_bearing, true);
});

test("a wipe by the keyboard alone", async () => {
  const focusOn = async (name) => {
    for (let tries = 0; tries < 80; tries += 1) {
      await page.keyboard.press("Tab");
      const focused = await page.evaluate(() => {
        const { activeElement: one } = document;
        return one.labels?.[0]?.textContent ?? one.textContent;
      });
      if (name.test(focused)) return;
    }
    throw new Error(`the focus never came to ${name}`);
  };
  const enterAnd = () => Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  await visit(page, "/disks");
  await focusOn(/^Wipe data5$/);
  await enterAnd();
  for (const button of [/^Ask for the wipe/, /^Approve/]) {
    await focusOn(/^Type the durable id/);
    await page.keyboard.type(disks[5].durable_id);
    await focusOn(button);
    await enterAnd();
  }
  const path = new URL(page.url()).pathname;
  assert.equal((await ended(path)).state, "done");
  assert.equal((await seen(5)).data_bearing, false);
});
