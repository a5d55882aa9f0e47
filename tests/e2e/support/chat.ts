/** What the tests of whole conversations share: chats, answers, and what was heard of them. */
import assert from "node:assert/strict";
import type { Chat, ChatMessage } from "../../../lib/protocol/chat.ts";
import type { ChatEvent, CompletionEvent } from "../../../lib/protocol/events.ts";
import type { Client, Person } from "../../support/server.ts";
import { until } from "../../support/until.ts";

/** A chat with one question, `q`. */
export async function newChat(person: Person, title?: string): Promise<string> {
  const question = { id: "q", role: "user", content: "What is it?", childrenIds: [] };
  const { id } = await person.json<Chat>("POST", "/api/v1/chats/new", {
    chat: {
      ...(title !== undefined && { title }),
      history: { currentId: "q", messages: { q: question } },
    },
  });
  return id;
}

/** Asks for an answer in the message `a` and gives its task's id. */
export async function ask(
  person: Person,
  chatId: string,
  more: Record<string, unknown> = {},
): Promise<string> {
  const { task_ids } = await person.json<{ task_ids: string[] }>("POST", "/api/chat/completions", {
    model: "stand-in",
    stream: true,
    chat_id: chatId,
    id: "a",
    messages: [{ role: "user", content: "What is it?" }],
    ...more,
  });
  const [taskId = ""] = task_ids;
  assert.notEqual(taskId, "");
  return taskId;
}

export async function message(person: Person, chatId: string, id = "a"): Promise<ChatMessage> {
  const { chat } = await person.json<Chat>("GET", `/api/v1/chats/${chatId}`);
  const found = chat.history?.messages?.[id];
  assert.ok(found, `there is no message ${id}`);
  return found;
}

const isCompletion = (event: ChatEvent): event is CompletionEvent =>
  event.data.type === "chat:completion";

/** The `chat:completion` events that a client has heard, of one chat. */
export function completions({ events }: Pick<Client, "events">, chatId: string): CompletionEvent[] {
  return events.filter(isCompletion).filter(({ chat_id }) => chat_id === chatId);
}

export const deltaOf = ({ data }: CompletionEvent): string =>
  data.data.choices?.[0].delta.content ?? "";

export const textOf = (events: CompletionEvent[]): string => events.map(deltaOf).join("");

/** Waits for the end of the answer that the client hears. */
export function answered(
  client: Client,
  chatId: string,
  limitMs = 30_000,
): Promise<CompletionEvent> {
  return until(() => completions(client, chatId).find(({ data }) => data.data.done), {
    what: "the answer's end",
    limitMs,
  });
}

/** Asserts that the events say every seq from `first` on, once and in order. */
export function assertGapless(events: CompletionEvent[], first = 1): void {
  let next = first;
  for (const { seq, from = seq } of events) {
    assert.equal(from, next, `expected seq ${next}, got ${from}`);
    next = seq + 1;
  }
}
