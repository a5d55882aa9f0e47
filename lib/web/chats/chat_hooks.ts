import type { ChatHooks } from "../../client/chats.ts";
import type { Connection } from "../../client/connection.ts";
import { PythonRunner } from "../../client/python_runner.ts";
import { isTemporary } from "../../protocol/chat.ts";
import { askText, confirm } from "../ui/dialogs.tsx";
import { addressOf, route } from "../route.ts";
import { settings } from "../settings.ts";
import { chime } from "../ui/sound.ts";
import { toast, toastMerged } from "../ui/toasts.tsx";
import { assetFailed } from "../version.ts";

/** Python starts when it is first needed. */
export const python = new PythonRunner({
  start: () => {
    const worker = new Worker(document.body.dataset.python ?? "", { type: "module" });
    worker.addEventListener("error", assetFailed);
    return worker;
  },
  async input({ prompt, signal }) {
    const line = await askText({
      ...{ title: "Python asks", message: prompt, placeholder: "", value: "", signal },
    });
    return line === false ? undefined : line;
  },
});

/** Whether the person looks at this place right now. */
export function isInFront(place: "chat" | "channel", id: string): boolean {
  const { value } = route;
  return value.place === place && value.id === id && document.visibilityState === "visible" &&
    document.hasFocus();
}

/**
 * Says that something has come while the person looked elsewhere: once for all that comes under one
 * key, where `text` is made of how many that are.
 */
export function announce(
  textOf: (count: number) => string,
  { key, href }: { key: string; href: string },
): void {
  const text = textOf(1);
  if (toastMerged(textOf, { key, href }) > 1) return;
  if (settings.value.sound) chime();
  if (document.visibilityState === "visible" || globalThis.Notification?.permission !== "granted") {
    return;
  }
  const notification = new Notification("WebUI Realtime", { body: text, icon: "/icon.svg" });
  notification.onclick = () => {
    focus();
    location.hash = href;
  };
}

/** What the page does when the server asks this browser for something. */
export function chatHooks(connection: Connection): ChatHooks {
  return {
    isInFront: (chatId) => isInFront("chat", chatId),
    onAnswered({ chatId, title }) {
      // Only the page that it was asked on has a temporary chat.
      if (isTemporary(chatId)) return;
      announce(() => title ? `Answered: ${title}` : "An answer is ready.", {
        key: `chat:${chatId}`,
        href: addressOf("chat", chatId),
      });
    },
    onNotification: ({ type = "info", content }) => toast(content, type),
    confirm: ({ title = "Please confirm", message = "" }) => confirm({ title, message }),
    input: ({ title = "Please answer", message = "", placeholder = "", value = "" }) =>
      askText({ title, message, placeholder, value }),
    runPython: ({ code }) => python.run(code),
    // Few need it: it is no part of the first page.
    runTool: async (tool) => {
      const { runTool } = await import("../../client/tools.ts");
      return await runTool(tool, {
        consent: ({ name, server, params }) =>
          confirm({
            title: `Call ${name}?`,
            message: `The tool at ${server.url} is given: ${JSON.stringify(params ?? {})}`,
            yes: "Call it",
          }),
      });
    },
    async complete(asked) {
      const { direct } = settings.value;
      if (!direct) return { error: "This browser has no model connection." };
      const { completeDirectly } = await import("../../client/direct_connections.ts");
      return await completeDirectly(connection, direct, asked);
    },
  };
}
