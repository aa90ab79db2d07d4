// What other sites, other users and the agent itself may try.
import assert from "node:assert/strict";
import http from "node:http";
import { after, before, test } from "node:test";
import { enter, launch, visit } from "./browser.mjs";
import { Controller } from "./controller.mjs";
import { MARKUP, scenario } from "./markup.mjs";

const PAGES = ["/", "/disks", "/backups", "/health", "/extensions", "/runs", "/runs/1", "/approvals", "/events"];
let controller, browser, link, page, cookie;

before(async () => {
  controller = await Controller.start(scenario);
  await controller.runToItsEnd("disk-watch");
  [browser, link] = [await launch(), await controller.open()];
  page = await enter(browser, link);
  const [{ name, value }] = await page.context().cookies();
  cookie = `${name}=${value}`;
});
after(async () => {
  await browser?.close();
  await controller?.stop();
});

// A request with these headers and nothing else, its path as it stands here.
function send(path, headers = {}, method = "GET", body = "") {
  const { port } = new URL(link);
  return new Promise((resolve, reject) => {
    const request = http.request({ host: "127.0.0.1", port, path, method, headers }, (answer) => {
      let text = "";
      answer.on("data", (bytes) => (text += bytes));
      answer.on("end", () => resolve({ status: answer.statusCode, text, headers: answer.headers }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

// A page of another site, on another port of this machine: the same site for cookies, another origin for all else.
async function elsewhere(html, look) {
  const server = http.createServer((_, answer) => answer.setHeader("content-type", "text/html").end(html));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const other = await page.context().newPage();
  await other.goto(`http://127.0.0.1:${server.address().port}/`);
  try {
    return await look(other);
  } finally {
    await other.close();
    server.close();
  }
}

async function isPaused() {
  const { body } = await controller.ask("GET", "/v1/status");
  return body.subjects.find((subject) => subject.name === "backup").is_paused;
}

test("the link works once", async () => {
  const again = await send(new URL(link).pathname);
  assert.equal(again.status, 403);
  assert.match(again.text, /used already/);
  assert.equal(again.headers["set-cookie"], undefined);
  assert.equal((await send("/enter/" + "0".repeat(64))).status, 403);
});

test("nobody without the cookie is answered, and the cookie is out of reach of scripts and sites", async () => {
  for (const headers of [{}, { cookie: cookie.replace(/=.*/, "=0") }, { cookie: "other=1" }]) {
    assert.equal((await send("/", headers)).status, 403);
  }
  assert.equal((await send("/", { cookie })).status, 200);
  const [{ httpOnly, sameSite }] = await page.context().cookies();
  assert.deepEqual([httpOnly, sameSite], [true, "Strict"]);
});

test("a name that leads here is not enough", async () => {
  for (const host of ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "10.0.0.1"]) {
    assert.equal((await send("/", { cookie, host })).status, 403, host);
    assert.equal((await send(new URL(link).pathname, { host })).status, 403, host);
  }
  assert.equal((await send("/", { cookie, host: "localhost:1" })).status, 200, "a tunnel has a port of its own");
});

test("a form of another site does nothing", async () => {
  const form = `<form method="post" action="${page.origin}/subjects/backup/pause"><input name="token" value="x"></form>`;
  await elsewhere(form, async (other) => {
    await Promise.all([other.waitForNavigation(), other.evaluate(() => document.forms[0].submit())]);
    assert.match(await other.textContent("main"), /another site/);
  });
  const body = "token=x";
  const headers = { cookie, "content-type": "application/x-www-form-urlencoded" };
  for (const origin of [undefined, page.origin]) {
    const sent = await send("/subjects/backup/pause", origin ? { ...headers, origin } : headers, "POST", body);
    assert.equal(sent.status, 403, "without the token of a page");
  }
  assert.equal(await isPaused(), false);
  // The same from a page of the console does what it says.
  await visit(page, "/extensions");
  const token = await page.locator("input[name=token]").first().getAttribute("value");
  const sent = await send("/subjects/backup/pause", { ...headers, origin: page.origin }, "POST", `token=${token}`);
  assert.equal(sent.status, 303);
  assert.equal(await isPaused(), true);
});

test("no other site has a page of the console in a frame", async () => {
  await elsewhere(`<iframe src="${page.origin}/"></iframe>`, async (other) => {
    const frame = other.frames()[1];
    await frame.waitForLoadState().catch(() => {});
    assert.equal(await frame.locator("h1").filter({ hasText: /well|needs/ }).count(), 0);
  });
});

test("each answer keeps others out by its headers", async () => {
  for (const path of [...PAGES, "/console.css", "/console.js", "/none", "/subjects/backup/pause"]) {
    const { headers } = await send(path, { cookie });
    const policy = headers["content-security-policy"];
    assert.match(policy, /default-src 'none'/, path);
    assert.match(policy, /frame-ancestors 'none'/, path);
    assert.doesNotMatch(policy, /unsafe|\*|http:/, path);
    assert.equal(headers["x-content-type-options"], "nosniff", path);
  }
});

test("the API and other files are on no path of the console", async () => {
  const paths = ["/v1/status", "/v1/../v1/status", "//v1/status", "/%76%31/status", "/./v1/status", "/metrics"];
  for (const path of [...paths, "/enter/../v1/status", "/console.css/../../v1/status", "/..%2f..%2fetc/passwd"]) {
    const { status, text } = await send(path, { cookie });
    assert.ok(status === 404 || status === 403, `${path}: ${status}`);
    assert.doesNotMatch(text, /"subjects"|agentapi_runs_total|root:/, path);
  }
});

test("markup in whatever the agent says is shown and never taken", async () => {
  let shown = 0;
  for (const path of PAGES) {
    await visit(page, path);
    await page.waitForTimeout(50);
    assert.equal(await page.evaluate(() => window.taken), undefined, path);
    assert.equal(await page.locator("[data-attack]").count(), 0, path);
    shown += (await page.textContent("body")).split(MARKUP).length - 1;
  }
  assert.ok(shown > 3, `the markup is shown ${shown} times`);
});

test("whoever may only look sees no control, and can use none", async () => {
  const looking = await enter(browser, await controller.open(controller.readOnlySocket));
  for (const path of PAGES) {
    await visit(looking, path);
    assert.equal(await looking.locator("form[method=post], button:not([data-copy])").count(), 0, path);
  }
  const [{ name, value }] = await looking.context().cookies();
  for (const path of ["/subjects/backup/run", "/subjects/backup/resume", "/approvals/1/approve", "/runs/1/stop"]) {
    const answer = await looking.request.post(looking.origin + path, {
      form: { token: "x", durable_id: "y" },
      headers: { cookie: `${name}=${value}`, origin: looking.origin },
    });
    assert.equal(answer.status(), 403, path);
  }
  assert.equal(await isPaused(), true, "as the test before has left it");
});
