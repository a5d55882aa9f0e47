/** Makes `docs/picture.png`, the README's picture, of the real pages: `deno run -A tests/tools/picture.ts`. */
import { buildPages, findChromium, openBrowser, signUpOnPage, visit } from "../support/browser.ts";
import { startModelProvider } from "../support/model_provider.ts";
import { signUp, startServer } from "../support/server.ts";

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

const executable = findChromium();
if (executable === undefined) throw new Error("Cannot make the picture: there is no Chromium");
await buildPages();
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
const browser = await openBrowser(executable);
try {
  await using visitor = await visit(browser, app.url, { viewport: { width: 1100, height: 840 } });
  const { page } = visitor;
  await signUpOnPage(page, "Ada Lovelace");
  const bob = await signUp(app.url, "Bob");
  for (const name of ["general", "launch"]) {
    await page.getByRole("button", { name: "New channel" }).click();
    await page.getByRole("textbox", { name: "New channel" }).fill(name);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name, exact: true }).waitFor();
  }
  const channels = await bob.json<{ id: string; name: string }[]>("GET", "/api/v1/channels/");
  const general = channels.find(({ name }) => name === "general");
  await bob.json("POST", `/api/v1/channels/${general?.id}/messages/post`, { content: "Ready?" });
  await page.goto(app.url);
  await page.getByLabel("Message", { exact: true }).fill(
    "How do two people edit one note at once?",
  );
  await page.keyboard.press("Enter");
  await page.locator(".answer table").waitFor();
  await page.getByRole("button", { name: "Stop" }).waitFor({ state: "detached" });
  await page.getByRole("heading", { name: "Editing a note together" }).waitFor();
  await page.evaluate("document.activeElement.blur()");
  await page.screenshot({ path: new URL("../../docs/picture.png", import.meta.url).pathname });
} finally {
  await browser.close();
}
