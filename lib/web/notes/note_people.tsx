import type { Editor } from "@tiptap/core";
import { useState } from "preact/hooks";
import type { Present } from "../../client/react/use_document.ts";
import { initialsOf } from "../ui/colours.ts";
import { Menu, type MenuItem } from "../ui/menu.tsx";
import { colourFrom } from "./note_collaboration.ts";
import { caretOf, headingAt, showPlace } from "./note_places.ts";

const MAX_FACES = 4;

/** Each person once, however many pages they have open; oneself last. */
function persons(people: readonly Present[]): Present[] {
  const found = new Map<string, Present>();
  for (const one of people) {
    const key = one.isMe ? "me" : one.user.id ?? `client ${one.clientId}`;
    if (!found.get(key)?.state["cursor"]) found.set(key, one);
  }
  return [...found.values()].sort((a, b) => Number(a.isMe) - Number(b.isMe));
}

/** Who has the note open; behind it, where each of them is, to be gone to. */
export function NotePeople({ people, editor }: {
  people: readonly Present[];
  editor: Editor | undefined;
}) {
  const [opener, setOpener] = useState<HTMLElement>();
  const here = persons(people);
  if (here.length === 0) return null;
  const nameOf = ({ isMe, user: { name } }: Present) => isMe ? "you" : String(name).slice(0, 80);

  function itemOf(one: Present): MenuItem {
    const name = nameOf(one);
    if (one.isMe) return { icon: "people", text: "You", act: () => editor?.commands.focus() };
    const at = editor && caretOf(editor, one.state);
    const heading = at === undefined ? "" : headingAt(editor as Editor, at);
    const where = at === undefined ? "reads" : heading ? `at “${heading}”` : "at the beginning";
    return {
      ...{ icon: "people", text: `${name}, ${where}` },
      act: () => at !== undefined && editor && showPlace(editor, at),
    };
  }

  return (
    <>
      <button
        type="button"
        class="people"
        aria-haspopup="menu"
        title="Who is here, and where"
        onClick={(event) => setOpener(event.currentTarget)}
      >
        <span class="sr-only">Here now: {here.map(nameOf).join(", ")}</span>
        {here.slice(0, MAX_FACES).map(({ clientId, user: { name, color } }) => (
          <span
            key={clientId}
            class="person"
            aria-hidden="true"
            style={{ background: colourFrom(color) }}
          >
            {initialsOf(String(name))}
          </span>
        ))}
        {here.length > MAX_FACES && (
          <span class="more" aria-hidden="true">+{here.length - MAX_FACES}</span>
        )}
      </button>
      {opener && (
        <Menu
          label="Who is here"
          opener={opener}
          items={here.map(itemOf)}
          onClose={() => setOpener(undefined)}
        />
      )}
    </>
  );
}
