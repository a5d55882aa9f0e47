/// <reference lib="dom" />
import assert from "node:assert/strict";
import type { Locator, Page } from "playwright-core";
import type { Note } from "../../lib/protocol/note.ts";
import { picture } from "../support/browser.ts";
import { type Person, signUp } from "../support/server.ts";
import { until } from "../support/until.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { fixture, LIMIT_MS, options, visitAs } from "./fixture.ts";
import { keptOf, LOST } from "./kept_edits.ts";

const LONG_TITLE = "A title that says at length what the note is about ".repeat(3).trim();

async function boxOf(locator: Locator) {
  const box = await locator.boundingBox();
  assert.ok(box);
  return { ...box, bottom: box.y + box.height, middle: box.y + box.height / 2 };
}

Deno.test(
  "a note's page: the new title has the focus, a long one is whole, boxes and menu stand by their text",
  options,
  async (t) => {
    await using place = await fixture();
    const { a, browser } = place;
    const ada = await signUp(a.url, "Ada");
    await using visitor = await visitAs(browser, ada, `${a.url}/#/notes`);
    const { page } = visitor;
    page.setDefaultTimeout(LIMIT_MS);
    const title = page.getByLabel("Title");
    const text = page.locator(".ProseMirror");

    await t.step(
      "the title of a new note is typed at once, and Enter goes on to the text",
      async () => {
        await page.getByRole("button", { name: "New note" }).click();
        await until(() => title.evaluate((field) => field === document.activeElement), {
          what: "the focus in the title",
          limitMs: LIMIT_MS,
        });
        await page.keyboard.type(LONG_TITLE);
        await page.getByText("Saved", { exact: true }).waitFor();
        await page.keyboard.press("Enter");
        await page.keyboard.type("- [ ] one thing\nanother");
        await text.locator("li", { hasText: "another" }).waitFor();
        assert.equal(await title.inputValue(), LONG_TITLE);
        const id = new URL(page.url()).hash.split("/").at(-1);
        await until(async () => {
          const note = await ada.json<Note>("GET", `/api/v1/notes/${id}`);
          return note.title === LONG_TITLE;
        }, { what: "the title in the note", limitMs: LIMIT_MS });
      },
    );

    await t.step("a long title is seen as a whole, however wide the page is", async () => {
      const isWhole = () =>
        title.evaluate((field) =>
          field.scrollWidth <= field.clientWidth && field.scrollHeight <= field.clientHeight
        );
      const wide = await boxOf(title);
      assert.ok(await isWhole());
      await page.setViewportSize({ width: 390, height: 700 });
      await until(isWhole, { what: "the whole title on a phone" });
      await picture(page, "narrow_note_title");
      const narrow = await boxOf(title);
      assert.ok(narrow.height > wide.height && narrow.x + narrow.width <= 390);
      await page.setViewportSize({ width: 1280, height: 700 });
      await until(async () => (await boxOf(title)).height === wide.height, {
        what: "the title as it was",
      });
    });

    await t.step("a check box stands by its first line, however large the type is", async () => {
      const zoom = (size: string) =>
        page.evaluate((size) => document.documentElement.style.fontSize = size, size);
      for (const size of ["", "28px"]) {
        await zoom(size);
        for (const item of await text.locator("li").all()) {
          const [box, words] = [await boxOf(item.locator("input")), await boxOf(item.locator("p"))];
          const offCentre = Math.abs(box.middle - words.middle);
          assert.ok(offCentre <= 1, `${offCentre} px off`);
          const gap = words.x - (box.x + box.width);
          assert.ok(gap > 0 && gap <= 12, `${gap} px apart`);
        }
      }
      await picture(page, "note_large_type");
      await zoom("");
    });

    await t.step("the slash menu goes with its slash, and out of sight with it", async () => {
      await text.press("Control+End");
      await page.setViewportSize({ width: 1280, height: 1000 });
      await page.keyboard.type("\n\n/");
      const menu = page.getByRole("listbox", { name: "What to put here" });
      const slash = text.locator(".suggestion");
      const distance = async () => (await boxOf(menu)).y - (await boxOf(slash)).y;
      await menu.waitFor();
      const [before, at] = [await distance(), (await boxOf(slash)).y];
      await picture(page, "note_slash_menu");
      await page.locator(".scroll").evaluate((area) => area.scrollBy(0, 40));
      await until(async () => (await boxOf(slash)).y < at, { what: "the page to have moved" });
      await until(async () => Math.abs(await distance() - before) < 1, {
        what: "the menu at its slash",
      });
      await page.setViewportSize({ width: 1280, height: 300 });
      await page.locator(".scroll").evaluate((area) => area.scrollTo(0, area.scrollHeight));
      await menu.waitFor({ state: "detached" });
    });
    assert.deepEqual(visitor.faults, []);
  },
);

const noteOf = (owner: Person, id: string) => owner.json<Note>("GET", `/api/v1/notes/${id}`);

async function createNote(owner: Person, title: string, md: string): Promise<string> {
  const body = { title, data: { content: { md } } };
  return (await owner.json<Note>("POST", "/api/v1/notes/create", body)).id;
}

/** Waits until the note at the server has these words. */
const holds = (owner: Person, id: string, words: string) =>
  until(async () => JSON.stringify(await noteOf(owner, id)).includes(words), {
    what: `“${words}” in the note at the server`,
    limitMs: LIMIT_MS,
  });

async function openNote(page: Page, id: string, words: string): Promise<void> {
  await page.evaluate((id) => location.hash = `#/note/${id}`, id);
  await page.locator(".ProseMirror > p", { hasText: words }).waitFor();
  await page.getByText("Saved", { exact: true }).waitFor();
}

Deno.test(
  "what is written without a connection arrives when its note is left, or becomes a note of its own",
  options,
  async (t) => {
    await using place = await fixture();
    const { a, browser } = place;
    await using network = new TcpProxy(Number(new URL(a.url).port));
    const ada = await signUp(a.url, "Ada");
    await using visitor = await visitAs(
      browser,
      ada,
      `http://127.0.0.1:${network.port}/#/notes`,
    );
    const { page } = visitor;
    page.setDefaultTimeout(LIMIT_MS);
    await page.getByRole("button", { name: "New note" }).waitFor();
    // What a break has cost is told over the page, until that is seen.
    const seen = page.locator(".notices").getByRole("button", { name: "OK" });
    await page.addLocatorHandler(seen, (button) => button.click());

    async function writeWithout(words: string): Promise<void> {
      network.cut();
      await page.getByText("No connection: what you write is kept").waitFor();
      await page.locator(".ProseMirror > p").last().click();
      await page.keyboard.press("End");
      await page.keyboard.type(words);
      await page.getByText("No connection: kept in this browser").waitFor();
    }

    await t.step("edits go in the background once there is a connection", async () => {
      const id = await createNote(ada, "Left", "here");
      await openNote(page, id, "here");
      await writeWithout(" and there");
      await page.evaluate(() => location.hash = "#/notes");
      await page.getByRole("heading", { name: "Notes", exact: true }).waitFor();
      assert.ok(await keptOf(page) > 0);
      network.heal();
      await holds(ada, id, "here and there");
      await until(async () => await keptOf(page) === 0, { what: "nothing more to keep" });
      assert.equal(new URL(page.url()).hash, "#/notes");
    });

    await t.step("edits of a note that was deleted meanwhile become a note", async () => {
      const id = await createNote(ada, "Plan", "first things");
      await openNote(page, id, "first things");
      await writeWithout(" first");
      await ada.json("DELETE", `/api/v1/notes/${id}/delete`);
      network.heal();
      await page.getByRole("alert").getByText("6 edits of yours could not be saved").waitFor();
      // What the break has cost is told meanwhile, and covers none of it.
      await page.removeLocatorHandler(seen);
      await seen.waitFor();
      await page.getByRole("button", { name: "Make a note of them" }).click();
      await until(async () => await page.getByLabel("Title").inputValue() === "Plan (my edits)", {
        what: "the page of the new note",
        limitMs: LIMIT_MS,
      });
      await page.locator(".ProseMirror > p", { hasText: "first things first" }).waitFor();
      const made = new URL(page.url()).hash.split("/").at(-1) ?? "";
      assert.notEqual(made, id);
      await holds(ada, made, "first things first");
      await until(async () => await keptOf(page) === 0, { what: "nothing more to keep" });
    });
    // Of the note that is gone, the page is told so.
    const faults = visitor.faults.filter((fault) => !LOST.test(fault) && !/404/.test(fault));
    assert.deepEqual(faults, []);
  },
);

/** A white point, as a PNG. */
const POINT = Uint8Array.from(
  atob(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mP8/x8AAwMCAO+ip1sAAAAASUVORK5CYII=",
  ),
  (letter) => letter.charCodeAt(0),
);

Deno.test(
  "pictures from elsewhere are asked for when their reader wants them, without a word of who that is",
  options,
  async () => {
    await using place = await fixture();
    const { a, browser } = place;
    const asked: Headers[] = [];
    await using elsewhere = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => {
        asked.push(new Headers(request.headers));
        const headers = new Headers({ "content-type": "image/png" });
        if (request.url.endsWith("/open.png")) headers.set("access-control-allow-origin", "*");
        return new Response(POINT, { headers });
      },
    );
    const host = `127.0.0.1:${elsewhere.addr.port}`;
    const ada = await signUp(a.url, "Ada");
    const pictures = ["open", "closed"].map((name) => `![${name}](http://${host}/${name}.png)`);
    const id = await createNote(ada, "Pictures", [...pictures, "end"].join("\n\n"));
    await using visitor = await visitAs(browser, ada, `${a.url}/#/note/${id}`);
    const { page } = visitor;
    page.setDefaultTimeout(LIMIT_MS);
    const shows = page.getByRole("button", { name: `Show the picture from ${host}` });
    await page.getByText("Picture: open").waitFor();
    await page.getByText("Picture: closed").waitFor();
    assert.equal(await shows.count(), 2);
    const count = () => asked.length;
    assert.equal(count(), 0);

    await shows.first().click();
    const shown = page.getByRole("img", { name: "open" });
    await until(() => shown.evaluate((image) => (image as HTMLImageElement).naturalWidth === 1), {
      what: "the picture",
      limitMs: LIMIT_MS,
    });
    await shows.click();
    await page.getByText("It can't be shown here.").waitFor();
    const link = page.getByRole("link", { name: `Open it at ${host}` });
    assert.equal(await link.getAttribute("href"), `http://${host}/closed.png`);
    assert.equal(await link.getAttribute("rel"), "noopener noreferrer");
    assert.equal(count(), 2);
    for (const headers of asked) {
      for (const name of ["cookie", "authorization", "referer"]) {
        assert.equal(headers.get(name), null, name);
      }
    }
    const refused = /closed\.png/;
    const faults = visitor.faults.filter((fault) => !refused.test(fault) && !LOST.test(fault));
    assert.deepEqual(faults, []);
  },
);
