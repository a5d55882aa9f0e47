import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "./icons.tsx";
import { readPersonal, writePersonal } from "./personal.ts";

export interface ComposerProps {
  label: string;
  placeholder: string;
  /** Under which name a text that was not sent is kept in this browser. */
  draftKey: string;
  isStreaming?: boolean;
  isDisabled?: boolean;
  /** Rejects when it was not taken: the text stays. */
  onSend: (text: string) => Promise<void>;
  onStop?: () => void;
  onType?: () => void;
  children?: preact.ComponentChildren;
}

const COARSE = matchMedia("(pointer: coarse)");

/** Where one writes. Enter sends, Shift+Enter breaks the line; on a phone Enter breaks it. */
export function Composer(props: ComposerProps) {
  const { label, placeholder, draftKey, isStreaming, isDisabled, onSend, onStop, onType } = props;
  const key = `draft:${draftKey}`;
  const [text, setText] = useState(() => readPersonal(sessionStorage, key) ?? "");
  const area = useRef<HTMLTextAreaElement>(null);

  useEffect(() => setText(readPersonal(sessionStorage, key) ?? ""), [key]);
  useEffect(() => {
    const element = area.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight}px`;
  }, [text]);
  useEffect(() => {
    if (!COARSE.matches) area.current?.focus();
  }, [key]);

  function write(value: string) {
    setText(value);
    writePersonal(sessionStorage, key, value || undefined);
  }

  async function send() {
    const sent = text.trim();
    if (sent === "" || isStreaming || isDisabled) return;
    write("");
    try {
      await onSend(sent);
    } catch {
      write(sent);
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
        {isStreaming && onStop
          ? (
            <button type="button" class="round" aria-label="Stop" title="Stop" onClick={onStop}>
              <Icon name="stop" />
            </button>
          )
          : (
            <button
              type="submit"
              class="round"
              aria-label="Send"
              title="Send"
              disabled={text.trim() === "" || isDisabled === true}
            >
              <Icon name="send" />
            </button>
          )}
      </div>
    </form>
  );
}
