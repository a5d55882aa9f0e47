/// <reference lib="dom" />
/** A conversation as somebody has it all day, on two devices at two instances. */
import assert from "node:assert/strict";
import type { Locator, Page } from "playwright-core";
import type { Chat, ChatMessage, ChatSummary } from "../../lib/protocol/chat.ts";
import { signUp } from "../support/server.ts";
import { say } from "../support/say.ts";
import { until } from "../support/until.ts";
import { ask, fixture, LIMIT_MS, options, visitAs, waitForText, WORDS } from "./fixture.ts";
import { findings, inspect } from "./inspect.ts";

const button = (page: Page | Locator, name: string) =>
  page.getByRole("button", { name, exact: true });
const question = (page: Page, text: string) =>
  page.locator(".mine", { has: page.getByText(text, { exact: true }) });
const lastAnswer = (page: Page) => page.locator(".answer").last();
const idOf = (page: Page) => page.evaluate(() => location.hash.split("/")[2] ?? "");
const textOf = ({ messages }: Record<string, unknown>) =>
  (messages as { content: string }[]).at(-1)?.content ?? "";

/** A chat of so many messages, questions and answers in turn. */
function longChat(count: number): Chat["chat"] {
  const messages: Record<string, ChatMessage> = {};
  for (let at = 0; at < count; at++) {
    messages[`m${at}`] = {
      ...{ id: `m${at}`, parentId: at > 0 ? `m${at - 1}` : null, done: true },
      childrenIds: at < count - 1 ? [`m${at + 1}`] : [],
      role: at % 2 === 0 ? "user" : "assistant",
      content: at % 2 === 0
        ? `question ${at}`
        : `## Answer ${at}\n\nSome **bold** words, \`code\`, and a list:\n\n- one\n- two\n\n` +
          "```js\nconst x = 1;\n```\n",
    };
  }
  return { title: "Long", history: { currentId: `m${count - 1}`, messages } };
}

Deno.test(
  "a conversation in a browser: branches, models, what waits, what is kept, and what it costs",
  options,
  async (t) => {
    await using place = await fixture();
    const { provider, a, b, browser } = place;
    provider.models = [{ id: "stand-in", name: "Stand-in" }, { id: "other", name: "Other one" }];
    provider.script = (body) => ({ tokens: [`${body.model} about ${textOf(body)}`] });
    const ada = await signUp(a.url, "Ada");
    await using one = await visitAs(browser, ada, a.url);
    await using two = await visitAs(browser, ada, b.url);
    for (const { page } of [one, two]) page.setDefaultTimeout(LIMIT_MS);
    const { page } = one;
    await page.locator(".light.online").waitFor({ state: "attached" });
    await ask(page, "First");
    await lastAnswer(page).getByText("stand-in about First").waitFor();
    await lastAnswer(page).locator("footer").waitFor();
    const chatId = await idOf(page);
    await two.page.goto(`${b.url}/#/chat/${chatId}`);
    await lastAnswer(two.page).getByText("stand-in about First").waitFor();

    await t.step("a question that is asked otherwise is a branch, on both devices", async () => {
      await button(question(page, "First"), "Edit the question").click();
      const editor = page.getByLabel("The question, asked otherwise");
      await editor.fill("Nothing");
      await page.keyboard.press("Escape");
      await editor.waitFor({ state: "detached" });
      await button(question(page, "First"), "Edit the question").press("Enter");
      await editor.fill("Second");
      await page.keyboard.press("Enter");
      await lastAnswer(page).getByText("stand-in about Second").waitFor();
      await question(page, "Second").getByText("2 / 2").waitFor();
      await question(two.page, "First").getByText("1 / 2").waitFor();
      await button(two.page, "The next question").click();
      await lastAnswer(two.page).getByText("stand-in about Second").waitFor();
      await button(two.page, "The question before").click();
      await lastAnswer(two.page).getByText("stand-in about First").waitFor();
      await two.page.reload();
      await lastAnswer(two.page).getByText("stand-in about First").waitFor();
    });

    await t.step("another model answers the same question", async () => {
      await button(lastAnswer(page), "Ask another model").click();
      const picker = page.getByRole("dialog", { name: "Ask another model" });
      await picker.getByRole("combobox").fill("oth");
      assert.deepEqual(await picker.getByRole("option").allInnerTexts(), ["Other one"]);
      await picker.getByRole("group", { name: "Server" }).waitFor();
      assert.deepEqual(await findings(page), []);
      await page.keyboard.press("Enter");
      await lastAnswer(page).getByText("other about Second").waitFor();
      await lastAnswer(page).getByText("2 / 2").waitFor();
      assert.equal(await lastAnswer(page).locator("header").innerText(), "Other one");
      await button(page, "Model: Stand-in").waitFor();
    });

    await t.step("a chat keeps its model, on both devices", async () => {
      await button(page, "Model: Stand-in").click();
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Enter");
      await button(page, "Model: Other one").waitFor();
      await button(two.page, "Model: Other one").waitFor();
      await page.reload();
      await button(page, "Model: Other one").waitFor();
      await page.getByRole("dialog").waitFor({ state: "detached" });
    });

    await t.step("a system prompt and parameters go along, on both devices", async () => {
      await button(page, "Settings of this chat").click();
      const dialog = page.getByRole("dialog", { name: "Settings of this chat" });
      const prompt = dialog.getByLabel("System prompt");
      await prompt.fill("Speak like a pirate.");
      // Who selects a text and lets go beside the dialog means the text.
      await prompt.hover();
      await page.mouse.down();
      await page.mouse.move(5, 5);
      await page.mouse.up();
      assert.equal(await prompt.inputValue(), "Speak like a pirate.");
      await dialog.getByLabel("Temperature").fill("0.3");
      assert.deepEqual(await findings(page), []);
      await button(dialog, "Save").click();
      await dialog.waitFor({ state: "detached" });
      await two.page.locator(".bar [aria-pressed=true]").waitFor();
      await ask(two.page, "Third");
      await lastAnswer(two.page).getByText("other about Third").waitFor();
      const asked = provider.requests.findLast(({ body }) => textOf(body) === "Third")?.body;
      assert.equal(asked?.temperature, 0.3);
      assert.deepEqual((asked?.messages as unknown[])[0], {
        ...{ role: "system", content: "Speak like a pirate." },
      });
    });

    await t.step("the chat as a file: the branch in Markdown, all of it in JSON", async () => {
      const file = async (name: string) => {
        const download = page.waitForEvent("download");
        await button(page, name).click();
        return await Deno.readTextFile(await (await download).path());
      };
      await button(page, "Settings of this chat").click();
      const markdown = await file("Markdown");
      assert.match(markdown, /^# .+\n\n## You\n\nSecond\n\n## Other one\n\nother about Second/);
      const [{ chat }] = JSON.parse(await file("JSON")) as [{ chat: Chat["chat"] }];
      const contents = Object.values(chat.history?.messages ?? {}).map(({ content }) => content);
      assert.ok(contents.includes("First") && contents.includes("Third"));
      assert.equal(chat.params?.system, "Speak like a pirate.");
      await page.mouse.click(5, 5);
      await page.getByRole("dialog").waitFor({ state: "detached" });
    });

    await t.step(
      "what is typed while an answer streams waits its turn, over a reload",
      async () => {
        await page.goto(`${a.url}/#/chat`);
        await page.getByRole("heading", { name: "New chat" }).waitFor();
        provider.script = (body) =>
          textOf(body) === "Slow"
            ? { tokens: WORDS.slice(0, 60), paceMs: 60 }
            : { tokens: [`about ${textOf(body)}`] };
        await ask(page, "Slow");
        await lastAnswer(page).getByText("word2").waitFor();
        await ask(page, "waits one");
        await ask(page, "waits two");
        await ask(page, "waits three");
        const waiting = page.getByRole("region", { name: "Questions that wait" });
        await waiting.getByText("3 wait for their turn").waitFor();
        assert.deepEqual(await findings(page), []);
        await button(waiting, "Take back: waits two").click();
        await waiting.getByText("2 wait for their turn").waitFor();
        await page.reload();
        await waiting.getByText("2 wait for their turn").waitFor();
        const last = lastAnswer(page).getByText("about waits three");
        await last.waitFor({ timeout: 3 * LIMIT_MS }).catch(async (thrown) => {
          say(await page.locator("main").innerText());
          throw thrown;
        });
        const said = await page.locator(".mine p").allInnerTexts();
        assert.deepEqual(said, ["Slow", "waits one", "waits three"]);
        await waiting.waitFor({ state: "detached" });
      },
    );

    await t.step("Escape stops, and what waits is not asked before somebody says so", async () => {
      provider.script = (body) =>
        textOf(body) === "Endless"
          ? { tokens: WORDS.slice(0, 9), endsAfter: new Promise(() => {}) }
          : { tokens: ["Here."] };
      await ask(page, "Endless");
      await lastAnswer(page).getByText("word3").waitFor();
      await ask(page, "after it");
      await page.keyboard.press("Escape");
      await lastAnswer(page).getByText("Stopped before its end.").waitFor();
      const waiting = page.getByRole("region", { name: "Questions that wait" });
      await button(waiting, "Ask what waits").click();
      await waitForText(page, ".answer", "Here.");
    });

    await t.step("tokens and speed stand below an answer, as told or as estimated", async () => {
      const tokens = Array.from({ length: 40 }, () => "four");
      provider.script = { tokens, paceMs: 5, usage: { completion_tokens: 1234 } };
      await ask(page, "Told");
      await lastAnswer(page).getByText(/^1,234 tokens · \d+\/s$/).waitFor();
      provider.script = { tokens, paceMs: 5 };
      await ask(page, "Estimated");
      await lastAnswer(page).getByText(/^about 40 tokens · [\d.]+\/s$/).waitFor();
      const figures = lastAnswer(page).locator(".figures");
      assert.match(await figures.getAttribute("title") ?? "", /told no count/);
      // The other device has not seen it stream, and says the same.
      await two.page.goto(`${b.url}/#/chat/${await idOf(page)}`);
      await lastAnswer(two.page).locator(".figures").waitFor();
      assert.equal(
        await lastAnswer(two.page).locator(".figures").innerText(),
        await figures.innerText(),
      );
    });

    await t.step("a thought is folded, with its seconds and its last line", async () => {
      const thoughts = ["First this.\n\n", "Then that.\n\n", "So **it** is."];
      provider.script = { reasoning: thoughts, tokens: ["It is."], paceMs: 1_200 };
      await ask(page, "Think");
      const thought = lastAnswer(page).locator(".reasoning");
      await thought.getByText(/^Thinking/).waitFor();
      await thought.getByText(/^Thought for \d seconds?$/).waitFor();
      assert.equal(await thought.locator(".reasoning-last").innerText(), "So it is.");
      await thought.locator("summary").click();
      await thought.locator("strong", { hasText: "it" }).waitFor();
    });

    await t.step("a tool that a model asks for is a card", async () => {
      const given = JSON.stringify({
        index: 0,
        delta: {
          tool_calls: [{
            index: 0,
            id: "c1",
            type: "function",
            function: {
              ...{ name: "search", arguments: '{"query":"tides"}' },
            },
          }],
        },
        finish_reason: "tool_calls",
      });
      const garbage = `data: {"choices":[${given}]}\n\ndata: [DONE]\n\n`;
      provider.script = { tokens: ["Let me see."], garbage, end: "half" };
      await ask(page, "Look it up");
      const card = lastAnswer(page).locator(".tool-card");
      await card.getByText("not run here").waitFor();
      await card.locator("summary").press("Enter");
      await card.locator("pre", { hasText: '"query": "tides"' }).waitFor();
      // Open WebUI's own calls stand in the text.
      const content = "Before.\n\n" +
        '<details type="tool_calls" done="true" id="x" name="weather" ' +
        'arguments="&quot;{\\&quot;city\\&quot;:\\&quot;Oslo\\&quot;}&quot;" ' +
        'result="&quot;rain&quot;">\n<summary>Tool Executed</summary>\n</details>\n\nAfter.';
      const said = { childrenIds: [], role: "assistant" as const, done: true };
      const { id } = await ada.json<Chat>("POST", "/api/v1/chats/new", {
        chat: { history: { currentId: "a", messages: { a: { ...said, id: "a", content } } } },
      });
      await two.page.goto(`${b.url}/#/chat/${id}`);
      const stored = lastAnswer(two.page).locator(".tool-card");
      await stored.locator("summary", { hasText: "weather" }).click();
      await stored.locator("pre", { hasText: '"city": "Oslo"' }).waitFor();
      await stored.locator("pre", { hasText: "rain" }).waitFor();
      await inspect(page, "conversation");
    });

    await t.step("signs that are not whole yet are not shown while an answer streams", async () => {
      const text = "Some **bold words** and a [link](https://example.com/path) and `code`.\n\n" +
        "| name | amount |\n|:--|--:|\n| one | **1** |\n\nA heading?\n- a list\n- of ~~two~~\n\n" +
        "```js\nconst x = 1;\n```\n\nThe end.";
      provider.script = { tokens: text.match(/[^]{1,3}/g) ?? [], paceMs: 60 };
      await ask(page, "Formatted");
      await lastAnswer(page).locator(".markdown").waitFor();
      const shown = await page.evaluate(() =>
        new Promise<string[]>((resolve) => {
          const answer = [...document.querySelectorAll(".answer")].at(-1);
          const seen = new Set<string>();
          const look = () => {
            const markdown = answer?.querySelector<HTMLElement>(".markdown");
            const text = markdown?.innerText ?? "";
            seen.add(text);
            for (const { tagName } of markdown?.querySelectorAll("h1, h2") ?? []) seen.add(tagName);
            if (answer?.querySelector("footer")) resolve([...seen]);
            else requestAnimationFrame(look);
          };
          look();
        })
      );
      assert.ok(shown.length > 10, `${shown.length} states were seen`);
      const flashes = shown.filter((state) => /\*\*|\]\(|\[|`|~~|\|--|\|:|^H[12]$/.test(state));
      assert.deepEqual(flashes, []);
    });

    await t.step("a temporary chat is kept nowhere", async () => {
      provider.script = (body) => ({ tokens: [`about ${textOf(body)}`] });
      const before = await ada.json<ChatSummary[]>("GET", "/api/v1/chats/");
      await page.goto(`${a.url}/#/chat`);
      await button(page, "Temporary chat").click();
      await page.getByRole("heading", { name: "A temporary chat" }).waitFor();
      await ask(page, "Secret");
      await waitForText(page, ".answer", "about Secret");
      await button(lastAnswer(page), "Ask again").waitFor();
      await ask(page, "More");
      await waitForText(page, ".answer", "about More");
      const { body } = provider.requests.findLast(({ body }) => textOf(body) === "More") ?? {};
      const asked = (body?.messages ?? []) as { content: string }[];
      assert.deepEqual(asked.map(({ content }) => content), ["Secret", "about Secret", "More"]);
      const after = await ada.json<ChatSummary[]>("GET", "/api/v1/chats/");
      assert.deepEqual(after.map(({ id }) => id).sort(), before.map(({ id }) => id).sort());
      const told = two.page.locator('.toast [href*="temporary"]');
      assert.equal(await told.count(), 0, "no other device is told");
      await page.reload();
      await page.getByRole("heading", { name: "This chat is over" }).waitFor();
      assert.equal(await page.getByLabel("Message", { exact: true }).count(), 0);
    });

    await t.step("1,000 messages open at once, and the newest is a click away", async () => {
      const { id } = await ada.json<Chat>("POST", "/api/v1/chats/new", { chat: longChat(1_000) });
      await page.evaluate(() => {
        const tasks: number[] = [];
        Object.assign(globalThis, { tasks });
        new PerformanceObserver((list) => {
          for (const { duration } of list.getEntries()) tasks.push(duration);
        }).observe({ type: "longtask" });
      });
      // Each part of them that is drawn is small, on whichever machine.
      await page.evaluate(() => {
        const drawn: number[] = [];
        const observer = new MutationObserver((changes) => {
          const added = changes.flatMap(({ addedNodes }) => [...addedNodes])
            .filter((node) => node instanceof Element && node.matches(".message"));
          if (added.length > 0) drawn.push(added.length);
        });
        observer.observe(document.body, { childList: true, subtree: true });
        Object.assign(globalThis, { drawn });
      });
      const begunMs = performance.now();
      await page.evaluate((id) => location.hash = `#/chat/${id}`, id);
      await lastAnswer(page).getByText("Answer 999").waitFor({ timeout: 30_000 });
      say(
        `1,000 messages: the newest are there after ${(performance.now() - begunMs).toFixed()} ms`,
      );
      await page.locator(".messages[aria-busy=false]").waitFor({ timeout: 60_000 });
      assert.equal(await page.locator(".message").count(), 1_000);
      const drawn = await page.evaluate(() => Reflect.get(globalThis, "drawn") as number[]);
      assert.ok(Math.max(...drawn) <= 40, `${Math.max(...drawn)} messages at once`);
      const tasks = await page.evaluate(() => Reflect.get(globalThis, "tasks") as number[]);
      say(`1,000 messages: the longest task took ${Math.max(0, ...tasks).toFixed()} ms`);
      const area = page.getByRole("region", { name: "Messages" });
      const left = () =>
        area.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight);
      assert.ok(await left() < 5, "one is at the end");
      await area.evaluate((element) => element.scrollTop = 0);
      await button(page, "To the newest message").click();
      await until(async () => await left() < 5, { what: "the end" });
      await button(page, "To the newest message").waitFor({ state: "detached" });
    });

    await t.step("200 tokens a second change nothing but their answer", async () => {
      provider.script = { tokens: Array.from({ length: 400 }, (_, at) => `word${at} `), paceMs: 5 };
      await ask(page, "Fast");
      await lastAnswer(page).getByText("word9 ").waitFor();
      await page.evaluate(() => {
        const answer = [...document.querySelectorAll(".answer")].at(-1);
        const list = document.querySelector(".messages");
        const elsewhere: string[] = [];
        const observer = new MutationObserver((changes) => {
          for (const { target } of changes) {
            if (!answer?.contains(target)) elsewhere.push(target.nodeName);
          }
        });
        const what = { childList: true, attributes: true, characterData: true, subtree: true };
        if (list) observer.observe(list, what);
        (Reflect.get(globalThis, "tasks") as number[]).length = 0;
        Object.assign(globalThis, { elsewhere });
      });
      await lastAnswer(page).locator("footer").waitFor();
      const { tasks, elsewhere } = await page.evaluate(() => {
        const { tasks, elsewhere } = globalThis as unknown as Record<string, unknown>;
        return { tasks, elsewhere } as { tasks: number[]; elsewhere: string[] };
      });
      say(`200 tokens a second: the longest task took ${Math.max(0, ...tasks).toFixed()} ms`);
      assert.deepEqual(elsewhere, []);
    });

    await t.step(
      "a chat that is deleted elsewhere says so; one that never was has no composer",
      async () => {
        await ada.json("DELETE", `/api/v1/chats/${await idOf(page)}`);
        await page.getByText("This chat was deleted elsewhere.").waitFor();
        assert.equal(await page.locator(".message").count(), 1_002);
        const composer = page.getByLabel("Message", { exact: true });
        assert.equal(await composer.count(), 0);
        await two.page.goto(`${b.url}/#/chat/no-such-chat`);
        await two.page.getByRole("heading", { name: "There is no such chat" }).waitFor();
        assert.equal(await two.page.getByLabel("Message", { exact: true }).count(), 0);
        assert.deepEqual(await findings(two.page), []);
        await page.getByRole("link", { name: "Begin a new chat" }).click();
        await composer.waitFor();
      },
    );
  },
);
