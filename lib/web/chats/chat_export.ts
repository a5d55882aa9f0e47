import type { UseChat } from "../../client/react/use_chat.ts";
import type { ChatBody, ChatMessage } from "../../protocol/chat.ts";

interface ExportedChat {
  title: string;
  /** One branch, oldest first. */
  messages: readonly ChatMessage[];
  nameOf: (modelId: string | undefined) => string;
}

/** The branch that is shown, as somebody would write it down. */
export function asMarkdown({ title, messages, nameOf }: ExportedChat): string {
  const said = messages.filter(({ content }) => content.trim() !== "").map(
    ({ role, content, model }) => `## ${role === "user" ? "You" : nameOf(model)}\n\n${content}\n`,
  );
  return [`# ${title || "Chat"}\n`, ...said].join("\n");
}

/** The chat with all its branches, as Open WebUI exports and imports it. */
export function asJson({ id, title, messages, allMessages, setup }: UseChat): string {
  const chat: ChatBody = {
    title,
    models: [...setup.models],
    params: setup.params,
    history: { currentId: messages.at(-1)?.id ?? null, messages: allMessages },
  };
  return JSON.stringify([{ id, title, chat }], null, 2);
}

/** The title as a file may be called. */
export function fileNameOf(title: string, ending: string): string {
  const name = title.replace(/[^\p{L}\p{N} _-]+/gu, " ").replace(/\s+/g, " ").trim().slice(0, 60);
  return `${name || "chat"}.${ending}`;
}

/** Hands the person a file. */
export function download(name: string, text: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has to have begun to read it.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
