import { type Context, Hono } from "hono";
import * as v from "valibot";
import { AnyChatIdSchema, IdSchema } from "../protocol/chat.ts";
import type { HttpEnv } from "./http_env.ts";
import { readJson } from "./json_body.ts";

/** A message of the request; what else it carries reaches the provider as it is. */
const MessageSchema = v.looseObject({ role: v.string(), content: v.optional(v.unknown()) });

const CompletionSchema = v.looseObject({
  model: v.pipe(v.string(), v.minLength(1), v.maxLength(256)),
  messages: v.array(MessageSchema),
  stream: v.optional(v.boolean()),
  chat_id: v.nullish(AnyChatIdSchema),
  /** The assistant message that the answer fills. */
  id: v.nullish(IdSchema),
  parent_id: v.nullish(IdSchema),
  /** Whose browser runs the model, where `model_item.direct` says that one does. */
  session_id: v.nullish(v.pipe(v.string(), v.maxLength(64))),
  model_item: v.nullish(v.looseObject({ direct: v.optional(v.boolean()) })),
});

export type CompletionBody = v.InferOutput<typeof CompletionSchema>;

/** A body that asks for an answer in a chat. */
export interface ChatCompletion {
  userId: string;
  chatId: string;
  messageId: string;
  parentId: string | undefined;
  sessionId: string | undefined;
  /** The model runs in the user's browser. */
  isDirect: boolean;
  /** What the client said of the model. */
  modelItem: unknown;
  request: { model: string; messages: { role: string }[]; [parameter: string]: unknown };
}

export interface CompletionRoutesOptions {
  /** Starts an answer in a chat; returns its task's id. */
  start(completion: ChatCompletion): Promise<string>;
  /** The provider's own answer, for a request that belongs to no chat. */
  passThrough(
    completion: Omit<ChatCompletion, "chatId" | "messageId" | "parentId">,
    signal: AbortSignal,
  ): Promise<Response>;
  models(): Promise<{ id: string; name: string }[]>;
  usage(): Promise<{ model_ids: string[]; user_ids: string[] }>;
}

/** `/api/models`, `/api/usage` and `/api/chat/completions` (protocol, sections 8 and 11). */
export function completionRoutes(options: CompletionRoutesOptions): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.get("/models", async (c) => c.json({ data: await options.models() }));
  routes.get("/usage", async (c) => c.json(await options.usage()));

  routes.post("/chat/completions", async (c: Context<HttpEnv>) => {
    const { chat_id, id, parent_id, session_id, model_item, ...request } = await readJson(
      c,
      CompletionSchema,
    );
    const completion = {
      userId: c.get("user").id,
      sessionId: session_id ?? undefined,
      isDirect: model_item?.direct === true,
      modelItem: model_item,
      request,
    };
    if (!chat_id) return await options.passThrough(completion, c.req.raw.signal);
    const taskId = await options.start({
      ...completion,
      chatId: chat_id,
      messageId: id ?? crypto.randomUUID(),
      parentId: parent_id ?? undefined,
    });
    return c.json({ status: true, task_ids: [taskId] });
  });
  return routes;
}
