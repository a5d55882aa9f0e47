/** A chat of many messages, read so that others have their turn in between. */
import type { Context } from "hono";
import * as v from "valibot";
import { checked } from "../common/checked.ts";
import { AppError } from "../common/errors.ts";
import { yieldToEvents } from "../common/pause.ts";
import { type ChatBody, MAX_MESSAGES } from "../protocol/chat.ts";
import { ChatBodySchema, TOO_MANY_MESSAGES } from "../protocol/schemas/chat.ts";
import { readJson } from "./json_body.ts";

/** So many messages are checked in one turn. */
const MESSAGES_A_TURN = 500;

const BodySchema = v.object({ chat: ChatBodySchema });
/** What has a history with messages, whatever they are. */
const HistorySchema = v.looseObject({
  chat: v.looseObject({
    history: v.looseObject({
      // Not a record: each message would be looked at in one turn.
      messages: v.custom<Record<string, unknown>>((value) =>
        typeof value === "object" && value !== null && !Array.isArray(value)
      ),
    }),
  }),
});

/** The body of a request that brings a chat: as `readJson` with the chat's schema. */
export async function readChat(c: Context): Promise<ChatBody> {
  const body = await readJson(c, v.unknown());
  if (!v.is(HistorySchema, body)) return checked(BodySchema, body).chat;
  const { chat, chat: { history } } = body;
  const count = Object.keys(history.messages).length;
  // To count the names of a hundred thousand takes 15 ms: once is enough.
  if (count > MAX_MESSAGES) {
    throw new AppError("invalid_payload", `chat.history.messages: ${TOO_MANY_MESSAGES}`);
  }
  if (count <= MESSAGES_A_TURN) return checked(BodySchema, body).chat;
  const withMessages = (messages: unknown) =>
    checked(BodySchema, { chat: { ...chat, history: { ...history, messages } } }).chat;
  const checkedChat = withMessages({});
  const messages = {};
  for (const group of groupsOf(history.messages)) {
    Object.assign(messages, withMessages(group).history?.messages);
    await yieldToEvents();
  }
  return { ...checkedChat, history: { ...checkedChat.history, messages } };
}

function* groupsOf<T>(messages: Record<string, T>): Generator<Record<string, T>> {
  const entries = Object.entries(messages);
  for (let at = 0; at < entries.length; at += MESSAGES_A_TURN) {
    yield Object.fromEntries(entries.slice(at, at + MESSAGES_A_TURN));
  }
}
