/// <reference lib="dom" />
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import * as Y from "yjs";
import { connect } from "../../lib/client/connect.ts";
import { DocumentProvider } from "../../lib/client/document_provider.ts";
import type { JsonNode } from "../../lib/note_schema/json_node.ts";
import { contentOf, type NoteSnapshot } from "../../lib/note_schema/note_content.ts";
import { fingerprint, toJson } from "../../lib/note_schema/yjs_content.ts";
import type { Note } from "../../lib/protocol/note.ts";
import { picture } from "../support/browser.ts";
import { type Person, signUp } from "../support/server.ts";
import { until } from "../support/until.ts";
import { fixture, LIMIT_MS, options, visitAs } from "./fixture.ts";

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
