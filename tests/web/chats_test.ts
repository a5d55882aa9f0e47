/// <reference lib="dom" />
import assert from "node:assert/strict";
import type { Page, Route } from "playwright-core";
import type { Chat, ChatMessage } from "../../lib/protocol/chat.ts";
import { signUp } from "../support/server.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";
import { ask, fixture, LIMIT_MS, options, visitAs, waitForText, WORDS } from "./fixture.ts";

const portOf = (url: string) => Number(new URL(url).port);
const composer = (page: Page) => page.getByLabel("Message", { exact: true });
const lastAnswer = (page: Page) => page.locator(".answer").last();
const idOf = (page: Page) => page.evaluate(() => location.hash.split("/")[2] ?? "");

/** A route that is held until it is let go. */
async function held(page: Page, url: string) {
  const reached = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<"on" | "fail">();
  await page.route(url, async (route: Route) => {
    reached.resolve();
    if (await letGo.promise === "on") await route.continue();
    else await route.abort();
  }, { times: 1 });
  return { reached: reached.promise, go: letGo.resolve };
}

/** Presses Enter as Safari does after an input method has ended its composition. */
async function pressComposedEnter(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const key = { key: "Enter", code: "Enter", windowsVirtualKeyCode: 229 };
  await session.send("Input.dispatchKeyEvent", { type: "keyDown", ...key, text: "\r" });
  await session.send("Input.dispatchKeyEvent", { type: "keyUp", ...key });
  await session.detach();
}

const said = (id: string, parentId: string | null, fields: Partial<ChatMessage>): ChatMessage => ({
  ...{ id, parentId, childrenIds: [], role: "assistant", content: "", done: true },
  ...fields,
});

Deno.test(
  "chats in a browser: what is typed stays, what is stopped stops, every end is told, all can be reached",
  options,
  async (t) => {
    await using place = await fixture();
    const { provider, a, browser } = place;
    const ada = await signUp(a.url, "Ada");
    await using visitor = await visitAs(browser, ada, a.url);
    const { page } = visitor;
    page.setDefaultTimeout(LIMIT_MS);
    await page.locator(".light.online").waitFor({ state: "attached" });

    await t.step("W10: text typed while a new chat gets its id stays", async () => {
      const creation = await held(page, "**/api/v1/chats/new");
      await ask(page, "The first question");
      await creation.reached;
      await composer(page).pressSequentially("and the next");
      creation.go("on");
      await page.locator(".answer footer").waitFor();
      assert.notEqual(await idOf(page), "");
      assert.equal(await composer(page).inputValue(), "and the next");
    });

    await t.step(
      "W10: a failed send gives its text back, and takes nothing typed since",
      async () => {
        await composer(page).fill("will fail");
        const asking = await held(page, "**/api/chat/completions");
        await page.keyboard.press("Enter");
        await asking.reached;
        await composer(page).fill("typed since");
        asking.go("fail");
        await until(async () => await composer(page).inputValue() === "will fail\ntyped since", {
          what: "both texts",
        });
        await page.getByText("will fail", { exact: true }).waitFor({ state: "detached" });
      },
    );

    await t.step(
      "W10: a question that arrived, though nothing said so, is not asked twice",
      async () => {
        await page.route("**/api/chat/completions", async (route) => {
          await route.fetch();
          await route.abort();
        }, { times: 1 });
        await ask(page, "Did it arrive?");
        await page.locator(".mine", { hasText: "Did it arrive?" }).waitFor();
        await page.locator(".answer footer").nth(1).waitFor();
        assert.equal(await composer(page).inputValue(), "");
      },
    );

    await t.step("W9: Enter that ends a composition sends nothing, in no field", async () => {
      await composer(page).fill("日本語");
      await composer(page).focus();
      await pressComposedEnter(page);
      await page.getByRole("button", { name: "New channel" }).click();
      const name = page.getByRole("textbox", { name: "New channel" });
      await name.fill("チャンネル");
      await pressComposedEnter(page);
      assert.equal(await name.inputValue(), "チャンネル");
      await page.getByRole("button", { name: "Cancel" }).click();
      assert.equal(await composer(page).inputValue(), "日本語");
      assert.equal(await page.locator(".mine", { hasText: "日本語" }).count(), 0);
      await composer(page).focus();
      await page.keyboard.press("Enter");
      await page.locator(".mine", { hasText: "日本語" }).locator("+ .answer footer").waitFor();
    });

    await t.step("W11: Stop works before the chat has an id", async () => {
      provider.script = { tokens: WORDS, paceMs: 20 };
      await page.goto(`${a.url}/#/chat`);
      await page.getByRole("heading", { name: "New chat" }).waitFor();
      const creation = await held(page, "**/api/v1/chats/new");
      await ask(page, "Stop at once");
      await creation.reached;
      await page.getByRole("button", { name: "Stop", exact: true }).click();
      creation.go("on");
      await lastAnswer(page).getByText("Stopped before its end.").waitFor();
      await until(() => a.services.tasks.size === 0, { what: "the end of the task" });
    });

    await t.step("W11: Stop works before the question has left", async () => {
      const asking = await held(page, "**/api/chat/completions");
      await ask(page, "Stop now");
      await asking.reached;
      const stopped = page.waitForResponse("**/stop");
      await page.getByRole("button", { name: "Stop", exact: true }).click();
      await stopped;
      asking.go("on");
      const answer = page.locator(".mine", { hasText: "Stop now" }).locator("+ .answer");
      await answer.getByText("Stopped before its end.").waitFor();
      await until(() => a.services.tasks.size === 0, { what: "the end of the task" });
      provider.script = {};
    });

    await t.step("W4: every end of an answer is told in words, with what to do", async () => {
      const picture =
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4" +
        "2mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
      const call = { name: "search", arguments: '{"query":"tides"}' };
      const ends: [string, Partial<ChatMessage>, string[]][] = [
        ["length", { content: "As far as", finish_reason: "length" }, [
          "As far as",
          "length limit",
        ]],
        ["filter", { content: "Some", finish_reason: "content_filter" }, ["Some", "filter"]],
        ["refusal", { refusal: "I would rather not." }, ["refused", "I would rather not."]],
        ["empty", { finish_reason: "stop" }, ["was empty"]],
        [
          "tool",
          { content: "Let me see.", tool_calls: [{ type: "function", function: call }] },
          ["Let me see.", "search", '{"query":"tides"}'],
        ],
        [
          "error",
          { content: "Hello", error: { code: "stream_broken", content: "The stream broke off." } },
          ["Hello", "The stream broke off."],
        ],
        [
          "stopped",
          { content: "Half", interrupted: true, stopped: true },
          ["Half", "Stopped before its end."],
        ],
        ["crashed", { content: "Half", interrupted: true }, ["Half", "Cut off before its end."]],
        ["picture", { files: [{ type: "image", url: picture }] }, []],
      ];
      const messages: Record<string, ChatMessage> = {};
      let parent: string | null = null;
      for (const [name, fields] of ends) {
        messages[`q-${name}`] = said(`q-${name}`, parent, {
          role: "user",
          content: `שאלה ${name}`,
        });
        messages[name] = said(name, `q-${name}`, fields);
        parent = name;
      }
      const { id } = await ada.json<Chat>("POST", "/api/v1/chats/new", {
        chat: { title: "Ends", history: { currentId: parent, messages } },
      });
      await page.goto(`${a.url}/#/chat/${id}`);
      await page.locator(".answer").nth(ends.length - 1).waitFor();
      for (const [at, [name, , words]] of ends.entries()) {
        const answer = page.locator(".answer").nth(at);
        for (const word of words) await answer.getByText(word).first().waitFor();
        const hasContinue = await answer.getByRole("button", { name: "Continue" }).count();
        const isCut = ["length", "error", "stopped", "crashed"].includes(name);
        assert.equal(hasContinue, isCut ? 1 : 0, name);
        assert.equal(await answer.getByRole("button", { name: "Ask again" }).count(), 1, name);
      }
      await lastAnswer(page).getByRole("img").waitFor();
      // W8: the direction of a question is its script's.
      const direction = (at: number) =>
        page.locator(".mine p").nth(at).evaluate((element) => getComputedStyle(element).direction);
      assert.equal(await direction(0), "rtl");
      await composer(page).fill("مرحبا");
      assert.equal(
        await composer(page).evaluate((element) => getComputedStyle(element).direction),
        "rtl",
      );
      await composer(page).fill("");
    });

    await t.step("W4: an answer that was cut goes on where it ends", async () => {
      const cut = { index: 0, delta: {}, finish_reason: "length" };
      const garbage = `data: ${JSON.stringify({ choices: [cut] })}\n\ndata: [DONE]\n\n`;
      provider.script = { tokens: ["The first half, "], garbage, end: "half" };
      await ask(page, "A long one");
      const answer = page.locator(".mine", { hasText: "A long one" }).locator("+ .answer");
      await answer.getByText("length limit").waitFor();
      provider.script = { tokens: ["and the second."] };
      await answer.getByRole("button", { name: "Continue" }).click();
      await answer.getByText("The first half, and the second.").waitFor();
      await answer.getByText("length limit").waitFor({ state: "detached" });
      provider.script = {};
    });

    await t.step("W3: what failed is no empty message to a model later", async () => {
      const before = provider.requests.length;
      await ask(page, "And now?");
      await page.locator(".mine", { hasText: "And now?" }).locator("+ .answer footer").waitFor();
      // A title may be asked for in between.
      const asked = provider.requests.slice(before)
        .map(({ body }) => body.messages as { content: string }[])
        .find((messages) => messages.at(-1)?.content === "And now?") ?? [];
      assert.ok(asked.length > 5, "the server knows what was said before");
      assert.ok(asked.every(({ content }) => content !== ""));
      await page.reload();
      await page.locator(".mine", { hasText: "And now?" }).waitFor();
    });

    await t.step(
      "W12: 1,000 chats can all be reached, and stay loaded after a reconnect",
      async () => {
        const { chats } = a.services;
        const have = (await chats.page(ada.id, { limit: 100 })).chats.length;
        for (let made = 0; made < 1_000 - have; made += 100) {
          await Promise.all(
            Array.from(
              { length: Math.min(100, 1_000 - have - made) },
              (_, at) => chats.create(ada.id, { title: `chat ${made + at}` }),
            ),
          );
        }
        await page.reload();
        const entries = page.locator("section[aria-labelledby=chats-title] li");
        await entries.first().waitFor();
        await until(async () => {
          const more = page.getByRole("button", { name: "Older chats" });
          if (await more.count() > 0) {
            await more.scrollIntoViewIfNeeded().catch(() => {});
          }
          return await entries.count() === 1_000;
        }, { what: "all chats", limitMs: 60_000 });
        assert.equal(await page.getByRole("button", { name: "Older chats" }).count(), 0);
        a.sockets.io.in(`user:${ada.id}`).disconnectSockets(true);
        await page.locator(".light:not(.online)").waitFor({ state: "attached" });
        await page.locator(".light.online").waitFor({ state: "attached" });
        await page.waitForLoadState("networkidle");
        await until(async () => await entries.count() === 1_000, { what: "all chats, again" });
      },
    );
  },
);

Deno.test(
  "W1, W2, W13: one chat on two devices: nothing is lost, and a reader keeps the place",
  options,
  async (t) => {
    await using place = await fixture();
    const { provider, a, b, browser } = place;
    await using network = new TcpProxy(portOf(b.url));
    const ada = await signUp(a.url, "Ada");
    await using one = await visitAs(browser, ada, a.url);
    await using two = await visitAs(browser, ada, `http://127.0.0.1:${network.port}`);
    for (const { page } of [one, two]) page.setDefaultTimeout(LIMIT_MS);
    provider.script = ({ messages }) => ({
      tokens: [`About ${(messages as { content: string }[]).at(-1)?.content}`],
    });
    await one.page.locator(".light.online").waitFor({ state: "attached" });
    await ask(one.page, "The beginning");
    await one.page.locator(".answer footer").waitFor();
    const chatId = await idOf(one.page);
    const contents = async () => {
      const { chat } = await ada.json<Chat>("GET", `/api/v1/chats/${chatId}`);
      return Object.values(chat.history?.messages ?? {}).map(({ content }) => content).sort();
    };

    await t.step("W2: two questions in one moment are two branches, both answered", async () => {
      await two.page.goto(`http://127.0.0.1:${network.port}/#/chat/${chatId}`);
      await two.page.locator(".answer footer").waitFor();
      await two.page.locator(".light.online").waitFor({ state: "attached" });
      await Promise.all([ask(one.page, "one"), ask(two.page, "two")]);
      await until(async () => {
        const all = await contents();
        return ["one", "two", "About one", "About two"].every((text) => all.includes(text));
      }, { what: "both questions with their answers" });
      for (const { page } of [one, two]) {
        await page.locator(".mine").last().getByText(/^[12] \/ 2$/).waitFor();
      }
      await one.page.getByRole("button", { name: /^The (next question|question before)$/ })
        .and(one.page.locator(":enabled")).click();
      await waitForText(one.page, ".answer", "About two");
    });

    await t.step(
      "W1: a device that was away loses nothing of what was said meanwhile",
      async () => {
        network.cut();
        await two.page.locator(".light:not(.online)").waitFor({ state: "attached" });
        for (const text of ["meanwhile", "and more"]) {
          await ask(one.page, text);
          await waitForText(one.page, ".answer", `About ${text}`);
          await one.page.locator(".answer").last().getByRole("button", { name: "Ask again" })
            .waitFor();
        }
        await composer(two.page).fill("back again");
        network.heal();
        await two.page.locator(".light.online").waitFor({ state: "attached" });
        await two.page.getByRole("button", { name: "Send" }).and(two.page.locator(":enabled"))
          .click();
        await waitForText(two.page, ".answer", "About back again");
        await until(async () => {
          const all = await contents();
          return ["meanwhile", "and more", "back again"].every((text) =>
            all.includes(text) && all.includes(`About ${text}`)
          );
        }, { what: "all that was said" });
      },
    );

    await t.step("W13: a reconnect keeps the place in a long chat", async () => {
      const messages: Record<string, ChatMessage> = {};
      for (let at = 0; at < 60; at++) {
        const role = at % 2 === 0 ? "user" : "assistant";
        messages[`m${at}`] = said(`m${at}`, at > 0 ? `m${at - 1}` : null, {
          ...{ role, content: `paragraph ${at}\n\nand its second line` },
        });
      }
      const { id } = await ada.json<Chat>("POST", "/api/v1/chats/new", {
        chat: { title: "Long", history: { currentId: "m59", messages } },
      });
      await two.page.goto(`http://127.0.0.1:${network.port}/#/chat/${id}`);
      await waitForText(two.page, ".answer", "paragraph 59");
      await two.page.locator(".messages[aria-busy=false]").waitFor();
      const area = two.page.getByRole("region", { name: "Messages" });
      const top = () => area.evaluate((element) => element.scrollTop);
      await area.evaluate((element) => element.scrollTop = 0);
      await until(async () => await top() === 0, { what: "the top" });
      network.cut();
      await two.page.locator(".light:not(.online)").waitFor({ state: "attached" });
      const user_message = said("later", "m59", { role: "user", content: "said meanwhile" });
      await ada.json("POST", "/api/chat/completions", {
        ...{ model: "stand-in", stream: true, chat_id: id, id: "answer", user_message },
      });
      network.heal();
      await two.page.locator(".light.online").waitFor({ state: "attached" });
      await waitForText(two.page, ".answer", "About said meanwhile");
      assert.equal(await top(), 0);
    });
  },
);
