import { type Context, Hono } from "hono";
import type { ChatMessage } from "../protocol/chat.ts";
import type { ModelList } from "../protocol/model_list.ts";
import { CompletionSchema, readCompletion } from "./completion_body.ts";
import type { HttpEnv } from "./http_env.ts";
import { readJson } from "./json_body.ts";

/** A body that asks for an answer in a chat. */
export interface ChatCompletion {
  userId: string;
  /** `undefined`: the question begins a chat. */
  chatId: string | undefined;
  messageId: string;
  parentId: string | undefined;
  /** What is asked, where the server keeps the conversation. */
  question: ChatMessage | undefined;
  sessionId: string | undefined;
  /** The model runs in the user's browser. */
  isDirect: boolean;
  /** What the client said of the model. */
  modelItem: { id?: unknown; [field: string]: unknown } | null | undefined;
  /** The answer goes on where it was cut. */
  isContinued: boolean;
  request: { model: string; messages: { role: string }[]; [parameter: string]: unknown };
}

export interface CompletionRoutesOptions {
  /** Throws when nobody runs the model that is asked. */
  check(completion: ChatCompletion): Promise<unknown>;
  /** Starts an answer in a chat; returns its task's id, and the chat's. */
  start(completion: ChatCompletion): Promise<{ taskId: string; chatId: string }>;
  /** The provider's own answer, for a request that belongs to no chat. */
  passThrough(
    completion: Omit<ChatCompletion, "chatId" | "messageId" | "parentId" | "question">,
    signal: AbortSignal,
  ): Promise<Response>;
  models(): Promise<ModelList>;
  usage(): Promise<{ model_ids: string[]; user_ids: string[] }>;
}

/** `/api/models`, `/api/usage` and `/api/chat/completions` (docs/protocol.md, sections 8 and 11). */
export function completionRoutes(options: CompletionRoutesOptions): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.get("/models", async (c) => c.json(await options.models()));
  routes.get("/usage", async (c) => c.json(await options.usage()));

  routes.post("/chat/completions", async (c: Context<HttpEnv>) => {
    const { answers, ...asked } = readCompletion(await readJson(c, CompletionSchema));
    const completion = { ...asked, userId: c.get("user").id };
    let { chatId } = asked;
    if (!chatId && !asked.question) {
      return await options.passThrough(completion, c.req.raw.signal);
    }
    const completions = answers.map(({ model_id, message_id }) => ({
      ...completion,
      chatId,
      isDirect: asked.isDirect && (answers.length === 1 || asked.modelItem?.id === model_id),
      messageId: message_id ?? crypto.randomUUID(),
      request: { ...asked.request, model: model_id },
    }));
    // All or none: an answer that others wait beside is not refused after them.
    await Promise.all(completions.map((each) => options.check(each)));
    const taskIds: string[] = [];
    for (const each of completions) {
      const started = await options.start({ ...each, chatId });
      chatId = started.chatId;
      taskIds.push(started.taskId);
    }
    return c.json({ status: true, task_ids: taskIds, chat_id: chatId });
  });
  return routes;
}
