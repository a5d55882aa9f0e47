/// <reference lib="dom" />
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import * as Y from "yjs";
import { connect } from "../../lib/client/connect.ts";
import { DocumentProvider } from "../../lib/client/document_provider.ts";
import { type JsonNode, textOf } from "../../lib/note_schema/json_node.ts";
import { contentOf, type NoteSnapshot } from "../../lib/note_schema/note_content.ts";
import { fingerprint, toJson } from "../../lib/note_schema/yjs_content.ts";
import type { Note } from "../../lib/protocol/note.ts";
import { picture } from "../support/browser.ts";
import { type Person, signUp } from "../support/server.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { until } from "../support/until.ts";
import { fixture, LIMIT_MS, options, PHONE, visitAs } from "./fixture.ts";
import { findings, inspect } from "./inspect.ts";
import { keptOf, LOST } from "./kept_edits.ts";

const text = (value: string, ...marks: string[]): JsonNode => ({
  ...{ type: "text", text: value },
  ...(marks.length > 0 && { marks: marks.map((type) => ({ type })) }),
});
const paragraph = (...content: JsonNode[]): JsonNode => ({ type: "paragraph", content });
const json = (...content: JsonNode[]): NoteSnapshot => ({
  json: { type: "doc", content: [...content, paragraph(text("end"))] },
});
const md = (value: string): NoteSnapshot => ({ md: `${value}\n\nend` });
const html = (value: string): NoteSnapshot => ({ html: `${value}<p>end</p>` });
const item = (...content: JsonNode[]): JsonNode => ({
  type: "bulletList",
  content: [{ type: "listItem", content }],
});
const code: JsonNode = { type: "codeBlock", attrs: { language: "ts" }, content: [text("x")] };
const image: JsonNode = { type: "image", attrs: { src: "https://a.example/p.png", alt: "alt" } };
const marked = (type: string, attrs?: Record<string, string>): JsonNode => ({
  ...text("marked"),
  marks: [{ type, ...(attrs && { attrs }) }],
});

/** Notes as the API takes them, each with what an editor may stumble over; each ends in a line. */
const NOTES: Record<string, NoteSnapshot> = {
  "N1: a picture in a paragraph": md("before ![alt](https://a.example/p.png) after"),
  "N1: a list item that begins with code": md("- ```ts\n  x\n  ```\n- two"),
  "N1: a list item that begins with a heading, a quote, a list": md("- # h\n- > q\n- - inner"),
  "N1: HTML with code in a list": html("<ul><li><pre>code</pre></li></ul>"),
  "N1: a list item of JSON that begins with code": json(item(code)),
  "N1: a paragraph in a paragraph, a stray row": json(
    paragraph(text("a"), paragraph(text("b"))),
    { type: "tableRow", content: [{ type: "tableCell", content: [paragraph(text("c"))] }] },
  ),
  "N2: a mention": json(paragraph({ type: "mention", attrs: { id: "u", label: "Ada" } })),
  "N2: details": md("<details><summary>more</summary>\n\n- hidden\n\n</details>"),
  "N2: superscript, subscript, underline": html("<p>x<sup>2</sup> y<sub>1</sub> <u>z</u></p>"),
  "N2: styles and highlights": json(
    paragraph(
      marked("textStyle", { color: "#ff0000", fontSize: "20px" }),
      marked("highlight", { color: "#ffff00" }),
    ),
  ),
  "N2: a block, a node and a mark of nobody's": json(
    { type: "kanban", attrs: { columns: [1, { a: true }] }, content: [text("card")] },
    paragraph({ type: "emoji", attrs: { name: "smile" } }, marked("glow", { level: "3" })),
  ),
  "N2: attributes of nobody's": json({
    ...paragraph(text("right")),
    attrs: { textAlign: "right", dir: "rtl" },
  }, { type: "heading", attrs: { level: 9 }, content: [text("nine")] }),
  "N2: a table with alignment and spans": json({
    type: "table",
    content: [{
      type: "tableRow",
      content: [
        { type: "tableHeader", attrs: { align: "right", colspan: 2 }, content: [item(code)] },
      ],
    }, { type: "tableRow", content: [{ type: "tableCell", content: [image] }] }],
  }),
  "N3: tasks within tasks": md("- [x] done\n  - [ ] nested\n- [ ] open"),
  "N3: numbers, quotes, rules, breaks": md("10. ten\n    - child\n\n> q\n\n---\n\none\\\ntwo"),
  "N3: a table of Markdown": md("| a | b |\n| :- | -: |\n| `x\\|y` | **z** |"),
  "N3: code in links and in bold": md("[`a`](https://a.example) **b `c`**\n\n| [`d`](/e) |\n|-|"),
  "N3: links": md("[a](https://a.example 'title') and <https://b.example>"),
  "N1: two empty lines and pictures as blocks": json(
    { type: "paragraph" },
    image,
    { type: "paragraph" },
  ),
};

const noteOf = (owner: Person, id: string) => owner.json<Note>("GET", `/api/v1/notes/${id}`);
const jsonIn = ({ data }: Note) => data?.content?.json as JsonNode | undefined;

async function create(owner: Person, content: NoteSnapshot, title = "Note"): Promise<string> {
  const { id } = await owner.json<Note>("POST", "/api/v1/notes/create", {
    ...{ title, data: { content } },
  });
  return id;
}

/**
 * Until the editor knows where the caret is: a browser tells of a click, or of a key that has moved it,
 * a task later, and nobody's next key comes before.
 */
async function caretKnown(page: Page): Promise<void> {
  await page.evaluate(() =>
    new Promise<void>((known) => requestAnimationFrame(() => requestAnimationFrame(() => known())))
  );
}

async function openNote(page: Page, url: string, id: string, end = "end") {
  await page.goto(`${url}/#/note/${id}`);
  await page.getByText("Saved", { exact: true }).waitFor();
  await page.locator(".ProseMirror > p", { hasText: end }).waitFor();
}

Deno.test(
  "N1, N2: notes are looked at and typed into, and all else in them is as it was",
  options,
  async () => {
    await using place = await fixture();
    const ada = await signUp(place.a.url, "Ada");
    await using visitor = await visitAs(place.browser, ada, `${place.a.url}/#/notes`);
    const { page } = visitor;
    page.setDefaultTimeout(LIMIT_MS);
    const damaged: string[] = [];
    const typed: { name: string; id: string; end: string; content: NoteSnapshot }[] = [];
    for (const [at, [name, note]] of Object.entries(NOTES).entries()) {
      // Each ends with a word of its own: the page of the note before goes a moment later.
      const end = `end${at}`;
      const content: NoteSnapshot = JSON.parse(JSON.stringify(note).replace(/end(?="|<|$)/, end));
      const id = await create(ada, content);
      const before = await noteOf(ada, id);
      await openNote(page, place.a.url, id, end);
      assert.deepEqual(await noteOf(ada, id), { ...before }, `${name}: looked at`);
      await page.locator(".ProseMirror > p", { hasText: end }).click();
      await page.keyboard.press("End");
      await page.keyboard.type("!");
      await page.locator(".ProseMirror > p", { hasText: `${end}!` }).waitFor();
      await page.getByText("Saved", { exact: true }).waitFor();
      typed.push({ name, id, end, content });
    }
    // A note's own text follows within a second: all are written before the first is read.
    for (const { name, id, end, content } of typed) {
      const after = await until(async () => {
        const json = jsonIn(await noteOf(ada, id));
        return JSON.stringify(json)?.includes(`${end}!`) ? json : undefined;
      }, { limitMs: LIMIT_MS, everyMs: 50, what: `${name}: the letter in the note` });
      const expected = contentOf(content);
      expected.content?.splice(-1, 1, paragraph(text(`${end}!`)));
      if (fingerprint(after) !== fingerprint(expected)) {
        damaged.push(`${name}: ${JSON.stringify(after)} instead of ${JSON.stringify(expected)}`);
      }
    }
    await picture(page, "note");
    assert.deepEqual(damaged, []);
    assert.deepEqual(visitor.faults, []);
  },
);

Deno.test(
  "N2: what another client writes while the page is open is shown, kept, and not in the way",
  options,
  async () => {
    await using place = await fixture();
    const ada = await signUp(place.a.url, "Ada");
    const id = await create(ada, json());
    await using visitor = await visitAs(place.browser, ada, `${place.a.url}/#/notes`);
    const { page } = visitor;
    page.setDefaultTimeout(LIMIT_MS);
    await openNote(page, place.a.url, id);
    using connection = connect({ url: place.b.url, token: ada.token });
    using other = new DocumentProvider({
      ...{ connection, documentId: `note:${id}` },
      user: { id: "other", name: "Other", color: "#123456" },
    });
    const fragment = other.doc.getXmlFragment("prosemirror");
    await until(() => fragment.length === 1, { what: "the text at the other client" });
    other.doc.transact(() => {
      const kanban = new Y.XmlElement("kanban");
      kanban.insert(0, [new Y.XmlText("a card"), new Y.XmlElement("emoji")]);
      const styled = new Y.XmlElement("paragraph");
      const words = new Y.XmlText();
      words.insert(0, "glowing", { glow: { level: 3 }, bold: {} });
      words.insert(7, " plain", { glow: null, bold: null });
      styled.insert(0, [words]);
      fragment.insert(0, [kanban, styled, new Y.XmlText("text of no paragraph")]);
    });
    const others = () =>
      fingerprint({ type: "doc", content: toJson(fragment).content?.slice(0, 3) });
    const before = others();
    for (const shown of ["a card", "glowing", "text of no paragraph"]) {
      await page.locator(".ProseMirror").getByText(shown).waitFor();
    }
    await page.locator(".ProseMirror").focus();
    await page.keyboard.press("Control+End");
    await page.keyboard.type(" typed");
    await page.keyboard.press("Enter");
    await page.keyboard.type("- in a list");
    await until(() => fragment.toString().includes("in a list"), { what: "what was typed" });
    assert.equal(others(), before);
    // Among the words that carry a mark of nobody's, too.
    await page.locator(".ProseMirror").getByText("plain").click();
    await page.keyboard.press("End");
    await page.keyboard.type(" words");
    await until(() => fragment.toString().includes("plain words"), { what: "more of them" });
    const [, styled] = toJson(fragment).content ?? [];
    assert.deepEqual(styled?.content, [
      {
        type: "text",
        text: "glowing",
        marks: [{ type: "glow", attrs: { level: 3 } }, { type: "bold" }],
      },
      text(" plain words"),
    ]);
    await page.keyboard.press("Control+z");
    await until(() => !fragment.toString().includes("plain words"), { what: "the undo" });
    assert.equal(others(), before);
    assert.deepEqual(visitor.faults, []);
  },
);

Deno.test(
  "W9: an Enter that ends a composition parts no paragraph of a note",
  options,
  async () => {
    await using place = await fixture();
    const ada = await signUp(place.a.url, "Ada");
    const id = await create(ada, json(paragraph(text("かな"))));
    await using visitor = await visitAs(place.browser, ada, `${place.a.url}/#/notes`);
    const { page } = visitor;
    page.setDefaultTimeout(LIMIT_MS);
    await openNote(page, place.a.url, id);
    await page.locator(".ProseMirror > p", { hasText: "かな" }).click();
    await page.keyboard.press("End");
    // Safari's order: the composition has ended when Enter comes, with the code 229.
    await page.locator(".ProseMirror").evaluate((element) => {
      element.dispatchEvent(new CompositionEvent("compositionend", { bubbles: true }));
      const pressed = new KeyboardEvent("keydown", {
        key: "Enter",
        bubbles: true,
        cancelable: true,
      });
      Object.defineProperty(pressed, "keyCode", { value: 229 });
      element.dispatchEvent(pressed);
    });
    await page.keyboard.type("。");
    await page.locator(".ProseMirror > p", { hasText: "かな。" }).waitFor();
    assert.equal(await page.locator(".ProseMirror > p").count(), 2);
    await page.keyboard.press("Enter");
    await until(async () => await page.locator(".ProseMirror > p").count() === 3, {
      what: "a paragraph by Enter",
    });
  },
);

Deno.test(
  "N1: where all was selected, a click or a key moves the caret, and a letter is one more",
  options,
  async () => {
    await using place = await fixture();
    const ada = await signUp(place.a.url, "Ada");
    await using visitor = await visitAs(place.browser, ada, `${place.a.url}/#/notes`);
    const { page } = visitor;
    page.setDefaultTimeout(LIMIT_MS);
    const unknown: JsonNode = { type: "callout", content: [text("kept")] };
    for (const leave of ["click", "ArrowRight", "End"]) {
      const id = await create(ada, json(unknown, paragraph(text("words"))));
      await openNote(page, place.a.url, id);
      await page.locator(".ProseMirror").focus();
      await page.keyboard.press("Control+a");
      if (leave === "click") await page.locator(".ProseMirror > p", { hasText: "end" }).click();
      else await page.keyboard.press(leave);
      await page.keyboard.press("End");
      await page.keyboard.type("!");
      await page.locator(".ProseMirror > p", { hasText: "end!" }).waitFor();
      assert.equal(await page.locator(".ProseMirror").getByText("kept").count(), 1, leave);
    }
  },
);

/** The kinds of the blocks of a note, with the text of each. */
const outline = ({ content = [] }: JsonNode): string[] =>
  content.map((node) => `${node.type} ${textOf([node])}`.trim());

Deno.test(
  "a note is written, shared with people and groups, and its earlier text comes back, at two instances",
  options,
  async (t) => {
    await using place = await fixture();
    const { a, b, browser } = place;
    await using network = new TcpProxy(Number(new URL(b.url).port));
    const bobsUrl = `http://127.0.0.1:${network.port}`;
    const ada = await signUp(a.url, "Ada");
    const [bob, cleo] = [await signUp(b.url, "Bob"), await signUp(b.url, "Cleo")];
    const group = await ada.json<{ id: string }>("POST", "/api/v1/groups/create", {
      name: "Board",
    });
    const members = { user_ids: [cleo.id] };
    await ada.json("POST", `/api/v1/groups/id/${group.id}/users/add`, members);
    const id = await create(ada, json(), "Plan");
    await using one = await visitAs(browser, ada, `${a.url}/#/notes`);
    await using two = await visitAs(browser, bob, `${bobsUrl}/#/notes`, PHONE);
    const [page, bobs] = [one.page, two.page];
    for (const each of [page, bobs]) each.setDefaultTimeout(LIMIT_MS);
    await openNote(page, a.url, id);
    const note = page.locator(".ProseMirror");
    const stored = async () => jsonIn(await noteOf(ada, id)) ?? {};
    const menu = page.getByRole("listbox", { name: "What to put here" });

    await t.step(
      "the slash menu is found by words, driven by keys, and left by Escape",
      async () => {
        await note.focus();
        await page.keyboard.press("Control+End");
        await caretKnown(page);
        await page.keyboard.press("Enter");
        await page.keyboard.type("/h1");
        await menu.getByRole("option", { name: "Large heading" }).waitFor();
        await page.keyboard.press("Enter");
        await page.keyboard.type("Trip");
        await note.getByRole("heading", { name: "Trip", level: 1 }).waitFor();
        await page.keyboard.press("Enter");
        await page.keyboard.type("/");
        await menu.waitFor();
        assert.ok(await note.getAttribute("aria-activedescendant"));
        await inspect(page, "note_menu");
        await page.keyboard.press("Escape");
        await menu.waitFor({ state: "detached" });
        assert.equal(await note.getAttribute("aria-activedescendant"), null);
        await page.keyboard.press("Backspace");
      },
    );

    await t.step("check lists and lists take Tab; Escape, then Tab leaves", async () => {
      await page.keyboard.type("- [x] tickets");
      await note.getByRole("checkbox").waitFor();
      assert.ok(await note.getByRole("checkbox").isChecked());
      await page.keyboard.press("Enter");
      await page.keyboard.type("hotel");
      await page.keyboard.press("Tab");
      await note.locator("li li", { hasText: "hotel" }).waitFor();
      await page.keyboard.press("Shift+Tab");
      await note.locator("li li").waitFor({ state: "detached" });
      await page.keyboard.press("Escape");
      await page.keyboard.press("Tab");
      // The boxes of the list have stops of their own.
      assert.ok(!await note.evaluate((element) => element === document.activeElement));
      await note.locator("li > div > p", { hasText: "hotel" }).click();
      await caretKnown(page);
      await page.keyboard.press("Enter");
      await page.keyboard.press("Enter");
    });

    await t.step("tables grow by Tab and by the toolbar", async () => {
      await page.keyboard.type("/table");
      await menu.getByRole("option", { name: "Table" }).click();
      await page.keyboard.type("a");
      for (let cell = 1; cell < 9; cell++) await page.keyboard.press("Tab");
      await page.keyboard.type("i");
      await page.keyboard.press("Tab");
      await page.keyboard.type("j");
      assert.equal(await note.locator("tr").count(), 4);
      await page.getByRole("button", { name: "Column after" }).click();
      assert.equal(await note.locator("tr").first().locator("th").count(), 4);
      await page.getByRole("button", { name: "Delete row" }).click();
      assert.equal(await note.locator("tr").count(), 3);
      await inspect(page, "note_table");
    });

    await t.step("links are typed and made of words; pictures come by their address", async () => {
      await note.locator("> p", { hasText: "end" }).click();
      await page.keyboard.press("Home");
      await caretKnown(page);
      await page.keyboard.type("[docs](https://a.example/docs) https://b.example/x. ");
      await note.locator('a[href="https://a.example/docs"]', { hasText: "docs" }).waitFor();
      await note.locator('a[href="https://b.example/x"]').waitFor();
      await page.keyboard.press("Shift+End");
      await caretKnown(page);
      await page.keyboard.press("Control+k");
      await page.getByRole("dialog").getByRole("textbox").fill("c.example");
      await page.keyboard.press("Enter");
      await note.locator('a[href="https://c.example"]', { hasText: "end" }).waitFor();
      await note.locator("> p", { hasText: "end" }).click();
      await caretKnown(page);
      await page.keyboard.press("Enter");
      await page.keyboard.type("/picture");
      await page.keyboard.press("Enter");
      await page.getByRole("dialog").getByRole("textbox").fill(`${a.url}/icon.svg`);
      await page.keyboard.press("Enter");
      await page.getByRole("dialog", { name: "What does it show?" }).getByRole("textbox")
        .fill("the icon");
      await page.keyboard.press("Enter");
      await note.getByRole("img", { name: "the icon" }).waitFor();
    });

    await t.step("Markdown that is pasted becomes what it means", async () => {
      await note.locator("> p").first().click({ position: { x: 1, y: 8 } });
      await page.keyboard.press("Home");
      await caretKnown(page);
      await note.evaluate((element, text) => {
        const clipboardData = new DataTransfer();
        clipboardData.setData("text/plain", text);
        const event = { clipboardData, bubbles: true, cancelable: true };
        element.dispatchEvent(new ClipboardEvent("paste", event));
      }, "## Pasted\n\n- **one**\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n");
      await note.getByRole("heading", { name: "Pasted" }).waitFor();
      await note.locator("li strong", { hasText: "one" }).waitFor();
      const json = await until(async () => {
        const now = await stored();
        return outline(now).includes("heading Pasted") ? now : undefined;
      }, { limitMs: LIMIT_MS, everyMs: 50, what: "what was pasted in the note" });
      const kinds = outline(json).map((line) => line.split(" ")[0]);
      assert.deepEqual(kinds.slice(0, 3), ["heading", "bulletList", "table"]);
      for (const kind of ["taskList", "image"]) assert.ok(kinds.includes(kind), `${kinds}`);
    });

    await t.step("it is shared with a person and a group, to read and to write", async () => {
      await page.getByRole("button", { name: "Share" }).click();
      const dialog = page.getByRole("dialog", { name: "Share the note" });
      const field = dialog.getByRole("combobox", { name: "Add people and groups" });
      for (const name of ["Bob", "Board"]) {
        await field.fill(name);
        await dialog.getByRole("option", { name }).waitFor();
        await page.keyboard.press("Enter");
        await dialog.getByLabel(`What ${name} can do`).waitFor();
      }
      await dialog.getByLabel("What Board can do").selectOption("read");
      await inspect(page, "note_share");
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
      await until(
        () => page.evaluate(() => document.activeElement?.getAttribute("aria-label") === "Share"),
        { what: "the focus back at the button" },
      );
      const { write_access } = await cleo.json<{ write_access: boolean }>(
        "GET",
        `/api/v1/notes/${id}`,
      );
      assert.equal(write_access, false);
      await openNote(bobs, bobsUrl, id);
      await bobs.getByRole("button", { name: "Share" }).waitFor({ state: "detached" });
    });

    await t.step("the earlier text comes back for all who have it open", async () => {
      await page.getByText("Saved", { exact: true }).waitFor();
      await page.getByRole("button", { name: "Earlier versions" }).click();
      const dialog = page.getByRole("dialog", { name: "Earlier versions" });
      await dialog.getByRole("region", { name: "Text of the version" }).getByText("end").waitFor();
      await inspect(page, "note_versions");
      await dialog.getByRole("button", { name: "Restore this version" }).click();
      await dialog.waitFor({ state: "detached" });
      for (const each of [page, bobs]) {
        await each.locator(".ProseMirror h2").waitFor({ state: "detached" });
        // A cursor of somebody else stands among the words.
        const words = await each.locator(".ProseMirror").evaluate((element) => {
          const copy = element.cloneNode(true) as HTMLElement;
          for (const cursor of copy.querySelectorAll(".cursor")) cursor.remove();
          return copy.textContent;
        });
        assert.equal(words.replaceAll("\u2060", ""), "end");
      }
      await bobs.getByRole("button", { name: "Earlier versions" }).click();
      await bobs.getByRole("button", { name: /Pasted/ }).click();
      await bobs.getByRole("heading", { name: "Pasted" }).waitFor();
      await picture(bobs, "phone_dark_note_versions");
      await bobs.getByRole("button", { name: "Restore this version" }).click();
      // It shows the same heading, until it is gone.
      await bobs.getByRole("dialog").waitFor({ state: "detached" });
      for (const each of [page, bobs]) {
        await each.locator(".ProseMirror").getByRole("heading", { name: "Pasted" }).waitFor();
      }
      await note.getByRole("img", { name: "the icon" }).waitFor();
      // For who comes by another address, it is from elsewhere: asked for when it is wanted.
      await bobs.getByText("Picture: the icon").waitFor();
    });

    await t.step("it is seen who is here, and where", async () => {
      await bobs.locator(".ProseMirror").getByRole("heading", { name: "Pasted" }).click();
      await page.getByRole("button", { name: "Here now: Bob, you" }).click();
      await page.getByRole("menuitem", { name: "Bob, at “Pasted”" }).click();
      await page.locator(".cursor", { hasText: "Bob" }).waitFor();
      await until(
        () => page.evaluate(() => document.activeElement?.className === "people"),
        { what: "the focus back at the faces" },
      );
    });

    await t.step(
      "edits without a connection are counted, survive a reload, and arrive",
      async () => {
        // The page and the note are kept by the service worker from here on.
        await bobs.evaluate(async () => void await navigator.serviceWorker.ready);
        await bobs.reload();
        await bobs.getByText("Saved", { exact: true }).waitFor();
        network.cut();
        await bobs.getByText("No connection: what you write is kept").waitFor();
        await bobs.locator(".ProseMirror").getByRole("heading", { name: "Pasted" }).click();
        await bobs.keyboard.press("End");
        await bobs.keyboard.type("?!?");
        await bobs.getByText("No connection: kept in this browser").waitFor();
        await bobs.getByText("3 edits").waitFor();
        await picture(bobs, "phone_dark_note_offline");
        assert.deepEqual(await findings(bobs), []);
        await bobs.reload();
        await bobs.getByText("No connection: kept in this browser").waitFor();
        await bobs.getByText("3 edits").waitFor();
        await bobs.locator(".ProseMirror").getByRole("heading", { name: "Pasted?!?" }).waitFor();
        await note.locator("li", { hasText: "one" }).first().click();
        await page.keyboard.press("End");
        await page.keyboard.type(" meanwhile");
        network.heal();
        await note.getByRole("heading", { name: "Pasted?!?", exact: true }).waitFor();
        await bobs.getByText("one meanwhile").waitFor();
        await bobs.getByText("Saved", { exact: true }).waitFor();
        await until(async () => await keptOf(bobs) === 0, { what: "nothing more to keep" });
      },
    );

    await t.step(
      "who signs out is asked before unsent edits go, and leaves none here",
      async () => {
        network.cut();
        await bobs.getByText("No connection: what you write is kept").waitFor();
        await bobs.locator(".ProseMirror").getByRole("heading", { name: "Pasted" }).click();
        await bobs.keyboard.type("!");
        await bobs.getByText("No connection: kept in this browser").waitFor();
        await bobs.evaluate(() => location.hash = "#/settings");
        await bobs.getByRole("button", { name: "Sign out", exact: true }).click();
        await bobs.getByRole("dialog").getByText("“Plan”").waitFor();
        await bobs.getByRole("dialog").getByRole("button", { name: "Sign out" }).click();
        await bobs.getByRole("heading", { name: "Welcome back" }).waitFor();
        await until(
          () => bobs.evaluate(async () => (await indexedDB.databases()).length === 0),
          { what: "the database to be gone" },
        );
      },
    );

    await t.step("W8: each paragraph and each list begins on the side of its script", async () => {
      const [hebrew, words] = [paragraph(text("שלום")), paragraph(text("Hello"))];
      const quote = { type: "blockquote", content: [paragraph(text("مرحبا"))] };
      await openNote(page, a.url, await create(ada, json(hebrew, words, item(hebrew), quote)));
      const side = (selector: string) =>
        note.locator(selector).first().evaluate((block) => {
          const range = document.createRange();
          range.selectNodeContents(block);
          const [line, around] = [range.getClientRects()[0], block.getBoundingClientRect()];
          return line && line.left - around.left < around.right - line.right ? "left" : "right";
        });
      const sides = await Promise.all(["> p", "> p + p", "li > p", "blockquote > p"].map(side));
      assert.deepEqual(sides, ["right", "left", "right", "right"]);
      for (const selector of ["> ul", "> blockquote"]) {
        const block = note.locator(selector);
        assert.equal(await block.evaluate((shown) => getComputedStyle(shown).direction), "rtl");
      }
    });
    const faults = [...one.faults, ...two.faults];
    assert.deepEqual(faults.filter((fault) => !LOST.test(fault)), []);
  },
);
