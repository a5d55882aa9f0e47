import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { Messages } from "../chat_history.ts";
import { ChatModel } from "../chat_model.ts";
import type { AskedModel, ChatSetup, ChatSnapshot } from "../chat_snapshot.ts";
import type { ChatMessage } from "../../protocol/chat.ts";
import { ClientError } from "../errors.ts";
import type { Readable } from "../store.ts";
import { useRealtime } from "./context.ts";
import { useFrames } from "./use_store.ts";

/** Which chat, and which model. */
export interface UseChatOptions {
  /** Default: a new chat. */
  chatId?: string | undefined;
  /** Whether a new chat is kept by nobody. Default: `false`. */
  isTemporary?: boolean | undefined;
  /** The model that is asked where a call names none. */
  model?: string | AskedModel | undefined;
  /** A new chat has got its id: the place to put it into the address. */
  onCreated?: ((chatId: string) => void) | undefined;
}

/** Which model one call asks. */
export interface AskWith {
  /** The model that is asked. Default: the hook's own. */
  model?: string | AskedModel | undefined;
}

/** `submitted`: asked, and nothing has come yet. `error`: the chat could not be read. */
export type ChatStatus = "loading" | "ready" | "submitted" | "streaming" | "error";

/** A chat, and what one can do in it. The functions stay the same from one drawing to the next. */
export interface UseChat extends Omit<ChatSnapshot, "branch" | "messages" | "loadError"> {
  /** What is shown, oldest first: one branch of the chat. */
  readonly messages: readonly ChatMessage[];
  /** All branches, by the messages' ids. */
  readonly allMessages: Messages;
  /** What a page shows at the end of the messages, and whether one may ask. */
  readonly status: ChatStatus;
  /** Why the chat could not be read, in words for a person. */
  readonly error: string | undefined;
  /** Says something, and asks for an answer. Rejects when it could not be asked. */
  ask(text: string, how?: AskWith): Promise<void>;
  /** Ends what is being answered. */
  stop(): Promise<void>;
  /** Asks the same question again; the old answer stays beside the new one. */
  regenerate(answerId: string, how?: AskWith): Promise<void>;
  /** Says something else in the place of a question; the old one stays beside it. */
  edit(questionId: string, text: string, how?: AskWith): Promise<void>;
  /** Has an answer go on where it ends: it was cut at its limit, stopped, or broke off. */
  continueAnswer(answerId: string, how?: AskWith): Promise<void>;
  /** The message and those beside it, by their ids. */
  siblings(message: ChatMessage): string[];
  /** Shows the branch of this message. */
  show(messageId: string): void;
  /** Changes what the chat is asked with, on all devices: models, system prompt, parameters. */
  configure(changes: Partial<ChatSetup>): Promise<void>;
  /** Reads the chat again. */
  reload(): Promise<void>;
}

const NO_MESSAGES: Messages = {};
const NOTHING: ChatSnapshot = {
  ...{ id: undefined, title: "", messages: undefined, branch: [], loadError: undefined },
  ...{ isStreaming: false, isCaughtUp: false, isGone: false, isTemporary: false, saidHere: 0 },
  setup: { models: [], params: {} },
};
const LOADING: Readable<ChatSnapshot> = { snapshot: NOTHING, subscribe: () => () => {} };

/** The chat that is looked at; a new one stays the same when it gets its id. */
function useModel({ chatId, isTemporary, onCreated }: UseChatOptions): ChatModel | undefined {
  const { chats } = useRealtime();
  const [model, setModel] = useState<ChatModel>();
  const kept = useRef<ChatModel>(undefined);
  const created = useRef(onCreated);
  useLayoutEffect(() => {
    created.current = onCreated;
  });
  useLayoutEffect(() => {
    if (chatId !== undefined && kept.current?.snapshot.id === chatId) return;
    kept.current?.[Symbol.dispose]();
    const opened = new ChatModel(chats, {
      ...{ chatId, isTemporary },
      onCreated: (id) => created.current?.(id),
    });
    kept.current = opened;
    setModel(opened);
    void opened.load();
  }, [chats, chatId, isTemporary]);
  useLayoutEffect(() => () => {
    kept.current?.[Symbol.dispose]();
    kept.current = undefined;
  }, [chats]);
  // The chat of the last drawing is not shown under the address of this one.
  return chatId === undefined || model?.snapshot.id === chatId ? model : undefined;
}

/**
 * A chat: its messages, what streams into them, and what one can do.
 *
 * @example
 * ```ts
 * import { useChat } from "webui-realtime-client/react";
 *
 * export function useGreeting() {
 *   const { messages, status, ask, stop } = useChat({ model: "echo" });
 *   const last = messages.at(-1)?.content ?? "";
 *   return { last, isBusy: status === "streaming", greet: () => ask("Hello there"), stop };
 * }
 * ```
 */
export function useChat(options: UseChatOptions = {}): UseChat {
  const { connection: { status: connected }, chats } = useRealtime();
  const model = useModel(options);
  const chat = useFrames<ChatSnapshot>(model ?? LOADING);
  const latest = useRef({ model, asked: options.model });
  useLayoutEffect(() => {
    latest.current = { model, asked: options.model };
  });
  const calls = useMemo(() => callsOf(latest), []);
  const { branch, messages: allMessages = NO_MESSAGES, loadError, ...rest } = chat;
  useSeen(chat, useCallback((id: string) => chats.markRead(id), [chats]), connected.state);
  return {
    ...{ ...rest, messages: branch, allMessages },
    ...{ error: loadError, status: statusOf(chat), ...calls },
  };
}

/** Whoever sees an answer end has read the chat. */
function useSeen(
  { id, isStreaming, isTemporary }: ChatSnapshot,
  seen: (id: string) => void,
  state: string,
) {
  useEffect(() => {
    if (id === undefined || isTemporary || isStreaming || state !== "online") return;
    seen(id);
  }, [id, isStreaming, isTemporary, state, seen]);
}

function statusOf({ messages, loadError, isStreaming, branch }: ChatSnapshot): ChatStatus {
  if (loadError !== undefined) return "error";
  if (messages === undefined) return "loading";
  if (!isStreaming) return "ready";
  const { content = "", reasoning_content: thought = "", done } = branch.at(-1) ?? {};
  return content === "" && thought === "" && done !== true ? "submitted" : "streaming";
}

interface Latest {
  current: { model: ChatModel | undefined; asked: UseChatOptions["model"] };
}

function callsOf(latest: Latest) {
  const model = (): ChatModel => {
    const { model } = latest.current;
    if (!model) throw new ClientError("unavailable", "The chat is not open.");
    return model;
  };
  const asked = (how: AskWith | undefined): AskedModel => {
    const wanted = how?.model ?? latest.current.asked;
    if (wanted === undefined) throw new ClientError("invalid_payload", "model: is missing");
    return typeof wanted === "string" ? { id: wanted } : wanted;
  };
  return {
    ask: async (text: string, how?: AskWith) => await model().send(text, asked(how)),
    stop: async () => await model().stop(),
    regenerate: async (id: string, how?: AskWith) => await model().regenerate(id, asked(how)),
    edit: async (id: string, text: string, how?: AskWith) =>
      await model().edit(id, text, asked(how)),
    continueAnswer: async (id: string, how?: AskWith) =>
      await model().continueAnswer(id, asked(how)),
    siblings: (message: ChatMessage) => latest.current.model?.siblings(message) ?? [message.id],
    show: (id: string) => latest.current.model?.show(id),
    configure: async (changes: Partial<ChatSetup>) => await model().configure(changes),
    reload: async () => await latest.current.model?.load(),
  };
}
