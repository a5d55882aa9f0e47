import { AnswerEnd, isCut, isTroubled, Pictures } from "./answer_end.tsx";
import { AnswerFigures } from "./answer_figures.tsx";
import { memo } from "../ui/memo.tsx";
import type { ChatMessage } from "../../protocol/chat.ts";
import { copyText } from "../ui/copy_text.ts";
import { Icon } from "../ui/icons.tsx";
import { MarkdownView } from "../text/markdown_view.tsx";
import type { MessageActions } from "./message_actions.ts";
import { partsOf } from "./message_parts.ts";
import { QuestionView } from "./question_view.tsx";
import { Siblings } from "./siblings.tsx";
import { Thoughts } from "./thoughts.tsx";
import { toast } from "../ui/toasts.tsx";
import { ToolCard } from "./tool_card.tsx";

export interface MessageViewProps {
  message: ChatMessage;
  modelName: string;
  /** It is being answered just now. */
  isOpen: boolean;
  /** The message and its alternatives: answers to one question, or questions asked at once. */
  siblings: readonly string[];
  /** What the tools that it asked for gave back, by the ids of the calls. */
  results?: ReadonlyMap<string, string> | undefined;
  /** `undefined`: it can only be read. */
  actions: MessageActions | undefined;
}

/**
 * One message of a chat. Drawn again only when it has changed itself, and so not because another one
 * is being answered: there may be a thousand.
 */
export const MessageView = memo(
  function MessageView(props: MessageViewProps) {
    return props.message.role === "user" ? <QuestionView {...props} /> : <AnswerView {...props} />;
  },
  (a, b) =>
    a.message === b.message && a.isOpen === b.isOpen && a.actions === b.actions &&
    a.siblings.join() === b.siblings.join() && a.modelName === b.modelName &&
    a.results?.size === b.results?.size,
);

function AnswerView(props: MessageViewProps) {
  const { message, modelName, isOpen, siblings, results, actions } = props;
  const { content, reasoning_content: reasoning } = message;
  return (
    <article class="message answer" aria-label={modelName} aria-busy={isOpen}>
      <header>{modelName}</header>
      <Statuses history={message.statusHistory} />
      {reasoning && (
        <Thoughts
          text={reasoning}
          isOpen={content === "" && isOpen}
          ms={message.timing?.reasoning_ms}
        />
      )}
      {content !== "" && <AnswerText content={content} isGrowing={isOpen} />}
      {content === "" && isOpen && !reasoning && (
        <p class="waiting" role="status" aria-label="Waiting for the first words">
          <i></i>
          <i></i>
          <i></i>
        </p>
      )}
      <Pictures files={message.files} />
      <Sources sources={message.sources} />
      {!isOpen && <AnswerEnd message={message} results={results} />}
      {!isOpen && (
        <footer>
          <Siblings what="answer" siblings={siblings} id={message.id} onShow={actions?.show} />
          <button
            type="button"
            class="icon-button"
            aria-label="Copy"
            title="Copy"
            onClick={() => void copy(content)}
          >
            <Icon name="copy" />
          </button>
          {actions && <AnswerTools message={message} actions={actions} />}
          <AnswerFigures message={message} />
        </footer>
      )}
    </article>
  );
}

/** The words, and what Open WebUI has put between them. */
function AnswerText({ content, isGrowing }: { content: string; isGrowing: boolean }) {
  const parts = partsOf(content);
  return (
    <>
      {parts.map((part, at) => {
        const isLast = isGrowing && at === parts.length - 1;
        switch (part.kind) {
          case "text":
            return <MarkdownView key={at} text={part.text} isGrowing={isLast} />;
          case "thought":
            return (
              <Thoughts key={at} text={part.text} isOpen={isLast && !part.isDone} ms={part.ms} />
            );
          case "tool":
            return (
              <ToolCard
                key={at}
                call={part.call}
                state={part.isDone ? "done" : isLast ? "running" : "no result"}
              />
            );
        }
      })}
    </>
  );
}

function AnswerTools({ message, actions }: { message: ChatMessage; actions: MessageActions }) {
  const isBroken = isTroubled(message) && !isCut(message);
  return (
    <>
      {isCut(message) && (
        <button
          type="button"
          class="quiet"
          onClick={() => actions.continueAnswer(message)}
        >
          Continue
        </button>
      )}
      <button
        type="button"
        class={isBroken ? "quiet" : "icon-button"}
        aria-label="Ask again"
        title="Ask again"
        onClick={() => actions.regenerate(message)}
      >
        <Icon name="retry" />
        {isBroken && "Ask again"}
      </button>
      <button
        type="button"
        class="icon-button"
        aria-label="Ask another model"
        title="Ask another model"
        onClick={() => actions.regenerateWith(message)}
      >
        <Icon name="swap" />
      </button>
    </>
  );
}

async function copy(text: string): Promise<void> {
  await copyText(text);
  toast("Copied.", "success");
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
