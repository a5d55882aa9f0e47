/// <reference lib="dom" />
import assert from "node:assert/strict";
import type { Locator, Page } from "playwright-core";
import type { Channel, ChannelMessage } from "../../lib/protocol/channel.ts";
import { type Person, signUp } from "../support/server.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";
import { findings } from "./inspect.ts";
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
      provider.script = { tokens: WORDS.slice(0, 120), paceMs: 40 };
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

  await t.step(
    "two people: mentions, a model that is stopped, edits, reactions, a thread",
    async (t) => {
      const { id } = await make("two");
      await using adas = await visitAs(browser, ada, `${a.url}/#/channel/${id}`);
      await using bobs = await visitAs(browser, bob, `${b.url}/#/channel/${id}`);
      const [adaPage, bobPage] = [adas.page, bobs.page];
      for (const page of [adaPage, bobPage]) {
        page.setDefaultTimeout(LIMIT_MS);
        await online(page);
      }
      const [adaPosts, bobPosts] = [adaPage.locator(".post"), bobPage.locator(".post")];
      const field = bobPage.getByLabel("Message", { exact: true });

      await t.step("@ finds people and models; a model's answer can be stopped", async () => {
        provider.script = { tokens: WORDS, paceMs: 150 };
        await field.pressSequentially("Hey @ad");
        await bobPage.getByRole("option", { name: "Ada" }).waitFor();
        assert.equal(await field.getAttribute("aria-expanded"), "true");
        assert.deepEqual(await findings(bobPage), []);
        await field.press("Enter");
        assert.equal(await field.inputValue(), "Hey @Ada ");
        await field.pressSequentially("and @st");
        await bobPage.getByRole("option", { name: "Stand-in" }).click();
        assert.equal(await field.inputValue(), "Hey @Ada and @Stand-in ");
        await field.press("Enter");
        const question = adaPosts.filter({ hasText: "Hey" });
        await question.locator(".mention", { hasText: "@Ada" }).waitFor();
        assert.match(await question.innerText(), /Hey @Ada and @Stand-in(?:\s|$)/);
        const { content } = await firstOf(ada, id);
        assert.equal(content, `Hey <@U:${ada.id}|Ada> and <@M:stand-in|Stand-in>`);
        // It writes as itself, before everybody's eyes, and whoever asked stops it.
        await adaPage.getByText("Stand-in is writing…").waitFor();
        await bobPage.locator(".thread .post").getByText(/word3 /).waitFor();
        await bobPage.locator(".thread").getByRole("button", { name: "Stop Stand-in" }).click();
        for (const page of [adaPage, bobPage]) {
          await page.getByText("Stand-in is writing…").waitFor({ state: "detached" });
        }
        const answer = bobPage.locator(".thread .post", { hasText: "word3 " });
        assert.doesNotMatch(await answer.innerText(), /word250/);
      });

      await t.step("a thread has an address, and its beginning is read with it", async () => {
        const { id: rootId } = await firstOf(ada, id);
        assert.equal(new URL(bobPage.url()).hash, `#/channel/${id}/thread/${rootId}`);
        await bobPage.getByRole("button", { name: "Close the thread" }).click();
        assert.equal(new URL(bobPage.url()).hash, `#/channel/${id}`);
        await adaPage.goto(`${a.url}/#/channel/${id}/thread/${rootId}`);
        await adaPage.locator(".thread .post", { hasText: "Hey" }).waitFor();
        await adaPage.locator(".thread .post", { hasText: "word3 " }).waitFor();
        await adaPage.getByRole("button", { name: "Close the thread" }).click();
      });

      await t.step("own messages are changed and deleted, reactions are picked", async () => {
        await field.fill("a smal mistake");
        await field.press("Enter");
        await adaPosts.filter({ hasText: "a smal mistake" }).waitFor();
        await bobPosts.filter({ hasText: "a smal mistake" }).waitFor();
        await field.press("ArrowUp");
        const editor = bobPage.getByLabel("Change the message");
        assert.equal(await editor.inputValue(), "a smal mistake");
        await editor.fill("a small mistake of @Ada");
        await editor.press("Enter");
        const changed = adaPosts.filter({ hasText: "a small mistake" });
        await changed.locator(".mention", { hasText: "@Ada" }).waitFor();
        // Bob's words are not Ada's to change.
        await changed.hover();
        assert.equal(await changed.getByRole("button", { name: "Edit" }).count(), 0);
        await changed.getByRole("button", { name: "React" }).click();
        const picker = adaPage.getByRole("dialog", { name: "Pick a reaction" });
        await picker.getByRole("button", { name: /thumbs up/ }).waitFor();
        assert.deepEqual(await findings(adaPage), []);
        await picker.getByRole("searchbox").fill("rock");
        await adaPage.keyboard.press("Enter");
        await picker.waitFor({ state: "detached" });
        const own = bobPosts.filter({ hasText: "a small mistake" });
        await own.getByRole("button", { name: /rocket ship, 1: Ada/ }).click();
        await changed.getByRole("button", { name: /rocket ship, 2: Ada, Bob/ }).waitFor();
        await own.hover();
        await own.getByRole("button", { name: "Delete" }).click();
        await bobPage.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
        await changed.waitFor({ state: "detached" });
      });

      await t.step(
        "what is unread stands below a line; what one says at once stands together",
        async () => {
          const { id: other } = await make("other");
          await bobPage.goto(`${b.url}/#/channel/${other}`);
          await bobPage.getByText("This is the beginning of other").waitFor();
          await bobPage.goto(`${b.url}/#/chat`);
          // What is said while the channel is still there has been read.
          await bobPage.getByText("This is the beginning of other").waitFor({ state: "detached" });
          for (const content of ["one", "two", "three"]) await say(ada, other, { content });
          await bobPage.goto(`${b.url}/#/channel/${other}`);
          await bobPage.getByText("Today", { exact: true }).waitFor();
          await bobPage.locator(".unread-line").waitFor();
          const said = await bobPage.locator(".unread-line ~ .post").allInnerTexts();
          assert.equal(said.length, 3);
          assert.equal(await bobPage.locator(".post.following").count(), 2);
          assert.equal(await bobPage.locator(".post header").count(), 1);
          await ask(bobPage, "read");
          await bobPage.locator(".unread-line").waitFor({ state: "detached" });
        },
      );
      assert.deepEqual([adas.faults, bobs.faults], [[], []]);
      await t.step(
        "a private channel: made by anybody, with members, pins, and a way out",
        async () => {
          await bobPage.getByRole("button", { name: "New channel" }).click();
          const making = bobPage.getByRole("dialog", { name: "New channel" });
          assert.equal(
            await making.getByRole("radio", { name: /Public/ }).count(),
            0,
            "admins make them",
          );
          await making.getByRole("textbox", { name: "Name of the new channel" }).fill("plans");
          await making.getByRole("combobox", { name: "People" }).pressSequentially("ad");
          await making.getByRole("option", { name: "Ada" }).waitFor();
          await bobPage.keyboard.press("Enter");
          await making.getByRole("list", { name: "Chosen" }).getByText("Ada").waitFor();
          assert.deepEqual(await findings(bobPage), []);
          await making.getByRole("button", { name: "Create" }).click();
          await bobPage.getByRole("heading", { level: 1, name: "plans" }).waitFor();
          // It is in Ada's list without a reload.
          await adaPage.locator(".sidebar a", { hasText: "plans" }).click();
          await adaPage.getByRole("heading", { level: 1, name: "plans" }).waitFor();
          await ask(bobPage, "keep this");
          await adaPage.locator(".post", { hasText: "keep this" }).hover();
          await adaPage.getByRole("button", { name: "Pin", exact: true }).click();
          await bobPage.locator(".post", { hasText: "keep this" }).getByText("Pinned").waitFor();
          await bobPage.getByRole("button", { name: "Pinned messages" }).click();
          const pins = bobPage.getByRole("dialog", { name: "Pinned messages" });
          await pins.getByText("keep this").waitFor();
          assert.deepEqual(await findings(bobPage), []);
          await pins.getByRole("button", { name: "Unpin" }).click();
          await pins.getByText("Nothing is pinned").waitFor();
          await pins.getByRole("button", { name: "Close" }).click();
          await bobPage.getByRole("button", { name: "About this channel" }).click();
          const about = bobPage.getByRole("dialog", { name: "About plans" });
          await about.getByText("2 members").waitFor();
          await about.getByLabel("Description").fill("What we mean to do");
          await about.getByRole("button", { name: "Save" }).click();
          await adaPage.getByText("What we mean to do").waitFor();
          assert.deepEqual(await findings(bobPage), []);
          await about.getByRole("button", { name: "Remove Ada" }).click();
          await about.getByText("1 member", { exact: true }).waitFor();
          // Who was taken out hears so calmly, and has it in no list.
          await adaPage.getByRole("heading", { name: "You are not in this channel" }).waitFor();
          await adaPage.locator(".sidebar a", { hasText: "plans" }).waitFor({ state: "detached" });
          assert.equal(await adaPage.getByRole("alert").count(), 0);
          await about.getByRole("combobox", { name: "Add people" }).pressSequentially("ada");
          await about.getByRole("option", { name: "Ada" }).click();
          await about.getByRole("button", { name: "Add", exact: true }).click();
          await about.getByText("2 members").waitFor();
          await adaPage.locator(".sidebar a", { hasText: "plans" }).waitFor();
          // From a member to a conversation with them.
          await about.getByRole("button", { name: "Message Ada" }).click();
          await bobPage.getByRole("heading", { level: 1, name: "Ada" }).waitFor();
          await ask(bobPage, "between us");
          await adaPage.locator(".sidebar a", { hasText: "Bob" }).getByLabel("1 unread").waitFor();
        },
      );

      await t.step(
        "notices are one a channel, and a muted channel makes none but of mentions",
        async () => {
          const { id: lively } = await make("lively");
          const shown = bobPage.locator(".toast", { hasText: "lively" });
          await bobPage.locator(".sidebar a", { hasText: "lively" }).waitFor();
          for (const content of ["one", "two", "three"]) await say(ada, lively, { content });
          await shown.getByText("3 new in lively. Ada in lively: three").waitFor();
          assert.equal(await shown.count(), 1);
          await bobPage.goto(`${b.url}/#/channel/${lively}`);
          await bobPage.getByRole("button", { name: "About this channel" }).click();
          await bobPage.getByLabel("Muted in this browser").check();
          await bobPage.keyboard.press("Escape");
          await bobPage.goto(`${b.url}/#/chat`);
          await shown.waitFor({ state: "detached" });
          await say(ada, lively, { content: "only noise" });
          await until(async () => await badge(bobPage, "lively") === 1, { what: "it is counted" });
          await say(ada, lively, { content: `you are needed, <@U:${bob.id}|Bob>` });
          await shown.getByText("Ada in lively: you are needed, @Bob").waitFor();
          assert.equal(await shown.count(), 1);
        },
      );
      assert.deepEqual(bobs.faults, []);
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
    const topOf = async (text: string) =>
      (await posts.filter({ has: page.getByText(text, { exact: true }) }).boundingBox())?.y ?? NaN;
    await page.getByText("post 71", { exact: true }).waitFor();
    // What was said before comes as one gets there, and what is read stays where it is.
    for (const [first, next] of [["post 71", "post 21"], ["post 21", "post 1"]] as const) {
      await area.evaluate((element) => element.scrollTop = 300);
      const before = await topOf(first);
      await area.evaluate((element) => element.scrollTop = 100);
      await page.getByText(next, { exact: true }).waitFor({ state: "attached" });
      const moved = await topOf(first) - before;
      assert.ok(Math.abs(moved - 200) < 3, `what is read stays where it is: ${moved}`);
    }
    assert.equal(await posts.count(), 120);
    const newest = page.getByRole("button", { name: "To the newest" });
    await newest.click();
    await page.getByText("post 120", { exact: true }).waitFor();
    await newest.waitFor({ state: "detached" });
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
    await page.getByRole("heading", { name: "You are not in this channel" }).waitFor();
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
