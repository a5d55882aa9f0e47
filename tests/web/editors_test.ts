/// <reference lib="dom" />
import assert from "node:assert/strict";
import type { Browser, Locator, Page } from "playwright-core";
import type { App } from "../../lib/app.ts";
import type { Note } from "../../lib/protocol/note.ts";
import { picture } from "../support/browser.ts";
import { type Person, signUp } from "../support/server.ts";
import { until } from "../support/until.ts";
import type { EditorPlace } from "./pages/editors.ts";
import { fixture, LIMIT_MS, options, visitAs, visitOwnPage } from "./fixture.ts";

/** A note that everybody may write in. */
async function sharedNote(owner: Person): Promise<string> {
  const access_grants = [{ principal_type: "user", principal_id: "*", permission: "write" }];
  const { id } = await owner.json<Note>("POST", "/api/v1/notes/create", {
    ...{ title: "Plan", access_grants },
  });
  return id;
}

/** Opens an editor that is not ours at one of the instances. */
async function openEditor(browser: Browser, app: App, place: EditorPlace) {
  const visitor = await visitOwnPage(browser, app, "editors.ts");
  visitor.page.setDefaultTimeout(LIMIT_MS);
  await visitor.page.evaluate(
    (place) =>
      (globalThis as unknown as { openPlace: (at: unknown) => Promise<void> }).openPlace(place),
    place,
  );
  return visitor;
}

const typeAtEnd = async (page: Page, editor: Locator, text: string) => {
  await editor.focus();
  await page.keyboard.press("Control+End");
  await page.keyboard.type(text);
};

/** Which letters there are: where a caret stands while others type is the editors' own matter. */
const lettersOf = (text: string) => [...text.replace(/\s/g, "")].sort().join("");

/** The text of all editors, once it is the same. */
async function convergedText(...editors: Locator[]): Promise<string> {
  const textOf = async (editor: Locator) =>
    (await editor.evaluate((element) => {
      const copy = element.cloneNode(true) as HTMLElement;
      // Carets and what they say are no part of the text.
      const carets =
        ".cursor,.collaboration-carets__caret,.cm-ySelectionCaret,.ProseMirror-separator";
      for (const caret of copy.querySelectorAll(carets)) caret.remove();
      return [...copy.children].map((line) => line.textContent ?? "").join("\n");
    })).replaceAll("\u2060", "").trim();
  return await until(async () => {
    const [first, ...others] = await Promise.all(editors.map(textOf));
    return others.every((text) => text === first) ? first : undefined;
  }, { limitMs: LIMIT_MS, everyMs: 50, what: "all editors to show the same" });
}

Deno.test(
  "the provider in CodeMirror, at two instances: text converges, cursors have names",
  options,
  async () => {
    await using place = await fixture();
    const { a, b, browser } = place;
    const [ada, bob] = [await signUp(a.url, "Ada"), await signUp(b.url, "Bob")];
    const documentId = `note:${await sharedNote(ada)}`;
    const at = (person: Person, name: string, color: string): EditorPlace => ({
      ...{ editor: "codemirror", token: person.token, documentId },
      user: { id: person.id, name, color },
    });
    await using one = await openEditor(browser, a, at(ada, "Ada", "#1f6f5c"));
    await using two = await openEditor(browser, b, at(bob, "Bob", "#7a3b9d"));
    const [adas, bobs] = [one, two].map(({ page }) => page.locator(".cm-content")) as [
      Locator,
      Locator,
    ];
    await typeAtEnd(one.page, adas, "# Plan\n");
    await bobs.getByText("# Plan").waitFor();
    await Promise.all([
      typeAtEnd(one.page, adas, "from Ada "),
      typeAtEnd(two.page, bobs, "from Bob "),
    ]);
    const text = await convergedText(adas, bobs);
    assert.equal(lettersOf(text), lettersOf("# Plan from Ada from Bob"));
    await one.page.locator(".cm-ySelectionInfo", { hasText: "Bob" }).waitFor({ state: "attached" });
    await two.page.locator(".cm-ySelectionInfo", { hasText: "Ada" }).waitFor({ state: "attached" });
    await picture(one.page, "codemirror");
    assert.deepEqual([...one.faults, ...two.faults], []);
  },
);

Deno.test(
  "one note in TipTap at two instances and in our own page: text, marks and cursors of all three",
  options,
  async () => {
    await using place = await fixture();
    const { a, b, browser } = place;
    const [ada, bob] = [await signUp(a.url, "Ada"), await signUp(b.url, "Bob")];
    const cleo = await signUp(b.url, "Cleo");
    const noteId = await sharedNote(ada);
    const at = (person: Person, name: string, color: string): EditorPlace => ({
      ...{ editor: "tiptap", token: person.token, documentId: `note:${noteId}` },
      user: { id: person.id, name, color },
    });
    await using one = await openEditor(browser, a, at(ada, "Ada", "#1f6f5c"));
    await using two = await openEditor(browser, b, at(bob, "Bob", "#7a3b9d"));
    await using three = await visitAs(browser, cleo, `${b.url}/#/note/${noteId}`);
    three.page.setDefaultTimeout(LIMIT_MS);
    const editors = [one, two, three].map(({ page }) => page.locator(".ProseMirror")) as [
      Locator,
      Locator,
      Locator,
    ];
    const [adas, bobs, cleos] = editors;
    await three.page.getByText("Saved", { exact: true }).waitFor();

    await typeAtEnd(one.page, adas, "## Plan\nFirst **things** first");
    for (const editor of [bobs, cleos]) {
      await editor.getByRole("heading", { name: "Plan" }).waitFor();
      await editor.locator("strong", { hasText: "things" }).waitFor();
    }
    await typeAtEnd(three.page, cleos, "\n- from our page");
    for (const editor of editors) await editor.locator("li", { hasText: "our page" }).waitFor();
    await Promise.all([
      typeAtEnd(one.page, adas, " ada"),
      typeAtEnd(two.page, bobs, " bob"),
      typeAtEnd(three.page, cleos, " cleo"),
    ]);
    const text = await convergedText(...editors);
    assert.equal(
      lettersOf(text),
      lettersOf("Plan First things first from our page ada bob cleo"),
    );

    const label = ".collaboration-carets__label,.collaboration-carets__caret";
    await one.page.locator(label, { hasText: "Cleo" }).first().waitFor({ state: "attached" });
    await two.page.locator(label, { hasText: "Ada" }).first().waitFor({ state: "attached" });
    await three.page.locator(".cursor", { hasText: "Ada" }).waitFor({ state: "attached" });
    await three.page.locator(".cursor", { hasText: "Bob" }).waitFor({ state: "attached" });
    await picture(one.page, "tiptap");
    await until(async () => {
      const { data } = await ada.json<Note>("GET", `/api/v1/notes/${noteId}`);
      return data?.content?.md?.includes("**things**") && data.content.md.includes("from our page");
    }, { limitMs: LIMIT_MS, everyMs: 100, what: "the note's own text" });
    assert.deepEqual([...one.faults, ...two.faults, ...three.faults], []);
  },
);
