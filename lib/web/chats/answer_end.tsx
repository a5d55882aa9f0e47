import type { ChatMessage } from "../../protocol/chat.ts";
import { isSafePicture } from "../../markdown/data_pictures.ts";
import { ToolCard } from "./tool_card.tsx";

/** What is told of an answer, in a chat or in a channel. */
export type ToldAnswer = Pick<
  ChatMessage,
  | "content"
  | "done"
  | "error"
  | "files"
  | "finish_reason"
  | "interrupted"
  | "refusal"
  | "stopped"
  | "tool_calls"
>;

/** Whether the answer did not come to an end of its own: it was cut, stopped, refused or failed. */
export function isTroubled(message: ChatMessage): boolean {
  const { error, interrupted, finish_reason: reason = "stop", refusal, tool_calls } = message;
  return error !== undefined || interrupted === true || refusal !== undefined ||
    (tool_calls?.length ?? 0) > 0 || reason === "length" || reason === "content_filter" ||
    isEmpty(message);
}

/** Whether the answer may go on where it ends: it was cut at its limit, stopped, or broke off. */
export const isCut = ({ finish_reason, error, interrupted, content }: ChatMessage): boolean =>
  error || interrupted
    ? content.trim() !== "" && (!error || error.code === "stream_broken")
    : finish_reason === "length";

interface AnswerEndProps {
  message: ToldAnswer;
  /** What the tools that it asked for gave back, by the ids of the calls. */
  results?: ReadonlyMap<string, string> | undefined;
}

/** Says in words how an answer ended, beside its text; nothing for one that is whole. */
export function AnswerEnd({ message, results }: AnswerEndProps) {
  const { error, interrupted, stopped, finish_reason: reason, refusal } = message;
  const { tool_calls: calls = [] } = message;
  return (
    <>
      {refusal && (
        <div class="hint" role="note">
          <p>The model refused to answer:</p>
          <blockquote dir="auto">{refusal}</blockquote>
        </div>
      )}
      {calls.map(({ id = "", function: { name, arguments: given } }, at) => (
        <ToolCard
          key={at}
          call={{ name, given, result: results?.get(id) }}
          state={results?.has(id) ? "done" : "not run here"}
        />
      ))}
      {reason === "content_filter" && (
        <p class="hint" role="note">The provider's filter ended this answer.</p>
      )}
      {reason === "length" && (
        <p class="hint" role="note">
          {message.content === ""
            ? "The answer was cut at its length limit before its first word."
            : "The answer was cut at its length limit."}
        </p>
      )}
      {error && <p class="error" role="alert" dir="auto">{error.content}</p>}
      {interrupted && !error && (
        <p class="hint" role="note">
          {stopped ? "Stopped before its end." : "Cut off before its end."}
        </p>
      )}
      {isEmpty(message) && <p class="hint" role="note">The answer was empty.</p>}
    </>
  );
}

/** Pictures that a model returned. One from elsewhere would tell its server who reads what: a link. */
export function Pictures({ files }: { files?: unknown }) {
  const urls = (Array.isArray(files) ? files : []).flatMap((file: unknown) => {
    const { type, url } = (file ?? {}) as { type?: unknown; url?: unknown };
    return type === "image" && typeof url === "string" ? [url] : [];
  });
  if (urls.length === 0) return null;
  return (
    <div class="pictures">
      {urls.map((url, at) =>
        isSafePicture(url)
          ? <img key={at} src={url} alt={`Picture ${at + 1} of the message`} />
          : /^https?:/i.test(url) && (
            <a key={at} href={url} target="_blank" rel="noopener noreferrer nofollow">
              Picture {at + 1}
            </a>
          )
      )}
    </div>
  );
}

function isEmpty(message: ToldAnswer): boolean {
  const { content, done, error, interrupted, refusal, finish_reason: reason = "stop" } = message;
  const isWhole = done === true && !error && !interrupted && !refusal && reason === "stop";
  return isWhole && content.trim() === "" && !message.tool_calls?.length && !message.files?.length;
}
