/** The messages of a chat as a tree. Pure. */
import type { ChatMessage } from "../protocol/chat.ts";

/** The messages of a chat by their ids; `parentId` and `childrenIds` make a tree of them. */
export type Messages = Readonly<Record<string, ChatMessage>>;

/** An answer whose message has been asked for and not ended. */
export const isOpen = ({ role, done, error, interrupted }: ChatMessage): boolean =>
  role === "assistant" && done !== true && !error && interrupted !== true;

/** The messages from the first to this one. */
export function branchTo(messages: Messages, id: string | null): ChatMessage[] {
  const branch = new Map<string, ChatMessage>();
  for (let at = id; at !== null && !branch.has(at);) {
    const message: ChatMessage | undefined = messages[at];
    if (!message) break;
    branch.set(at, message);
    at = message.parentId ?? null;
  }
  return [...branch.values()].reverse();
}

/** From this message down its newest children to the end of the branch. */
export function endOfBranch(messages: Messages, id: string): string {
  const seen = new Set<string>();
  for (let at = id;;) {
    seen.add(at);
    const next = messages[at]?.childrenIds.findLast((child) => messages[child]);
    if (next === undefined || seen.has(next)) return at;
    at = next;
  }
}

/**
 * The message and its alternatives, in their order: answers to one question, or questions at once.
 * What a parent does not name is looked for only among those that have none: each drawing of a long
 * chat asks this of every message.
 */
export function siblingsOf(messages: Messages, { parentId, id, role }: ChatMessage): string[] {
  const parent = parentId ? messages[parentId] : undefined;
  const beside = parent
    ? parent.childrenIds
    : Object.values(messages).filter((one) => !one.parentId).map((one) => one.id);
  const ids = beside.filter((one) => messages[one]?.role === role);
  return ids.includes(id) ? ids : [id];
}

/** With this message, named among its parent's children. */
export function withMessage(messages: Messages, message: ChatMessage): Messages {
  const parent = message.parentId ? messages[message.parentId] : undefined;
  const isNamed = !parent || parent.childrenIds.includes(message.id);
  return {
    ...messages,
    ...(!isNamed && {
      [parent.id]: { ...parent, childrenIds: [...parent.childrenIds, message.id] },
    }),
    [message.id]: message,
  };
}

/** What has not changed stays the same object: nobody has to draw it again. */
function isSame(a: ChatMessage, b: ChatMessage): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => {
    const [one, other] = [a[name], b[name]];
    return one === other ||
      (typeof one === "object" && JSON.stringify(one) === JSON.stringify(other));
  });
}

/**
 * What the server has, with what it can't have yet: messages that are being asked, and the text of
 * answers that stream here and are stored when they end.
 */
export function caughtUp(
  stored: Messages,
  here: Messages,
  { asking, streaming }: { asking: readonly string[]; streaming: ReadonlySet<string> },
): Messages {
  let messages: Messages = Object.fromEntries(
    Object.entries(stored).map(([id, message]) => {
      const before = here[id];
      return [id, before && isSame(before, message) ? before : message];
    }),
  );
  for (const id of streaming) {
    const [now, then] = [here[id], messages[id]];
    if (!now || !then || then.done === true) continue;
    messages = {
      ...messages,
      [id]: { ...now, parentId: then.parentId, childrenIds: then.childrenIds },
    };
  }
  for (const id of asking) {
    const message = here[id];
    if (message && !messages[id]) messages = withMessage(messages, message);
  }
  return messages;
}

/** Without a question that was not asked, and without its answer. */
export function withoutQuestion(messages: Messages, { id, parentId }: ChatMessage): Messages {
  const left = Object.values(messages)
    .filter((message) => message.id !== id && message.parentId !== id)
    .map((message) =>
      message.id === parentId
        ? { ...message, childrenIds: message.childrenIds.filter((child) => child !== id) }
        : message
    );
  return Object.fromEntries(left.map((message) => [message.id, message]));
}

/** The message that an answer will fill. */
export function emptyAnswer(id: string, question: ChatMessage, model: string): ChatMessage {
  return { id, parentId: question.id, childrenIds: [], role: "assistant", content: "", model };
}

/** The answer as it is shown when it could not be asked for. */
export const failedAnswer = (answer: ChatMessage, content: string): ChatMessage => ({
  ...answer,
  done: true,
  error: { code: "unavailable", content },
});

/** Whether an answer that was to be continued has gone on, though its request was not answered. */
export const wentOn = (cut: ChatMessage, now: ChatMessage | undefined): boolean =>
  now !== undefined && (!now.done || now.content !== cut.content);
