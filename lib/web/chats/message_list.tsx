import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { isOpen } from "../../client/chat_history.ts";
import type { ChatMessage } from "../../protocol/chat.ts";
import type { MessageActions } from "./message_actions.ts";
import { MessageView } from "./message_view.tsx";

/** So many of the newest messages are drawn at once; about what one sees. */
const FIRST = 6;
/** A part of the older ones may take so long, in milliseconds: no task that is felt. */
const SLICE_MS = 24;
const MAX_SLICE = 40;
/** On a machine that is busy with other things, too: they are no work of ours. */
const MIN_SLICE = 4;

interface MessageListProps {
  /** The branch that is shown, oldest first. */
  messages: readonly ChatMessage[];
  isStreaming: boolean;
  nameOf: (modelId: string | undefined) => string;
  siblingsOf: (message: ChatMessage) => readonly string[];
  /** `undefined`: they can only be read. */
  actions: MessageActions | undefined;
}

/**
 * The messages of a branch. Those of a long one are drawn from the newest to the oldest, some at a
 * time, so that it opens at once; what one looks at stays where it is.
 */
export function MessageList(props: MessageListProps) {
  const { messages, isStreaming, nameOf, siblingsOf, actions } = props;
  const { list, from } = useSlices(messages);
  return (
    <div class="messages" ref={list} aria-busy={from > 0}>
      {messages.slice(from).map((message, at) =>
        message.role === "tool" ? null : (
          <MessageView
            key={message.id}
            message={message}
            modelName={nameOf(message.model)}
            isOpen={isStreaming && isOpen(message)}
            siblings={siblingsOf(message)}
            results={resultsAfter(messages, from + at)}
            actions={actions}
          />
        )
      )}
    </div>
  );
}

/** From which message on they are drawn: more of them each time, and never less. */
function useSlices(messages: readonly ChatMessage[]) {
  const list = useRef<HTMLDivElement>(null);
  const root = messages[0]?.id;
  const newest = Math.max(0, messages.length - FIRST);
  const drawn = useRef({ root, from: newest });
  if (drawn.current.root !== root) drawn.current = { root, from: newest };
  const from = drawn.current.from = Math.min(drawn.current.from, newest);
  const [, draw] = useState(0);
  const slice = useRef({ size: FIRST, begunMs: 0, anchor: undefined as Anchor | undefined });
  useLayoutEffect(() => {
    const { current } = slice;
    if (current.anchor) {
      const tookMs = Math.max(1, performance.now() - current.begunMs);
      const fitting = Math.floor(current.size * SLICE_MS / tookMs);
      current.size = Math.min(MAX_SLICE, 2 * current.size, Math.max(MIN_SLICE, fitting));
      hold(current.anchor);
      current.anchor = undefined;
    }
    if (from === 0) return;
    // A task for each part, and none for a frame: what is not seen has not to be painted between.
    const next = setTimeout(() => {
      current.anchor = anchorOf(list.current);
      current.begunMs = performance.now();
      drawn.current.from = Math.max(0, from - current.size);
      draw((count) => count + 1);
    });
    return () => clearTimeout(next);
  }, [from, root]);
  return { list, from };
}

/** Where one reads: at the end, or at what stands by the first message that is drawn. */
interface Anchor {
  area: Element;
  first: Element;
  top: number;
  isAtEnd: boolean;
}

function anchorOf(list: HTMLElement | null): Anchor | undefined {
  const [first, area] = [list?.firstElementChild, list?.closest(".scroll")];
  if (!first || !area) return undefined;
  // Browsers scroll by whole pixels of the screen.
  const isAtEnd = area.scrollHeight - area.scrollTop - area.clientHeight < 2;
  return { area, first, top: first.getBoundingClientRect().top, isAtEnd };
}

/** What was put before it moves nothing that one sees. */
function hold({ area, first, top, isAtEnd }: Anchor): void {
  if (isAtEnd) area.scrollTop = area.scrollHeight;
  else area.scrollTop += first.getBoundingClientRect().top - top;
}

/** What tools gave back to the calls of this message. */
function resultsAfter(
  messages: readonly ChatMessage[],
  at: number,
): ReadonlyMap<string, string> | undefined {
  if (!messages[at]?.tool_calls?.length) return undefined;
  const results = new Map<string, string>();
  for (let next = at + 1; messages[next]?.role === "tool"; next++) {
    const result = messages[next];
    const id = result?.["tool_call_id"];
    if (result && typeof id === "string") results.set(id, result.content);
  }
  return results;
}
