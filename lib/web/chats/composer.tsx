import { useEffect, useRef, useState } from "preact/hooks";
import { draftOf, keepDraft } from "./drafts.ts";
import { useGrowing } from "../ui/growing.ts";
import { Icon } from "../ui/icons.tsx";

export interface ComposerProps {
  label: string;
  placeholder: string;
  /** Under which name a text that was not sent is kept in this browser. */
  draftKey: string;
  /** The name that the place of now has later on: a new chat gets its id. Default: the same. */
  draftKeyNow?: () => string;
  /** Something can be stopped. What is sent meanwhile is for the page to keep until its turn. */
  isStreaming?: boolean;
  isDisabled?: boolean;
  /** Rejects when it was not taken: the text stays. */
  onSend: (text: string) => Promise<void>;
  onStop?: () => void;
  onType?: () => void;
  children?: preact.ComponentChildren;
}

/** A phone's keyboard has an Enter, and no easy Shift+Enter. */
export const COARSE = matchMedia("(pointer: coarse)");

/** Where one writes. Enter sends, Shift+Enter breaks the line; on a phone Enter breaks it. */
export function Composer(props: ComposerProps) {
  const { label, placeholder, draftKey, isStreaming, isDisabled, onSend, onStop, onType } = props;
  const { draftKeyNow = () => draftKey } = props;
  const [text, setText] = useState(() => draftOf(draftKey));
  const place = useRef(draftKey);
  place.current = draftKey;
  const area = useRef<HTMLTextAreaElement>(null);

  useEffect(() => setText(draftOf(draftKey)), [draftKey]);
  useGrowing(area, text);
  useEffect(() => {
    if (!COARSE.matches) area.current?.focus();
  }, [draftKey]);

  function write(value: string) {
    setText(value);
    keepDraft(place.current, value);
  }

  async function send() {
    const sent = text.trim();
    if (sent === "" || isDisabled) return;
    write("");
    try {
      await onSend(sent);
    } catch {
      // Before what was typed meanwhile, which is nobody's to replace.
      const at = draftKeyNow();
      const both = [text, draftOf(at)].filter((part) => part !== "").join("\n");
      if (at === place.current) write(both);
      else keepDraft(at, both);
    }
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key !== "Enter" || event.shiftKey || COARSE.matches) return;
    event.preventDefault();
    void send();
  }

  return (
    <form
      class={`composer ${props.children ? "" : "is-short"}`}
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <textarea
        ref={area}
        rows={1}
        dir="auto"
        aria-label={label}
        placeholder={placeholder}
        value={text}
        onInput={(event) => {
          write(event.currentTarget.value);
          onType?.();
        }}
        onKeyDown={onKeyDown}
      />
      <div class="composer-row">
        {props.children}
        {isStreaming && onStop && (
          <button type="button" class="round" aria-label="Stop" title="Stop (Esc)" onClick={onStop}>
            <Icon name="stop" />
          </button>
        )}
        {(!isStreaming || !onStop || text.trim() !== "") && (
          <button
            type="submit"
            class="round"
            aria-label="Send"
            title={isStreaming ? "Send when the answer has ended" : "Send"}
            disabled={text.trim() === "" || isDisabled === true}
          >
            <Icon name="send" />
          </button>
        )}
      </div>
    </form>
  );
}
