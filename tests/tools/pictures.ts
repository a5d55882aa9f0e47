/** Makes `docs/pictures/`, the README's pictures, of the real pages: `deno task pictures`. */
import type { Page } from "playwright-core";
import type { Channel, ChannelMessage } from "../../lib/protocol/channel.ts";
import type { Note } from "../../lib/protocol/note.ts";
import { buildPages, findChromium, openBrowser, signUpOnPage, visit } from "../support/browser.ts";
import { startModelProvider } from "../support/model_provider.ts";
import { personAt, signUp, startServer } from "../support/server.ts";
import { visitAs } from "../web/fixture.ts";

const ANSWER =
  `A note is a **Yjs document**. What you type is an update, and updates can be applied in any order:

1. the server appends it to the *log*, which all instances share;
2. the other editors get it at once, and the note's text is saved when you pause.

\`\`\`ts
doc.on("update", (update) => socket.emit("ydoc:document:update", {
  document_id: "note:" + id,
  update: Array.from(update),
}));
\`\`\`

| who | sees it after |
| :-- | --: |
| an editor at the same instance | 1 ms |
| an editor at another one | 3 ms |
`;
const NOTE = `## What is left

1. ~~the cursor of the other~~ seen
2. **the last edits** of who leaves
3. a paste of five megabytes

> Who writes at the same time loses nothing: both texts are in the result.

- [x] two instances, one note
- [ ] a phone on a train
`;

const SIZE = { width: 1100, height: 780 };
const PHONE = { viewport: { width: 390, height: 760 }, colorScheme: "dark" } as const;
const MAX_BYTES = 80_000;
const folder = new URL("../../docs/pictures/", import.meta.url);

/** A picture of what is seen, as small as it can be read. */
async function keep(page: Page, name: string): Promise<void> {
  await page.evaluate("document.activeElement?.blur()");
  const debug = await page.context().newCDPSession(page);
  const { data } = await debug.send("Page.captureScreenshot", { format: "webp", quality: 82 });
  const bytes = Uint8Array.fromBase64(data);
  if (bytes.length > MAX_BYTES) throw new Error(`${name}: ${bytes.length} bytes`);
  await Deno.writeFile(new URL(`${name}.webp`, folder), bytes);
}

const executable = findChromium();
if (executable === undefined) throw new Error("Cannot make the pictures: there is no Chromium");
await buildPages();
await Deno.mkdir(folder, { recursive: true });
await using provider = startModelProvider();
provider.models = [{ id: "gemma3:4b" }];
// The second request asks for a title.
provider.script = () => ({
  tokens: provider.requests.length > 1
    ? ["Editing a note together"]
    : ANSWER.match(/\s*\S+/g) ?? [],
  paceMs: 1,
});
await using app = await startServer({ OPENAI_API_BASE_URL: provider.baseUrl });
const { url } = app;
const browser = await openBrowser(executable);
try {
  await using one = await visit(browser, url, { viewport: SIZE });
  const { page } = one;
  await signUpOnPage(page, "Ada Lovelace");
  const token = await page.evaluate(() => localStorage.getItem("token") ?? "");
  const ada = personAt(url, { id: "", token, role: "admin" });
  const me = await ada.json<{ id: string }>("GET", "/api/v1/auths/");
  const [bob, grace] = [await signUp(url, "Bob"), await signUp(url, "Grace Hopper")];
  const [general] = await Promise.all(
    ["general", "launch"].map((name) =>
      ada.json<Channel>("POST", "/api/v1/channels/create", { name })
    ),
  );
  const channel = `/api/v1/channels/${general?.id}/messages`;
  await ada.json("GET", `/api/v1/channels/users/${bob.id}`);

  await page.goto(`${url}/#/chat`);
  await page.getByLabel("Message", { exact: true }).fill(
    "How do two people edit one note at once?",
  );
  await page.keyboard.press("Enter");
  await page.locator(".answer table").waitFor();
  await page.getByRole("button", { name: "Stop" }).waitFor({ state: "detached" });
  await page.getByRole("heading", { name: "Editing a note together" }).waitFor();
  await keep(page, "chat");

  await using two = await visitAs(browser, bob, `${url}/#/channel/${general?.id}`, PHONE);
  await two.page.getByLabel("Message", { exact: true }).waitFor();
  const asked = await bob.json<ChannelMessage>("POST", `${channel}/post`, {
    content: `Ready to launch? <@U:${me.id}|Ada Lovelace>, the notes are **merged**.`,
  });
  await grace.json("POST", `${channel}/post`, {
    content: "One moment: `deno task ok` still runs.",
  });
  await grace.json("POST", `${channel}/post`, {
    content: "It is green.",
    parent_id: asked.id,
  });
  await page.goto(`${url}/#/channel/${general?.id}/thread/${asked.id}`);
  await page.locator(".thread .post", { hasText: "It is green." }).waitFor();
  await page.getByRole("img", { name: "Here now: Bob" }).waitFor();
  await page.locator(".online-mark").waitFor();
  await page.locator(".toast").waitFor({ state: "detached" });
  await keep(page, "channel");
  await two.page.locator(".post", { hasText: "still runs" }).waitFor();
  await two.page.getByRole("img", { name: "Here now: Ada Lovelace" }).waitFor();
  await keep(two.page, "phone");

  const { id: noteId } = await ada.json<Note>("POST", "/api/v1/notes/create", {
    title: "Launch",
    data: { content: { md: NOTE } },
    access_grants: [
      { principal_type: "user", principal_id: "*", permission: "read" },
      { principal_type: "user", principal_id: "*", permission: "write" },
    ],
  });
  await page.goto(`${url}/#/note/${noteId}`);
  await two.page.goto(`${url}/#/note/${noteId}`);
  await two.page.locator(".ProseMirror").getByText("a phone on a train", { exact: true }).click();
  await page.locator(".ProseMirror").getByText("seen").waitFor();
  await page.getByText("Saved", { exact: true }).waitFor();
  await keep(page, "note");

  provider.script = {
    tokens: Array.from({ length: 400 }, (_, at) => `word${at} `),
    paceMs: 40,
  };
  await two.page.goto(`${url}/#/chat`);
  await two.page.getByLabel("Message", { exact: true }).fill("Tell me more.");
  await two.page.getByRole("button", { name: "Send" }).click();
  await page.emulateMedia({ colorScheme: "dark" });
  await page.goto(`${url}/#/admin`);
  await page.getByText(/\d tokens\/s/).waitFor();
  // A line needs some time to be one.
  await page.getByRole("img", { name: /in the last (8|9|1\d) s/ }).first().waitFor();
  await keep(page, "live_view");
} finally {
  await browser.close();
}
