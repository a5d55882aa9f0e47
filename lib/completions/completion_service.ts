import { AppError, errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { withSpan } from "../common/tracing.ts";
import { type ChatMessage, isTemporary } from "../protocol/chat.ts";
import type { EmitterData } from "../protocol/events.ts";
import { type GenerationPorts, runGeneration } from "./generation.ts";
import type { CompletionRequest, ModelProvider } from "./model_provider.ts";
import { makeTitle } from "./title.ts";

/** Twenty events a second read as smoothly as fifty, and cost each reader less than half. */
const PACE_MS = 50;

/** The title of a chat that has none yet. */
const UNTITLED = "New Chat";

/** What the service needs of the chats. */
export interface CompletionChats {
  /** Throws `not_found` for a chat of somebody else. */
  summary(userId: string, chatId: string): Promise<{ title: string; currentId: string | null }>;
  addMessage(userId: string, chatId: string, message: ChatMessage): Promise<void>;
  setTitle(userId: string, chatId: string, title: string): Promise<void>;
}

export interface CompletionServiceOptions {
  chats: CompletionChats;
  ports: GenerationPorts;
  /** Runs work that can be stopped from anywhere; returns its task id. */
  runTask(
    subject: { itemId: string; userId: string; kind: string },
    work: (signal: AbortSignal, taskId: string) => Promise<void>,
  ): Promise<string>;
  /** Sends an event about the chat to the user's sessions. */
  notify(userId: string, chatId: string, messageId: string, event: EmitterData): void;
  logger: Logger;
}

export interface StartCompletion {
  userId: string;
  chatId: string;
  /** The assistant message that the answer fills. */
  messageId: string;
  /** The message it answers. Default: the chat's current one. */
  parentId?: string | undefined;
  request: CompletionRequest;
  provider: ModelProvider;
}

/** What is known of the answer once its message is in the chat. */
interface Prepared {
  parentId: string | null;
  isUntitled: boolean;
}

/** Answers in chats: each answer is a task, whose stream is told to all sessions of the user. */
export class CompletionService {
  readonly #options: CompletionServiceOptions;

  constructor(options: CompletionServiceOptions) {
    this.#options = options;
  }

  /** Starts the answer and returns its task's id. Throws before anything is told or stored. */
  async start(start: StartCompletion): Promise<string> {
    const { userId, chatId, messageId } = start;
    const isStored = !isTemporary(chatId);
    const prepared = isStored ? await this.#prepare(start) : { parentId: null, isUntitled: false };
    return await this.#options.runTask(
      { itemId: chatId, userId, kind: "completion" },
      (signal, taskId) =>
        withSpan("completion", { model: start.request.model }, async () => {
          this.#notify(userId, chatId, messageId, { type: "chat:active", data: { active: true } });
          try {
            await this.#answer({ ...start, ...prepared }, signal, taskId);
          } finally {
            const idle = { type: "chat:active", data: { active: false } };
            this.#notify(userId, chatId, messageId, idle);
          }
        }),
    );
  }

  /** Puts the message into the chat; says what it answers, and whether the chat has no title yet. */
  async #prepare(
    { userId, chatId, messageId, parentId: asked, request }: StartCompletion,
  ): Promise<Prepared> {
    const { chats } = this.#options;
    const { title, currentId } = await chats.summary(userId, chatId);
    const parent = asked ?? currentId;
    const parentId = parent === messageId ? null : parent;
    await chats.addMessage(userId, chatId, {
      id: messageId,
      parentId,
      childrenIds: [],
      role: "assistant",
      content: "",
      model: request.model,
    });
    return { parentId, isUntitled: title === UNTITLED };
  }

  async #answer(
    start: Omit<StartCompletion, "parentId"> & Prepared,
    signal: AbortSignal,
    taskId: string,
  ): Promise<void> {
    const { ports } = this.#options;
    const { userId, chatId, messageId, parentId, request, provider, isUntitled } = start;
    const result = await runGeneration({
      ...{ userId, chatId, messageId, parentId, taskId, request, provider, signal, ports },
      paceMs: PACE_MS,
    });
    if (!isUntitled || result.state !== "done" || signal.aborted) return;
    const messages = [...request.messages, { role: "assistant", content: result.content }];
    await this.#title({ userId, chatId, messageId }, provider, request.model, messages, signal);
  }

  /** A chat without a title is no failed answer: what goes wrong here is only logged. */
  async #title(
    { userId, chatId, messageId }: { userId: string; chatId: string; messageId: string },
    provider: ModelProvider,
    model: string,
    messages: CompletionRequest["messages"],
    signal: AbortSignal,
  ): Promise<void> {
    const { chats, logger } = this.#options;
    try {
      const title = await makeTitle({ provider, model, messages, signal, logger });
      await chats.setTitle(userId, chatId, title);
      this.#notify(userId, chatId, messageId, { type: "chat:title", data: title });
    } catch (thrown) {
      if (signal.aborted || (thrown instanceof AppError && thrown.code === "not_found")) return;
      logger.warn("a chat has no title", { chatId, error: errorText(thrown) });
    }
  }

  #notify(userId: string, chatId: string, messageId: string, event: EmitterData): void {
    this.#options.notify(userId, chatId, messageId, event);
  }
}
