/// <reference lib="dom" />
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import type { Channel } from "../../lib/protocol/channel.ts";
import { at } from "../support/instances.ts";
import { type Person, signUp } from "../support/server.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";
import { ask, fixture, LIMIT_MS, options, PHONE, visitAs, waitForText, WORDS } from "./fixture.ts";
import { inspect } from "./inspect.ts";

/** Sessions are looked through less often where that takes long, as on a busy machine. */
const SEEN_MS = 30_000;
const say = (person: Person, channelId: string, content: string) =>
  person.json("POST", `/api/v1/channels/${channelId}/messages/post`, { content });
const here = (page: Page) => page.locator(".here");
const light = (page: Page) => page.locator(".light");
const notice = (page: Page) => page.locator(".notices .notice");

Deno.test(
  "who is here is seen at two instances, a break says what it cost, admins see what runs",
  options,
  async (t) => {
    await using place = await fixture();
    const { provider, a, b, browser } = place;
    await using network = new TcpProxy(Number(new URL(b.url).port));
    const admin = await signUp(a.url, "Ada");
    const person = at(b.url, await signUp(a.url, "Bob"));
    const dm = await admin.json<Channel>("GET", `/api/v1/channels/users/${person.id}`);
    const team = await admin.json<Channel>("POST", "/api/v1/channels/create", { name: "team" });
    await using one = await visitAs(browser, admin, `${a.url}/#/channel/${team.id}`);
    const ada = one.page;
    ada.setDefaultTimeout(LIMIT_MS);
    await ada.getByLabel("Message", { exact: true }).waitFor();
    const mark = ada.locator(".sidebar li", { hasText: "Bob" }).locator(".online-mark");

    await t.step("Bob is online once he is, and seen where he looks", async () => {
      assert.equal(await mark.count(), 0);
      assert.equal(await here(ada).count(), 0);
      await using two = await visitAs(browser, person, `${b.url}/#/channel/${team.id}`);
      await mark.waitFor({ timeout: SEEN_MS });
      await ada.getByRole("img", { name: "Here now: Bob" }).waitFor();
      await two.page.getByRole("img", { name: "Here now: Ada" }).waitFor();
      await ada.locator("[aria-label='About this channel']").click();
      await ada.keyboard.press("Escape");
      await inspect(ada, "who_is_here");
      await two.page.goto(`${b.url}/#/channel/${dm.id}`);
      await here(ada).waitFor({ state: "detached" });
      await mark.waitFor({ timeout: SEEN_MS });
    });
    await mark.waitFor({ state: "detached", timeout: SEEN_MS });

    await t.step("a name in a channel leads to its person", async () => {
      await say(person, team.id, "Hello Ada");
      await ada.locator(".post").getByRole("button", { name: "Bob", exact: true }).click();
      await ada.getByRole("heading", { name: "Bob", exact: true }).waitFor();
      assert.equal(new URL(ada.url()).hash, `#/channel/${dm.id}`);
    });

    await t.step("one's own chat that is open elsewhere says so", async () => {
      await ada.goto(`${a.url}/#/chat`);
      provider.script = { tokens: ["Two", " places."] };
      await ask(ada, "Where am I?");
      await waitForText(ada, ".answer", "Two places.");
      assert.equal(await here(ada).count(), 0);
      await using again = await visitAs(browser, at(b.url, admin), b.url + new URL(ada.url()).hash);
      await ada.getByText("Also open elsewhere").waitFor();
      await again.page.getByText("Also open elsewhere").waitFor();
    });
    await here(ada).waitFor({ state: "detached" });

    const origin = `http://127.0.0.1:${network.port}`;
    await using two = await visitAs(browser, person, `${origin}/#/chat`, PHONE);
    const bob = two.page;
    bob.setDefaultTimeout(LIMIT_MS);

    await t.step("a break moves nothing, and nothing was lost in it", async () => {
      provider.script = { tokens: WORDS, paceMs: 15 };
      await bob.getByLabel("Message", { exact: true }).fill("Count.");
      await bob.getByRole("button", { name: "Send" }).tap();
      await waitForText(bob, ".answer", "word20 ");
      const top = () => bob.locator("main").evaluate((main) => main.getBoundingClientRect().top);
      const before = await top();
      network.cut();
      await notice(bob).getByText("No connection. You can read what is here").waitFor();
      assert.equal(await top(), before, "the page has not moved");
      assert.equal(await light(bob).getAttribute("class"), "light offline");
      assert.match(await light(bob).getAttribute("aria-label") ?? "", /^No connection for \d+ s$/);
      await bob.locator(".menu-light.offline").waitFor();
      await inspect(bob, "no_connection");
      network.heal();
      await notice(bob).getByText("Resumed, nothing lost.").waitFor();
      assert.equal(await top(), before);
      await waitForText(bob, ".answer", "word299");
      const text = await bob.locator(".answer .markdown").last().innerText();
      assert.equal(text.trim(), WORDS.join("").trim());
      await notice(bob).getByRole("button", { name: "OK" }).tap();
      await notice(bob).waitFor({ state: "detached" });
    });

    await t.step("a chat that was deleted meanwhile was not resumed", async () => {
      const id = new URL(bob.url()).hash.split("/").at(-1);
      network.cut();
      await notice(bob).waitFor();
      await person.json("DELETE", `/api/v1/chats/${id}`);
      network.heal();
      await notice(bob).getByText("What you see was read anew.").waitFor();
    });

    await t.step("the live view: people, tabs, tasks, rooms, events, also on a phone", async () => {
      await bob.goto(`${origin}/#/chat`);
      // It goes on for longer than all that is looked at here takes, and ends with the stop.
      const tokens = Array.from({ length: 6_000 }, (_, at) => `long-word${at} `);
      provider.script = { tokens, paceMs: 50 };
      await bob.getByLabel("Message", { exact: true }).fill("Talk.");
      await bob.getByRole("button", { name: "Send" }).tap();
      await waitForText(bob, ".answer", "long-word5 ");
      await ada.goto(`${a.url}/#/admin`);
      const tasks = ada.locator("section", { hasText: "Running tasks" }).locator("tbody tr");
      await tasks.getByText("a chat of Bob").waitFor();
      await tasks.getByText(provider.models[0]?.id ?? "no model").waitFor();
      await until(async () => /\d tokens\/s/.test(await tasks.innerText()), {
        what: "the speed of an answer at the other instance",
        limitMs: LIMIT_MS,
      });
      const people = ada.locator("section", { hasText: "People and their tabs" });
      await people.locator("li", { hasText: "Bob" }).getByText(/: a chat of Bob/).waitFor();
      await ada.locator("section", { hasText: /^Rooms/ }).getByText("# team").waitFor();
      await ada.locator(".passing").getByText("usage").first().waitFor();
      const chart = ada.getByRole("img", { name: /^Sessions: \d+ now, at most \d+/ });
      await chart.locator(".line").waitFor({ state: "attached" });
      await inspect(ada, "live_view");
      await ada.setViewportSize({ width: 390, height: 800 });
      const overflow = await ada.evaluate(() => document.querySelector(".sheet")?.scrollWidth ?? 0);
      assert.ok(overflow <= 390, `${overflow} px wide`);
      await ada.setViewportSize({ width: 1280, height: 820 });
      await ada.getByRole("button", { name: "Stop the task of Bob" }).click();
      await ada.getByRole("button", { name: "Stop it" }).click();
      await bob.getByRole("button", { name: "Stop" }).waitFor({ state: "detached" });
    });
  },
);
