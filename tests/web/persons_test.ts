/// <reference lib="dom" />
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { routeOf } from "../../lib/web/route_of.ts";
import { buildPages, findChromium, openBrowser, signUpOnPage, visit } from "../support/browser.ts";
import { signUp, startServer } from "../support/server.ts";
import { startModelProvider } from "../support/model_provider.ts";
import { LIMIT_MS, options, visitAs } from "./fixture.ts";

const online = (page: Page) => page.locator(".light.online").waitFor({ state: "attached" });

/** Everything that the browser keeps for this page, as one text. */
const keptBy = (page: Page) =>
  page.evaluate(async () => {
    const caches = [];
    for (const name of await globalThis.caches.keys()) {
      if (name.startsWith("shell-")) continue;
      const cache = await globalThis.caches.open(name);
      for (const request of await cache.keys()) caches.push(request.url);
    }
    return JSON.stringify([{ ...localStorage }, { ...sessionStorage }, caches]);
  });

Deno.test("what is one person's in a browser, and what is anybody's", options, async (t) => {
  await buildPages();
  await using provider = startModelProvider();
  await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
  await using browser = await openBrowser(findChromium() ?? "");
  const { url } = app;
  const admin = await signUp(url, "Admin");
  await admin.json("POST", "/api/v1/channels/create", { name: "general" });

  await t.step("G1: after sign-out, nothing of a person is there for the next", async () => {
    await using visitor = await visit(browser, url);
    const { page, context } = visitor;
    page.setDefaultTimeout(LIMIT_MS);
    await signUpOnPage(page, "Ada");
    await page.goto(`${url}/#/settings`);
    await page.getByLabel("Address").fill(provider.baseUrl);
    await page.getByLabel("Key").fill("adas-own-key");
    await page.getByRole("button", { name: "Connect" }).click();
    await page.getByText(/Connected: \d/).waitFor();
    await page.goto(`${url}/#/chat`);
    const models = page.getByRole("button", { name: "Model:" });
    const mine = page.getByRole("group", { name: "Mine" });
    await models.click();
    await mine.getByText("(mine)").first().click();
    await page.getByLabel("Message", { exact: true }).fill("what Ada typed");
    const other = await context.newPage();
    await other.goto(`${url}/#/chat`);
    await online(other);
    await other.getByLabel("Message", { exact: true }).fill("typed in another tab");
    assert.match(await keptBy(page), /adas-own-key[\s\S]*what Ada typed/);
    await page.goto(`${url}/#/settings`);
    await page.getByRole("button", { name: "Sign out", exact: true }).click();
    for (const tab of [page, other]) {
      await tab.getByRole("heading", { name: "Welcome back" }).waitFor();
      assert.doesNotMatch(
        await keptBy(tab),
        /adas-own-key|what Ada typed|another tab|\(mine\)|api\/v1/,
      );
    }
    await signUpOnPage(page, "Bob");
    assert.equal(await page.getByLabel("Message", { exact: true }).inputValue(), "");
    await models.click();
    await page.getByRole("group", { name: "Server" }).waitFor();
    assert.equal(await mine.count(), 0);
    assert.doesNotMatch(await keptBy(page), /adas-own-key|what Ada typed/);
  });

  await t.step(
    "G1: without a sign-out, too, the next is offered nothing, and the first has it back",
    async () => {
      const [ada, bob] = [await signUp(url, "Ada"), await signUp(url, "Bob")];
      await using visitor = await visitAs(browser, ada, url);
      const { page } = visitor;
      page.setDefaultTimeout(LIMIT_MS);
      await online(page);
      const message = page.getByLabel("Message", { exact: true });
      await message.fill("what Ada typed");
      const become = async (token: string) => {
        await page.evaluate((token) => {
          localStorage.setItem("token", token);
          localStorage.removeItem("me");
        }, token);
        await page.reload();
        await online(page);
      };
      await become(bob.token);
      assert.equal(await message.inputValue(), "");
      await become(ada.token);
      assert.equal(await message.inputValue(), "what Ada typed");
    },
  );

  await t.step(
    "G2: a tab that wakes with an ended session ends its own, and no other",
    async () => {
      const [ada, bob] = [await signUp(url, "Ada"), await signUp(url, "Bob")];
      await using visitor = await visitAs(browser, ada, "about:blank", { origin: url });
      const { page, context } = visitor;
      page.setDefaultTimeout(LIMIT_MS);
      // A tab that sleeps hears nothing, until it wakes and hears all of it.
      let isAsleep = false;
      const missed: (() => void)[] = [];
      await page.routeWebSocket(/socket\.io/, (socket) => {
        const server = socket.connectToServer();
        const hear = (tell: () => void) => isAsleep ? void missed.push(tell) : tell();
        server.onMessage((message) => hear(() => socket.send(message)));
        server.onClose(() => hear(() => void socket.close()));
      });
      await page.goto(url);
      await online(page);
      isAsleep = true;
      assert.equal(await ada.status("POST", "/api/v1/auths/signout"), 200);
      const other = await context.newPage();
      other.setDefaultTimeout(LIMIT_MS);
      await other.goto(`${url}/health`);
      await other.evaluate((token) => {
        localStorage.setItem("token", token);
        localStorage.removeItem("me");
      }, bob.token);
      await other.goto(url);
      await online(other);
      assert.ok(await page.locator(".foot").getByText("Ada").isVisible(), "it sleeps");
      isAsleep = false;
      for (const tell of missed) tell();
      // The tab that woke is of who is signed in now, as it would be after a reload.
      await page.locator(".foot").getByText("Bob").waitFor();
      assert.equal(await other.evaluate(() => localStorage.getItem("token")), bob.token);
      await other.reload();
      await online(other);
      assert.equal(await bob.status("GET", "/api/v1/auths/"), 200);
    },
  );

  await t.step("G6: any address ends at a page that says what it is", async () => {
    assert.deepEqual(routeOf(""), { place: "chat", id: "" });
    assert.deepEqual(routeOf("#/note/a%20b"), { place: "unknown", id: "" });
    assert.deepEqual(routeOf("#/note/a%2Db"), { place: "note", id: "a-b" });
    assert.deepEqual(routeOf("#/channel/a/thread/b"), { place: "channel", id: "a", threadId: "b" });
    for (const hash of ["#/chat/a/thread/b", "#/channel/a/thread/", "#/channel/a/thread/b/c"]) {
      assert.equal(routeOf(hash).place, "unknown", hash);
    }
    await using visitor = await visitAs(browser, admin, `${url}/#/chat/%E0%A4%A`);
    const { page } = visitor;
    page.setDefaultTimeout(LIMIT_MS);
    await online(page);
    for (
      const hash of [
        "#/chat/%E0%A4%A",
        "#/note/%",
        "#/channel/",
        "#/nowhere",
        "#/__proto__/x",
        "#/note/..%2F..%2Fauths",
        "#/notes/extra",
        "#/chat/a/b/c",
        "#%",
      ]
    ) {
      await page.goto(`${url}/${hash}`);
      await page.getByRole("heading", { level: 1, name: "There is no such page" }).waitFor();
      await page.goto(`${url}/#/settings`);
      await page.getByRole("heading", { level: 1, name: "Settings" }).waitFor();
    }
    for (const place of ["chat", "note", "channel"]) {
      await page.goto(`${url}/#/${place}/not-there`);
      await page.getByRole("main").getByText(/no such|not in this channel/).first().waitFor();
    }
    for (const path of ["/nope", "/%", "/%E0%A4%A", "/chat/%"]) {
      const answer = await fetch(url + path, { headers: { accept: "text/html" } });
      assert.match(await answer.text(), /There is no such page/, path);
      assert.equal(answer.status, 404, path);
    }
  });

  await t.step("G8: what may not be done is not offered", async () => {
    const user = await signUp(url, "User");
    const { id } = await admin.json<{ id: string }>("POST", "/api/v1/channels/create", {
      name: "news",
      access_grants: [{ principal_type: "user", principal_id: "*", permission: "read" }],
    });
    await admin.json("POST", `/api/v1/channels/${id}/messages/post`, { content: "Read this" });
    await using visitor = await visitAs(browser, user, `${url}/#/channel/${id}`);
    const { page } = visitor;
    page.setDefaultTimeout(LIMIT_MS);
    await page.getByText("You can read this channel.").waitFor();
    await page.locator(".post").hover();
    assert.equal(await page.getByLabel("Message", { exact: true }).count(), 0);
    for (const name of ["Reply in a thread", "Delete", /^React/]) {
      assert.equal(await page.getByRole("button", { name }).count(), 0, String(name));
    }
    await page.goto(`${url}/#/admin`);
    await page.getByRole("heading", { level: 1, name: "For administrators" }).waitFor();
    assert.equal(await page.getByRole("link", { name: "Live view" }).count(), 0);
    await using closed = await startServer({ ENABLE_SIGNUP: "false" });
    await using first = await visit(browser, closed.url);
    first.page.setDefaultTimeout(LIMIT_MS);
    await signUpOnPage(first.page, "First");
    await using second = await visit(browser, closed.url);
    await second.page.getByText("Signing up is closed on this server.").waitFor();
    assert.equal(await second.page.getByRole("button", { name: "Create an account" }).count(), 0);
  });

  await t.step(
    "G7: after a deploy, a page offers the new version, and nothing typed is lost",
    async () => {
      const user = await signUp(url, "Old");
      await using visitor = await visitAs(browser, user, url, { serviceWorkers: "block" });
      const { page, context } = visitor;
      page.setDefaultTimeout(LIMIT_MS);
      await online(page);
      await page.getByLabel("Message", { exact: true }).fill("typed before the deploy");
      // Files of another version: their names have changed, the old ones are gone.
      let isDeployed = true;
      await context.route(
        /\/assets\/(?!main|styles).*settings_page/,
        (route) => isDeployed ? route.fulfill({ status: 404, body: "" }) : route.continue(),
      );
      await context.route(`${url}/`, async (route) => {
        if (!isDeployed || route.request().resourceType() === "document") {
          return await route.continue();
        }
        const answer = await route.fetch();
        const text = (await answer.text()).replace(/main-[0-9a-f]+\.js/, "main-0123456789.js");
        await route.fulfill({ response: answer, body: text });
      });
      await page.goto(`${url}/#/settings`);
      await page.getByText("There is a new version of this page.").waitFor();
      await page.getByText("This page has been replaced by a new version.").waitFor();
      isDeployed = false;
      await page.goto(`${url}/#/chat`);
      await page.getByRole("button", { name: "Load it" }).click();
      await page.getByText("There is a new version of this page.").waitFor({ state: "detached" });
      await online(page);
      assert.equal(
        await page.getByLabel("Message", { exact: true }).inputValue(),
        "typed before the deploy",
      );
      await page.goto(`${url}/#/settings`);
      await page.getByRole("heading", { level: 1, name: "Settings" }).waitFor();
    },
  );
});

Deno.test({
  name: "X8: a person changes their password and goes on; everywhere else they are signed out",
  ...options,
  async fn() {
    await buildPages();
    await using a = await startServer();
    await using browser = await openBrowser(findChromium() ?? "");
    const ada = await signUp(a.url);
    await using here = await visitAs(browser, ada, `${a.url}/#/settings`);
    await using there = await visitAs(browser, ada, `${a.url}/#/settings`);
    const { page } = here;
    await page.getByLabel("Password of now").fill("correct horse battery");
    await page.getByLabel("New password").fill("another horse battery");
    await page.getByRole("button", { name: "Change password" }).click();
    await page.getByText("The password is changed").waitFor({ timeout: LIMIT_MS });
    await page.getByText("Sign out everywhere").waitFor({ timeout: LIMIT_MS });
    await there.page.getByLabel("E-mail").waitFor({ timeout: LIMIT_MS });
    await page.getByText("Sign out everywhere").click();
    await page.getByLabel("E-mail").waitFor({ timeout: LIMIT_MS });
  },
});
