import { AnswerEnd, isCut, isTroubled, Pictures } from "./answer_end.tsx";
import { memo } from "../ui/memo.tsx";
import type { ChatMessage } from "../../protocol/chat.ts";
import { copyText } from "../ui/copy_text.ts";
import { Icon } from "../ui/icons.tsx";
import { MarkdownView } from "../text/markdown_view.tsx";
import { toast } from "../ui/toasts.tsx";

export interface MessageViewProps {
  message: ChatMessage;
  modelName: string;
  isStreaming: boolean;
  /** The message and its alternatives: answers to one question, or questions asked at once. */
  siblings: readonly string[];
  onShow: (id: string) => void;
  onRegenerate: (message: ChatMessage) => void;
  onContinue: (message: ChatMessage) => void;
}

/** One message of a chat. Drawn again only when it has changed itself. */
export const MessageView = memo(function MessageView(props: MessageViewProps) {
  const { message, siblings, onShow } = props;
  if (message.role === "user") {
    return (
      <article class="message mine" aria-label="You">
        <p dir="auto">{message.content}</p>
        <Pictures files={message.files} />
        {siblings.length > 1 && (
          <footer>
            <Siblings what="question" siblings={siblings} id={message.id} onShow={onShow} />
          </footer>
        )}
      </article>
    );
  }
  return <AnswerView {...props} />;
}, (a, b) =>
  a.message === b.message && a.isStreaming === b.isStreaming &&
  a.siblings.join() === b.siblings.join() && a.modelName === b.modelName);

function AnswerView(props: MessageViewProps) {
  const { message, modelName, isStreaming, siblings, onShow, onRegenerate, onContinue } = props;
  const { content, reasoning_content: reasoning, error, interrupted, done } = message;
  const isOpen = isStreaming && done !== true && !error && !interrupted;
  return (
    <article class="message answer" aria-label={modelName} aria-busy={isOpen}>
      <header>{modelName}</header>
      <Statuses history={message.statusHistory} />
      {reasoning && (
        <details class="reasoning">
          <summary>{content === "" && isOpen ? "Thinking…" : "Thoughts"}</summary>
          <MarkdownView text={reasoning} />
        </details>
      )}
      {content !== "" && <MarkdownView text={content} />}
      {content === "" && isOpen && !reasoning && (
        <p class="waiting" role="status" aria-label="Waiting for the first words">
          <i></i>
          <i></i>
          <i></i>
        </p>
      )}
      <Pictures files={message.files} />
      <Sources sources={message.sources} />
      {!isOpen && <AnswerEnd message={message} />}
      {!isOpen && (
        <footer>
          {siblings.length > 1 && (
            <Siblings what="answer" siblings={siblings} id={message.id} onShow={onShow} />
          )}
          <button
            type="button"
            class="icon-button"
            aria-label="Copy"
            title="Copy"
            onClick={() => void copy(content)}
          >
            <Icon name="copy" />
          </button>
          {isCut(message) && (
            <button
              type="button"
              class="quiet"
              disabled={isStreaming}
              onClick={() => onContinue(message)}
            >
              Continue
            </button>
          )}
          <button
            type="button"
            class={isTroubled(message) && !isCut(message) ? "quiet" : "icon-button"}
            aria-label="Ask again"
            title="Ask again"
            disabled={isStreaming}
            onClick={() => onRegenerate(message)}
          >
            <Icon name="retry" />
            {isTroubled(message) && !isCut(message) && "Ask again"}
          </button>
        </footer>
      )}
    </article>
  );
}

async function copy(text: string): Promise<void> {
  await copyText(text);
  toast("Copied.", "success");
}

function Siblings(
  { what, siblings, id, onShow }: {
    what: "question" | "answer";
    siblings: readonly string[];
    id: string;
    onShow: (id: string) => void;
  },
) {
  const at = siblings.indexOf(id);
  const step = (by: number, icon: "back" | "next", label: string) => {
    const to = siblings[at + by];
    return (
      <button
        type="button"
        class="icon-button"
        aria-label={label}
        disabled={to === undefined}
        onClick={() => to !== undefined && onShow(to)}
      >
        <Icon name={icon} />
      </button>
    );
  };
  return (
    <span class="siblings">
      {step(-1, "back", `The ${what} before`)}
      <span>{at + 1} / {siblings.length}</span>
      {step(1, "next", `The next ${what}`)}
    </span>
  );
}

function Statuses({ history = [] }: { history?: unknown[] | undefined }) {
  const last = history.at(-1) as
    | { description?: string; done?: boolean; hidden?: boolean }
    | undefined;
  if (!last?.description || last.hidden) return null;
  return <p class={`status ${last.done ? "" : "running"}`} role="status">{last.description}</p>;
}

function Sources({ sources = [] }: { sources?: unknown[] | undefined }) {
  if (sources.length === 0) return null;
  return (
    <ul class="sources" aria-label="Sources">
      {(sources as { source?: { name?: string; url?: string } }[]).map(({ source }, at) => {
        const isLink = /^https?:/i.test(source?.url ?? "");
        const name = source?.name ?? source?.url ?? `Source ${at + 1}`;
        return (
          <li key={at}>
            {isLink
              ? <a href={source?.url} target="_blank" rel="noopener noreferrer">{name}</a>
              : name}
          </li>
        );
      })}
    </ul>
  );
}
