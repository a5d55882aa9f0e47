/// <reference lib="dom" />
import assert from "node:assert/strict";
import type { Locator, Page } from "playwright-core";
import type { Channel, ChannelMessage } from "../../lib/protocol/channel.ts";
import { type Person, signUp } from "../support/server.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";
import { ask, fixture, LIMIT_MS, options, visitAs, WORDS } from "./fixture.ts";

const online = (page: Page) => page.locator(".light.online").waitFor({ state: "attached" });

const say = (person: Person, channelId: string, body: object) =>
  person.json<ChannelMessage>("POST", `/api/v1/channels/${channelId}/messages/post`, body);

/** The number that the sidebar shows beside a channel. */
async function badge(page: Page, name: string): Promise<number> {
  const shown = page.locator(".sidebar a", { hasText: name }).locator(".badge");
  // In one look: it may go away between two.
  const [count = "0"] = await shown.allInnerTexts();
  return Number(count);
}

Deno.test("channels in a browser: models, places kept, badges, changes", options, async (t) => {
  await using place = await fixture();
  const { provider, a, b, browser } = place;
  const [ada, bob] = [await signUp(a.url, "Ada"), await signUp(b.url, "Bob")];
  const make = (name: string) => ada.json<Channel>("POST", "/api/v1/channels/create", { name });
  const { id } = await make("general");

  await t.step(
    "a model that is mentioned answers under its own name, before the asker's eyes",
    async () => {
      await using visitor = await visitAs(browser, bob, `${b.url}/#/channel/${id}`);
      const { page, faults } = visitor;
      page.setDefaultTimeout(LIMIT_MS);
      await online(page);
      provider.script = { tokens: WORDS.slice(0, 120), paceMs: 15 };
      await page.getByPlaceholder(/or ask @Stand-in/).waitFor();
      await ask(page, "Please count, @stand-in!");
      const question = page.locator(".post", { hasText: "Please count" }).first();
      await question.locator(".mention", { hasText: "@Stand-in" }).waitFor();
      assert.doesNotMatch(await question.innerText(), /<@|M:/);
      const answer = page.locator(".thread .post", { hasText: "word1 " });
      await answer.getByText(/word5 /).waitFor();
      assert.doesNotMatch(await answer.innerText(), /word119/, "it is seen while it grows");
      assert.equal(await answer.locator("header strong").innerText(), "Stand-in");
      await answer.getByText(/word119/).waitFor();
      // In the thread, too.
      provider.script = { tokens: ["In", " the", " thread."], paceMs: 5 };
      await page.getByLabel("Reply", { exact: true }).fill("Again @Stand-in");
      await page.keyboard.press("Enter");
      await page.locator(".thread .post", { hasText: "In the thread." }).waitFor();
      const [last] = await bob.json<ChannelMessage[]>(
        "GET",
        `/api/v1/channels/${id}/messages/${(await firstOf(bob, id)).id}/thread?limit=1`,
      );
      assert.equal(last?.meta?.model_id, "stand-in");
      // How it ended is said as in a chat.
      const url = "data:image/gif;base64,R0lGODlhAQABAAAAACw=";
      const reply = async (delta: unknown, finish: string, heard: string) => {
        const chunk = { choices: [{ index: 0, delta, finish_reason: finish }] };
        provider.script = { wire: [`data: ${JSON.stringify(chunk)}\n\n`] };
        await page.getByLabel("Reply", { exact: true }).fill("And now, @Stand-in?");
        await page.keyboard.press("Enter");
        await page.locator(".thread .post").getByText(heard).waitFor();
      };
      await reply({ content: "cu" }, "length", "The answer was cut at its length limit.");
      await reply({ content: "fi" }, "content_filter", "The provider's filter ended this answer.");
      await reply({ refusal: "Not that." }, "stop", "Not that.");
      await reply({ content: "Look", images: [{ image_url: { url } }] }, "stop", "Look");
      await page.locator(`.thread .post img[src="${url}"]`).waitFor();
      assert.deepEqual(faults, []);
    },
  );

  await t.step("W13: a reconnect keeps the reader's place, and what was loaded", async () => {
    const { id } = await make("long");
    for (let at = 1; at <= 120; at++) {
      await say(ada, id, { content: `post ${at}\n\nmore\n\nlines` });
    }
    await using network = new TcpProxy(Number(new URL(b.url).port));
    await using visitor = await visitAs(
      browser,
      bob,
      `http://127.0.0.1:${network.port}/#/channel/${id}`,
    );
    const { page } = visitor;
    page.setDefaultTimeout(LIMIT_MS);
    await online(page);
    const posts = page.locator(".post");
    const area = page.locator(".scroll").first();
    const more = page.getByRole("button", { name: "Show what was said before" });
    const topOf = async (text: string) =>
      (await posts.filter({ has: page.getByText(text, { exact: true }) }).boundingBox())?.y ?? NaN;
    await page.getByText("post 71", { exact: true }).waitFor();
    await more.scrollIntoViewIfNeeded();
    const before = await topOf("post 71");
    await more.click();
    await page.getByText("post 21", { exact: true }).waitFor();
    assert.ok(Math.abs(await topOf("post 71") - before) < 3, "what is read stays where it is");
    await more.click();
    await page.getByText("post 1", { exact: true }).waitFor();
    assert.equal(await posts.count(), 120);
    await area.evaluate((element) => element.scrollTop = 0);
    await area.evaluate(() => new Promise(requestAnimationFrame));
    const place = await topOf("post 1");
    network.cut();
    await page.locator(".light.offline").waitFor({ state: "attached" });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await say(ada, id, { content: "said meanwhile" });
    network.heal();
    await online(page);
    await page.getByText("said meanwhile", { exact: true }).waitFor({ state: "attached" });
    assert.equal(await posts.count(), 121);
    assert.ok(Math.abs(await topOf("post 1") - place) < 3, "the reader's place");
    assert.equal(await area.evaluate((element) => element.scrollTop), 0);
  });

  await t.step("G4: badges are the server's, whatever changes them", async () => {
    const { id } = await make("badges");
    await using visitor = await visitAs(browser, bob, `${b.url}/#/chat`);
    const { page } = visitor;
    page.setDefaultTimeout(LIMIT_MS);
    await online(page);
    await page.locator(".sidebar a", { hasText: "badges" }).waitFor();
    const agree = async (count: number, why: string) => {
      await until(async () => await badge(page, "badges") === count, {
        what: `${count} beside the channel: ${why}`,
        limitMs: LIMIT_MS,
      });
      const { unread_count } = await bob.json<{ unread_count: number }>(
        "GET",
        `/api/v1/channels/${id}`,
      );
      assert.equal(unread_count, count, why);
    };
    const first = await say(ada, id, { content: "one" });
    await agree(1, "a message");
    await say(ada, id, { content: "a reply", parent_id: first.id });
    const second = await say(ada, id, { content: "two" });
    await agree(2, "a reply in a thread does not count");
    assert.equal(
      await ada.status("DELETE", `/api/v1/channels/${id}/messages/${second.id}/delete`),
      200,
    );
    await agree(1, "a message that was deleted");
    await say(bob, id, { content: "from another device" });
    await agree(0, "who says something has read what was said");
    await say(ada, id, { content: "three" });
    await agree(1, "one more");
    await using other = await visitAs(browser, bob, `${a.url}/#/channel/${id}`);
    await other.page.bringToFront();
    await other.page.getByText("three").waitFor();
    await agree(0, "read on another device");
    await other.page.goto(`${a.url}/#/notes`);
    for (let at = 0; at < 12; at++) await say(ada, id, { content: `burst ${at}` });
    await agree(12, "many at once");
  });

  await t.step("G5: what is renamed or gone is seen by all who look", async () => {
    const { id } = await make("before");
    await using visitor = await visitAs(browser, bob, `${b.url}/#/channel/${id}`);
    const { page } = visitor;
    page.setDefaultTimeout(LIMIT_MS);
    await online(page);
    await page.getByRole("heading", { level: 1, name: "before" }).waitFor();
    await ada.json("POST", `/api/v1/channels/${id}/update`, { name: "after" });
    await page.getByRole("heading", { level: 1, name: "after" }).waitFor();
    await page.locator(".sidebar a", { hasText: "after" }).waitFor();
    assert.equal(await page.locator(".sidebar a", { hasText: "before" }).count(), 0);
    const { id: fresh } = await make("brand new");
    await page.locator(".sidebar a", { hasText: "brand new" }).waitFor();
    // Who is let out hears of it, too.
    await ada.json("POST", `/api/v1/channels/${fresh}/update`, { access_grants: [] });
    await page.locator(".sidebar a", { hasText: "brand new" }).waitFor({ state: "detached" });
    await ada.json("DELETE", `/api/v1/channels/${id}/delete`);
    await page.getByText("There is no such channel.").waitFor();
    await page.locator(".sidebar a", { hasText: "after" }).waitFor({ state: "detached" });
    assert.equal(await page.getByLabel("Message", { exact: true }).count(), 0);
  });

  await t.step("G5, W12: all notes are reached, with the titles that they have now", async () => {
    for (let from = 0; from < 130; from += 26) {
      await Promise.all(
        Array.from(
          { length: 26 },
          (_, at) => ada.json("POST", "/api/v1/notes/create", { title: `note ${from + at}` }),
        ),
      );
    }
    await using visitor = await visitAs(browser, ada, `${a.url}/#/notes`);
    const { page } = visitor;
    page.setDefaultTimeout(LIMIT_MS);
    const notes = page.locator(".note-list li");
    await notes.first().waitFor();
    await until(async () => {
      await page.locator("main .scroll").evaluate((area) => area.scrollTo(0, area.scrollHeight));
      return await notes.count() === 130;
    }, { what: "all notes", limitMs: LIMIT_MS, everyMs: 50 });
    assert.equal(await page.getByRole("button", { name: "Show more notes" }).count(), 0);
    const [{ id } = { id: "" }] = await ada.json<{ id: string }[]>("GET", "/api/v1/notes/");
    await ada.json("POST", `/api/v1/notes/${id}/update`, { title: "a new title" });
    await page.evaluate(() => dispatchEvent(new Event("focus")));
    await notes.getByText("a new title").waitFor();
    assert.equal(await notes.count(), 130);
  });

  await t.step(
    "W9: an Enter that ends a composition sends nothing, in channels and dialogs",
    async () => {
      const { id } = await make("composed");
      await using visitor = await visitAs(browser, ada, `${a.url}/#/channel/${id}`);
      const { page } = visitor;
      page.setDefaultTimeout(LIMIT_MS);
      await online(page);
      /** Safari's order: the composition has ended when Enter comes, with the code 229. */
      const endComposition = (field: Locator) =>
        field.evaluate((element) => {
          const enter = { key: "Enter", bubbles: true, cancelable: true };
          element.dispatchEvent(new CompositionEvent("compositionend", { bubbles: true }));
          const pressed = new KeyboardEvent("keydown", enter);
          Object.defineProperty(pressed, "keyCode", { value: 229 });
          return element.dispatchEvent(pressed);
        });
      const message = page.getByLabel("Message", { exact: true });
      await message.fill("かな");
      await endComposition(message);
      await page.getByRole("button", { name: "New channel" }).click();
      const name = page.getByRole("dialog").getByRole("textbox");
      await name.fill("にほん");
      assert.equal(await endComposition(name), false, "a form is not submitted");
      assert.ok(await name.isVisible());
      await page.keyboard.press("Escape");
      assert.equal(await message.inputValue(), "かな");
      await message.press("Enter");
      await page.locator(".post", { hasText: "かな" }).waitFor();
      assert.equal(await page.locator(".post").count(), 1);
    },
  );

  await t.step(
    "G3, G5: a note's title shows to who has it open, and what one types stays",
    async () => {
      const access_grants = [{ principal_type: "user", principal_id: "*", permission: "write" }];
      const { id } = await ada.json<{ id: string }>("POST", "/api/v1/notes/create", {
        ...{ title: "first", access_grants },
      });
      await using visitor = await visitAs(browser, bob, `${b.url}/#/note/${id}`);
      const { page } = visitor;
      page.setDefaultTimeout(LIMIT_MS);
      const title = page.getByLabel("Title");
      const shows = (text: string) =>
        until(async () => await title.inputValue() === text, {
          what: `the title ${text}`,
          limitMs: LIMIT_MS,
        });
      await page.getByText("Saved", { exact: true }).waitFor();
      await shows("first");
      await ada.json("POST", `/api/v1/notes/${id}/update`, { title: "second" });
      await shows("second");
      await title.fill("typed by Bob");
      await ada.json("POST", `/api/v1/notes/${id}/update`, { access_grants });
      await ada.json("POST", `/api/v1/notes/${id}/update`, { title: "third" });
      assert.equal(await title.inputValue(), "typed by Bob");
      await until(
        async () =>
          (await ada.json<{ title: string }>("GET", `/api/v1/notes/${id}`)).title ===
            "typed by Bob",
        { what: "what was typed to be stored", limitMs: LIMIT_MS },
      );
      assert.equal(await title.inputValue(), "typed by Bob");
    },
  );

  await t.step("W12: all channels are reached", async () => {
    for (let at = 0; at < 70; at++) await make(`channel ${at}`);
    await using visitor = await visitAs(browser, bob, `${b.url}/#/chat`);
    const { page } = visitor;
    await page.locator(".sidebar a", { hasText: "channel 69" }).waitFor({ timeout: LIMIT_MS });
    assert.equal(await page.locator(".sidebar a", { hasText: /^channel \d+$/ }).count(), 70);
  });
});

async function firstOf(person: Person, channelId: string): Promise<ChannelMessage> {
  const all = await person.json<ChannelMessage[]>(
    "GET",
    `/api/v1/channels/${channelId}/messages?limit=50`,
  );
  const first = all.at(-1);
  assert.ok(first);
  return first;
}
