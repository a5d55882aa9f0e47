/** Open WebUI's own pages, unchanged, in Chromium: Python serves them, their sockets are elsewhere. */
import assert from "node:assert/strict";
import { type Browser, type Page } from "playwright-core";
import { findChromium, openBrowser } from "../../../support/browser.ts";
import { until } from "../../../support/until.ts";
import type { Json, Person } from "../person.ts";
import { PASSWORD, type World } from "../world.ts";
import type { Check } from "./check.ts";
import { answerWith, callingFunction } from "./chats.ts";

const WORDS = Array.from({ length: 40 }, (_, n) => `word${n} `);
/** Of one step on a busy machine. */
const STEP_MS = 120_000;
/** Functions of other checks are models, too. */
const NEW_CHAT = "/?models=stand-in";

/** One browser with as many people in it as a check needs; closed with all of them. */
async function inBrowser(work: (browser: Browser) => Promise<string>): Promise<string> {
  const chromium = findChromium();
  if (chromium === undefined) throw new Error("There is no Chromium on this machine");
  await using browser = await openBrowser(chromium);
  return await work(browser);
}

/** A browser of its own for somebody who has signed in, at a path of Open WebUI. */
async function open(browser: Browser, world: World, person: Person, path: string): Promise<Page> {
  // What is new in a version is told once, in a window before everything else.
  const { version } = await person.api<{ version: string }>("GET", "/api/config");
  await person.api("POST", "/api/v1/users/user/settings/update", { ui: { version } });
  const context = await browser.newContext({ viewport: { width: 1280, height: 820 } });
  context.setDefaultTimeout(STEP_MS);
  await context.addInitScript((token: string) => {
    localStorage.setItem("token", token);
  }, person.token);
  const page = await context.newPage();
  await page.goto(world.url + path);
  return page;
}

/** The page of a new chat takes a question before it knows of any model, and then refuses it. */
async function readyToAsk(page: Page): Promise<void> {
  await page.getByRole("button", { name: /^Selected model: \S/ }).first().waitFor();
  await page.locator("#chat-input").waitFor();
}

async function say(page: Page, text: string): Promise<void> {
  await page.locator("#chat-input").last().click();
  await page.keyboard.type(text);
  await page.keyboard.press("Enter");
}

/** Waits until the page shows the text, which a wrong answer would not. */
const shows = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor();

const textOf = (page: Page, selector: string) => page.locator(selector).first().innerText();

export const pageChecks: Check[] = [
  {
    name: "the pages: sign in, ask, and read the answer word by word, with title and follow-up",
    isInBrowser: true,
    run: (world) =>
      inBrowser(async (browser) => {
        // What the page shows before the model has ended has come word by word, on any machine.
        const { promise: endsAfter, resolve: end } = Promise.withResolvers<void>();
        answerWith(world, WORDS, { endsAfter });
        const ada = await world.person("Ada");
        const { version } = await ada.api<{ version: string }>("GET", "/api/config");
        await ada.api("POST", "/api/v1/users/user/settings/update", { ui: { version } });
        const context = await browser.newContext();
        context.setDefaultTimeout(STEP_MS);
        const page = await context.newPage();
        await page.goto(`${world.url}/auth`);
        await page.locator("#email").fill(ada.email);
        await page.locator("input[type=password]").first().fill(PASSWORD);
        await page.locator("button[type=submit]").click();
        await page.locator("#chat-input").waitFor();
        await page.goto(`${world.url}${NEW_CHAT}`);
        await readyToAsk(page);
        await say(page, "Count for me");
        await shows(page, /word3 /);
        await shows(page, /word39/);
        end();
        // What came before the page of 0.12.0 had made the message, it has from the answer's end.
        let text = "";
        await until(async () => {
          text = await textOf(page, ".chat-assistant");
          return text.includes(WORDS.join("").trim());
        }, { what: "all words", limitMs: STEP_MS }).catch(() => assert.fail(text));
        await shows(page, "And then?");
        await until(() => page.title().then((title) => title.includes("A title")), {
          ...{ what: "the title", limitMs: STEP_MS },
        });
        return `signed in, ${WORDS.length} words, title, follow-up`;
      }),
  },
  {
    name: "the pages: stop ends an answer, and what was said stays",
    isInBrowser: true,
    run: (world) =>
      inBrowser(async (browser) => {
        answerWith(world, Array.from({ length: 600 }, (_, n) => `word${n} `));
        const page = await open(browser, world, await world.person("Ada"), NEW_CHAT);
        await readyToAsk(page);
        await say(page, "Count for me");
        await shows(page, /word5 /);
        await page.getByRole("button", { name: "Stop", exact: true }).click();
        await page.getByRole("button", { name: "Stop", exact: true }).waitFor({ state: "hidden" });
        const stopped = await textOf(page, ".chat-assistant");
        assert.match(stopped, /word5/);
        assert.doesNotMatch(stopped, /word599/);
        return `stopped after ${/word(\d+)\D*$/.exec(stopped)?.[1]} words`;
      }),
  },
  {
    name: "the pages: execute, confirmation and input of a function are answered in the page",
    isInBrowser: true,
    run: (world) =>
      inBrowser(async (browser) => {
        const id = await callingFunction(world, [
          "{'type': 'execute', 'data': {'code': 'return 6 * 7'}}",
          "{'type': 'confirmation', 'data': {'title': 'Sure?', 'message': 'Really'}}",
          "{'type': 'input', 'data': {'title': 'Who?', 'message': '', 'placeholder': 'Your name'}}",
        ]);
        const page = await open(browser, world, world.admin, `/?models=${id}`);
        await readyToAsk(page);
        await say(page, "Ask me");
        const confirm = page.getByRole("button", { name: "Confirm", exact: true });
        await shows(page, "Sure?");
        await confirm.last().click();
        await page.getByPlaceholder("Your name").fill("Grace");
        await confirm.last().click();
        await shows(page, "RESULT 42 True Grace");
        return "42, True, Grace";
      }),
  },
  {
    name: "the pages: two browsers write in one note, and Open WebUI has stored both",
    isInBrowser: true,
    run: (world) =>
      inBrowser(async (browser) => {
        const bob = await world.person("Bob");
        // By default only admins may share.
        const { id } = await world.admin.api<{ id: string }>("POST", "/api/v1/notes/create", {
          ...{ title: "Together", data: { content: { json: null, html: "", md: "" } } },
          access_grants: ["read", "write"].map((permission) => ({
            ...{ principal_type: "user", principal_id: bob.id, permission },
          })),
        });
        const [hers, his] = [
          await open(browser, world, world.admin, `/notes/${id}`),
          await open(browser, world, bob, `/notes/${id}`),
        ];
        const editor = `#note-${id}`;
        for (const page of [hers, his]) await page.locator(editor).waitFor();
        await hers.locator(editor).click();
        await hers.keyboard.type("written by her");
        await until(async () => (await textOf(his, editor)).includes("written by her"), {
          ...{ what: "her text at his", limitMs: STEP_MS },
        });
        await his.locator(editor).click();
        await his.keyboard.press("Control+End");
        await his.keyboard.type(" and by him");
        const both = "written by her and by him";
        await until(async () => (await textOf(hers, editor)).includes(both), {
          ...{ what: "both texts at hers", limitMs: STEP_MS },
        });
        // Each sees where the other writes.
        assert.match(await textOf(hers, editor), /Bob/);
        await until(async () => {
          const note = await world.admin.api<{ data: { content: { md: string } } }>(
            "GET",
            `/api/v1/notes/${id}`,
          );
          return note.data.content.md.trim() === both;
        }, { what: "the stored note", limitMs: STEP_MS });
        return both;
      }),
  },
  {
    name: "the pages: a channel with typing, messages and a thread between two browsers",
    isInBrowser: true,
    run: (world) =>
      inBrowser(async (browser) => {
        const bob = await world.person("Bob");
        const { id } = await world.admin.api<{ id: string }>("POST", "/api/v1/channels/create", {
          ...{ name: "general", type: "group", user_ids: [bob.id] } satisfies Json,
        });
        const [hers, his] = [
          await open(browser, world, world.admin, `/channels/${id}`),
          await open(browser, world, bob, `/channels/${id}`),
        ];
        for (const page of [hers, his]) await page.locator("#chat-input").first().waitFor();
        await hers.locator("#chat-input").first().click();
        await hers.keyboard.type("hello ");
        await shows(his, /Admin\s*is typing/);
        await hers.keyboard.type("Bob");
        await hers.keyboard.press("Enter");
        await shows(his, "hello Bob");
        await his.getByText("hello Bob").first().hover();
        await his.getByRole("button", { name: "Reply in Thread" }).first().click();
        await until(async () => await his.locator("#chat-input").count() === 2, {
          ...{ what: "the thread", limitMs: STEP_MS },
        });
        await say(his, "in a thread");
        await shows(hers, /1 Repl/);
        return "typing, a message, a reply";
      }),
  },
];
