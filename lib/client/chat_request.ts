/** What a chat's question is asked with. Pure. */
import type { ChatMessage } from "../protocol/chat.ts";
import type { QuestionOptions } from "./ask.ts";
import type { ChatSetup } from "./chat_snapshot.ts";

/** The part of a request that the chat's setup, and what was said, decide. */
export function requestOf(
  { params: { system, ...params } }: ChatSetup,
  { question, said, cut }: {
    question: ChatMessage;
    /** All up to the question, where the server does not keep it. */
    said?: readonly ChatMessage[];
    /** The answer that goes on. */
    cut?: ChatMessage | undefined;
  },
): Pick<QuestionOptions, "question" | "messages" | "params"> {
  const prompt = typeof system === "string" && system.trim() !== ""
    ? [{ role: "system" as const, content: system }]
    : [];
  const all = said &&
    [...said, ...(cut ? [cut] : [])].flatMap(({ role, content }) =>
      role === "tool" || content === "" ? [] : [{ role, content }]
    );
  return {
    ...(all ? { messages: [...prompt, ...all] } : { question, messages: prompt }),
    ...(Object.keys(params).length > 0 && { params }),
  };
}
