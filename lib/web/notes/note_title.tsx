import { useEffect, useRef, useState } from "preact/hooks";
import { useGrowing } from "../ui/growing.ts";

export interface NoteTitleProps {
  /** As it is stored, by whomever. */
  title: string;
  mayWrite: boolean;
  /** Nothing is written yet: the title has the focus. */
  isNew: boolean;
  /** What could not be stored without a connection is stored with the next one. */
  isOnline: boolean;
  /** Stores a title; resolves to whether it is stored. */
  onSave: (title: string) => Promise<boolean>;
  onEnter: () => void;
}

/** What is typed is stored when it rests for so long, in milliseconds, or the field is left. */
const RESTS_AFTER_MS = 500;

/**
 * A note's title. What one types stands until it is stored, whatever others do meanwhile; what
 * others write shows when one has nothing unstored.
 */
export function NoteTitle(props: NoteTitleProps) {
  const { title, mayWrite, isNew, isOnline, onSave, onEnter } = props;
  const field = useRef<HTMLTextAreaElement>(null);
  const [typed, setTyped] = useState<string>();
  const own = useRef<string>(undefined);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const isSaving = useRef(false);
  const save = useRef(onSave);
  save.current = onSave;

  function type(text: string): void {
    own.current = text;
    setTyped(text);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => void store(), RESTS_AFTER_MS);
  }

  async function store(): Promise<void> {
    clearTimeout(timer.current);
    if (isSaving.current) return;
    isSaving.current = true;
    while (own.current !== undefined) {
      const text = own.current;
      if (!await save.current(text)) break;
      if (own.current !== text) continue;
      own.current = undefined;
      setTyped(undefined);
    }
    isSaving.current = false;
  }

  useEffect(() => {
    if (isOnline) void store();
  }, [isOnline]);

  // Who goes elsewhere has typed it all the same.
  useEffect(() => () => void store(), []);

  useEffect(() => {
    if (isNew) field.current?.focus();
  }, []);
  useGrowing(field, typed ?? title);

  return (
    <textarea
      ref={field}
      rows={1}
      class="note-title"
      aria-label="Title"
      dir="auto"
      value={typed ?? title}
      placeholder="Untitled"
      readOnly={!mayWrite}
      maxLength={200}
      onInput={(event) => type(event.currentTarget.value.replace(/\s*\n\s*/g, " "))}
      onBlur={() => void store()}
      onKeyDown={(event) => {
        if (event.key !== "Enter") return;
        event.preventDefault();
        event.currentTarget.blur();
        onEnter();
      }}
    />
  );
}
