/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import assert from "node:assert/strict";
import { connect } from "../../lib/client/connect.ts";
import { buildPages, findChromium, openBrowser, visit } from "../support/browser.ts";
import { personAt, signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { ask, LIMIT_MS, options, visitAs, waitForText } from "./fixture.ts";

Deno.test("BASE_PATH: API, sockets and health checks are below it, and nothing is beside it", async () => {
  await using app = await startServer({ BASE_PATH: "/tools/chat/" });
  const { origin, pathname } = new URL(app.url);
  assert.equal(pathname, "/tools/chat");
  const ada = await signUp(app.url);
  assert.equal(await ada.status("GET", "/api/v1/chats/"), 200);
  for (
    const path of ["/", "/api/config", "/tools", "/tools/chatter", "/tools/chatter/api/config"]
  ) {
    const response = await fetch(origin + path);
    await response.body?.cancel();
    assert.equal(response.status, 404, path);
  }
  for (const base of [origin, app.url]) {
    const response = await fetch(`${base}/ready`);
    await response.body?.cancel();
    assert.equal(response.status, 200, base);
  }
  const slashless = await fetch(`${app.url}?theme=dark`, { redirect: "manual" });
  await slashless.body?.cancel();
  assert.equal(slashless.status, 308);
  assert.equal(slashless.headers.get("location"), "/tools/chat/?theme=dark");
  const lost = await fetch(`${app.url}/nowhere`, { headers: { accept: "text/html" } });
  assert.equal(lost.status, 404);
  assert.match(await lost.text(), /href="\/tools\/chat\/"/);

  using connection = connect({ url: app.url, token: ada.token });
  await until(() => connection.status.state === "online", { what: "the socket" });
  connection.close();
  await until(() => connection.isIdle, { what: "its end" });
});

Deno.test({
  name: "BASE_PATH: the pages, their answers, Python and offline use work below it",
  ...options,
  async fn() {
    await buildPages();
    await using app = await startServer({ BASE_PATH: "/app" });
    const browser = await openBrowser(findChromium() ?? "");
    try {
      const ada = await signUp(app.url);
      await using visitor = await visitAs(browser, personAt(app.url, ada), `${app.url}/`);
      const { page } = visitor;
      await page.getByLabel("Message", { exact: true }).waitFor({ timeout: LIMIT_MS });
      // What is said before there is a connection stays where it was written.
      await page.locator(".light.online").waitFor({ timeout: LIMIT_MS });
      await ask(page, "is this below a path?");
      await waitForText(page, ".message", "is this below a path?");
      await page.waitForFunction(
        () => document.querySelectorAll(".message").length >= 2,
        undefined,
        { timeout: LIMIT_MS },
      );
      const addresses = await page.evaluate(async () => {
        const { scope } = await navigator.serviceWorker.ready;
        const { name } = performance.getEntriesByType("resource").find(({ name }) =>
          name.includes("/assets/")
        ) ?? { name: "" };
        return { scope, asset: name };
      });
      assert.equal(addresses.scope, `${app.url}/`);
      assert.ok(addresses.asset.startsWith(`${app.url}/assets/`), addresses.asset);
      const python = await page.evaluate(async () => {
        const worker = new Worker(document.body.dataset.python ?? "", { type: "module" });
        try {
          return await new Promise((resolve) => {
            worker.onmessage = ({ data }) => resolve(data.ready);
            worker.onerror = ({ message }) => resolve(message);
          });
        } finally {
          worker.terminate();
        }
      });
      assert.equal(python, true);
      assert.deepEqual(visitor.faults, []);
      // Without a connection the page opens from what was kept.
      await visitor.context.setOffline(true);
      await page.reload();
      await page.getByLabel("Message", { exact: true }).waitFor({ timeout: LIMIT_MS });
      await visitor.context.setOffline(false);
      await using stranger = await visit(browser, app.url);
      await stranger.page.getByLabel("E-mail").waitFor({ timeout: LIMIT_MS });
    } finally {
      await browser.close();
    }
  },
});
