import { AppError, errorText } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { withSpan } from "../common/tracing.ts";
import type { AnswerFile } from "../protocol/answer_outcome.ts";
import { type ChatMessage, isTemporary } from "../protocol/chat.ts";
import type { EmitterData } from "../protocol/events.ts";
import type { AnswerBase } from "./answer_messages.ts";
import { type GenerationPorts, runGeneration } from "./generation.ts";
import {
  type CompletionRequest,
  type ModelProvider,
  type RequestMessage,
  textOf,
} from "./model_provider.ts";
import { sanitised } from "./request_messages.ts";
import { makeTitle, titleOfQuestion } from "./title.ts";

/** Twenty events a second read as smoothly as fifty, and cost each reader less than half. */
const PACE_MS = 50;

/** The title of a chat that has none yet. */
const UNTITLED = "New Chat";

/** What the service needs of the chats. */
export interface CompletionChats {
  /** Throws `not_found` for a chat of somebody else. */
  summary(userId: string, chatId: string): Promise<{ title: string; currentId: string | null }>;
  addMessage(userId: string, chatId: string, message: ChatMessage): Promise<void>;
  /** The messages from the first to this one. */
  branch(chatId: string, messageId: string): Promise<ChatMessage[]>;
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
  /** The answer goes on where it was cut: its text stays. Default: `false`. */
  isContinued?: boolean;
  request: CompletionRequest;
  provider: ModelProvider;
}

/** What is known of the answer once its message is in the chat. */
interface Prepared {
  parentId: string | null;
  /** The question's first words, where the chat had no title: a better one may come. */
  firstTitle: string | undefined;
  /** The text so far of an answer that is continued. */
  base: AnswerBase | undefined;
  request: CompletionRequest;
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
    const prepared = isTemporary(chatId) ? prepareTemporary(start) : await this.#prepare(start);
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
  async #prepare(start: StartCompletion): Promise<Prepared> {
    const { chats } = this.#options;
    const { userId, chatId, messageId, parentId: asked, isContinued } = start;
    const { title, currentId } = await chats.summary(userId, chatId);
    if (isContinued) return await this.#prepareContinued(start);
    const parent = asked ?? currentId;
    const parentId = parent === messageId ? null : parent;
    await chats.addMessage(userId, chatId, {
      id: messageId,
      parentId,
      childrenIds: [],
      role: "assistant",
      content: "",
      model: start.request.model,
    });
    const request = asRequest(start.request);
    const firstTitle = title === UNTITLED ? titleOfQuestion(request.messages) : undefined;
    return { parentId, firstTitle, base: undefined, request };
  }

  /** The answer as it is stored is where the model goes on; what was said comes from the chat. */
  async #prepareContinued(start: StartCompletion): Promise<Prepared> {
    const { chats } = this.#options;
    const { chatId, messageId } = start;
    const branch = await chats.branch(chatId, messageId);
    const answer = branch.at(-1);
    if (answer?.role !== "assistant") {
      throw new AppError("not_found", "There is no answer to continue.");
    }
    if (answer.generation !== undefined && answer.done !== true) {
      throw new AppError("conflict", "The answer is still being written.");
    }
    const { content, reasoning_content: reasoning, files } = answer;
    const base: AnswerBase = {
      content,
      ...(reasoning !== undefined && { reasoning_content: reasoning }),
      ...(files && { files: files.filter(isPicture) }),
    };
    const asked = start.request.messages;
    const said = asked.length > 0 ? asked : branch.map(({ role, content }) => ({ role, content }));
    const request = continued(start.request, said, content);
    return { parentId: answer.parentId ?? null, firstTitle: undefined, base, request };
  }

  async #answer(
    start: Omit<StartCompletion, "parentId"> & Prepared,
    signal: AbortSignal,
    taskId: string,
  ): Promise<void> {
    const { ports } = this.#options;
    const { userId, chatId, messageId, parentId, request, provider, firstTitle, base } = start;
    if (firstTitle !== undefined) await this.#setTitle(start, firstTitle);
    const result = await runGeneration({
      ...{ userId, chatId, messageId, parentId, taskId, request, provider, signal, ports, base },
      paceMs: PACE_MS,
    });
    if (firstTitle === undefined || result.state !== "done" || signal.aborted) return;
    const messages = [...request.messages, { role: "assistant", content: result.content }];
    await this.#betterTitle({ ...start, request: { ...request, messages } }, firstTitle, signal);
  }

  /** The model's own title, unless somebody has given the chat one meanwhile. */
  async #betterTitle(
    start: Pick<StartCompletion, "userId" | "chatId" | "messageId" | "provider" | "request">,
    firstTitle: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { logger } = this.#options;
    const { provider, request: { model, messages } } = start;
    const title = await makeTitle({ provider, model, messages, signal, logger });
    if (title === undefined || title === firstTitle || signal.aborted) return;
    await this.#setTitle(start, title, firstTitle);
  }

  /**
   * Gives the chat a title, only if it still has the one that it `replaces`. A chat without one is no
   * failed answer: what goes wrong here is only logged.
   */
  async #setTitle(
    { userId, chatId, messageId }: Pick<StartCompletion, "userId" | "chatId" | "messageId">,
    title: string,
    replaces = UNTITLED,
  ): Promise<void> {
    const { chats, logger } = this.#options;
    try {
      if ((await chats.summary(userId, chatId)).title !== replaces) return;
      await chats.setTitle(userId, chatId, title);
      this.#notify(userId, chatId, messageId, { type: "chat:title", data: title });
    } catch (thrown) {
      if (thrown instanceof AppError && thrown.code === "not_found") return;
      logger.warn("a chat's title is not stored", { chatId, error: errorText(thrown) });
    }
  }

  #notify(userId: string, chatId: string, messageId: string, event: EmitterData): void {
    this.#options.notify(userId, chatId, messageId, event);
  }
}

/** What a chat of the browser alone says of its answer: all of it stands in the request. */
function prepareTemporary({ request, isContinued }: StartCompletion): Prepared {
  const last = request.messages.at(-1);
  const content = textOf(last?.content);
  const base = isContinued && last?.role === "assistant" ? { content } : undefined;
  return {
    parentId: null,
    firstTitle: undefined,
    base,
    request: base ? continued(request, request.messages, content) : asRequest(request),
  };
}

const asRequest = (request: CompletionRequest): CompletionRequest => ({
  ...request,
  messages: sanitised(request.messages),
});

/** The request ends with the answer's own words: the model goes on with them. */
function continued(
  request: CompletionRequest,
  said: readonly RequestMessage[],
  content: string,
): CompletionRequest {
  const before = said.at(-1)?.role === "assistant" ? said.slice(0, -1) : said;
  return asRequest({ ...request, messages: [...before, { role: "assistant", content }] });
}

const isPicture = (file: unknown): file is AnswerFile =>
  typeof file === "object" && file !== null && Reflect.get(file, "type") === "image" &&
  typeof Reflect.get(file, "url") === "string";
