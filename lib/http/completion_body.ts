/** The body of `/api/chat/completions`: what this server reads, and what reaches the model's provider. */
import * as v from "valibot";
import { AppError } from "../common/errors.ts";
import { type ChatMessage, isTemporary } from "../protocol/chat.ts";
import { AnyChatIdSchema, ChatMessageSchema, IdSchema } from "../protocol/schemas/chat.ts";

/** A message of the request; what else it carries reaches the provider as it is. */
const MessageSchema = v.looseObject({ role: v.string(), content: v.optional(v.unknown()) });
const ModelIdSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(256));

/** Answers to one question, by as many models. */
const MAX_ANSWERS = 16;

/** Parameters that Open WebUI's client puts into `params`, by the names that a provider knows. */
const PARAMETERS = [
  "frequency_penalty",
  "logit_bias",
  "max_tokens",
  "presence_penalty",
  "reasoning_effort",
  "response_format",
  "seed",
  "stop",
  "temperature",
  "top_p",
];

/** What Open WebUI's client says to its own server: no provider knows it, and strict ones refuse it. */
const CLIENT_FIELDS = [
  "assistant_message_id",
  "automation_id",
  "background_tasks",
  "chat_variables",
  "features",
  "files",
  "filter_ids",
  "folder_id",
  "new_chat",
  "regeneration_message_id",
  "regeneration_prompt",
  "skill_ids",
  "terminal_id",
  "tool_ids",
  "tool_servers",
  "variables",
];

export const CompletionSchema = v.looseObject({
  model: ModelIdSchema,
  /** Left out where `user_message` stands: the server knows what was said in its own chat. */
  messages: v.nullish(v.array(MessageSchema)),
  stream: v.nullish(v.boolean()),
  params: v.nullish(v.record(v.string(), v.unknown())),
  chat_id: v.nullish(v.union([v.literal(""), AnyChatIdSchema])),
  /** The assistant message that the answer fills. */
  id: v.nullish(IdSchema),
  /** The message that is answered; beside `user_message`, the one before that. */
  parent_id: v.nullish(IdSchema),
  /** The question, which the server puts into the chat. */
  user_message: v.nullish(ChatMessageSchema),
  /** One question to several models: each fills a message of its own. */
  message_ids: v.nullish(v.pipe(
    v.array(v.object({ model_id: ModelIdSchema, message_id: v.nullish(IdSchema) })),
    v.minLength(1),
    v.maxLength(MAX_ANSWERS),
  )),
  /** Whose browser runs the model, where `model_item.direct` says that one does. */
  session_id: v.nullish(v.pipe(v.string(), v.maxLength(64))),
  /** The answer of this `id` goes on where it was cut: its text stays, and the new one follows. */
  continue: v.nullish(v.boolean()),
  model_item: v.nullish(v.looseObject({ direct: v.nullish(v.boolean()) })),
});
type CompletionBody = v.InferOutput<typeof CompletionSchema>;

/**
 * What the body asks for. `question` is there when the server keeps the conversation; the chat is
 * made when `chatId` is missing then (`parent_id: null`, as Open WebUI's client begins one).
 *
 * @throws {AppError} `invalid_payload` for a body that says neither what was asked nor where
 */
export function readCompletion(body: CompletionBody) {
  const { model, messages, stream, params, chat_id, id, parent_id, ...more } = body;
  const { user_message, message_ids, session_id, model_item, ...others } = more;
  const { continue: isContinued = false, ...rest } = others;
  const isBeginning = !chat_id && parent_id === null;
  const isKept = isBeginning || (chat_id && !isTemporary(chat_id));
  const question = isKept && user_message ? asQuestion(user_message, parent_id) : undefined;
  if (isContinued && (!id || !chat_id || message_ids)) {
    throw new AppError("invalid_payload", "continue: needs the chat_id and the id of one answer");
  }
  if (!messages && !question && !isContinued) {
    throw new AppError("invalid_payload", "messages: is missing, and there is no user_message");
  }
  return {
    chatId: chat_id || undefined,
    question,
    parentId: parent_id ?? undefined,
    sessionId: session_id ?? undefined,
    isDirect: model_item?.direct === true,
    modelItem: model_item,
    isContinued: isContinued === true,
    answers: message_ids ?? [{ model_id: model, message_id: id }],
    request: {
      ...omit(rest, CLIENT_FIELDS),
      ...pick(params ?? {}, PARAMETERS),
      stream: stream ?? undefined,
      model,
      messages: messages ?? [],
    },
  };
}

/** Only the server says which generation writes a message. */
function asQuestion(
  { generation: _, ...message }: v.InferOutput<typeof ChatMessageSchema>,
  parentId: string | null | undefined,
): ChatMessage {
  return { ...message, parentId: message.parentId ?? parentId ?? null };
}

type Fields = Record<string, unknown>;

const pick = (fields: Fields, names: string[]): Fields =>
  Object.fromEntries(
    Object.entries(fields).filter(([name, value]) => names.includes(name) && value !== null),
  );

const omit = (fields: Fields, names: string[]): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));
