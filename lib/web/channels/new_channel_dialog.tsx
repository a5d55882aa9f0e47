import { useState } from "preact/hooks";
import { messageOf } from "../../client/errors.ts";
import type { PublicUser } from "../../protocol/user.ts";
import type { AppSession } from "../app_session.ts";
import { go } from "../route.ts";
import { Modal } from "../ui/modal.tsx";
import { PeopleField } from "./people_field.tsx";

type Kind = "public" | "group" | "dm";

const KINDS: readonly { kind: Kind; label: string; hint: string }[] = [
  { kind: "public", label: "Public", hint: "Everybody on this server can read and write in it." },
  { kind: "group", label: "Private", hint: "Only who is in it sees it. You can add people later." },
  { kind: "dm", label: "Direct message", hint: "A conversation of one set of people." },
];

/** Makes a channel: a public one (admins), a private one, or a conversation with some people. */
export function NewChannelDialog({ session, onClose }: {
  session: AppSession;
  onClose(): void;
}) {
  const kinds = KINDS.filter(({ kind }) => kind !== "public" || session.me.role === "admin");
  const [kind, setKind] = useState<Kind>(kinds[0]?.kind ?? "group");
  const [name, setName] = useState("");
  const [people, setPeople] = useState<readonly PublicUser[]>([]);
  const [fault, setFault] = useState<string>();
  const isReady = kind === "dm" ? people.length > 0 : name.trim() !== "";

  async function create() {
    if (!isReady) return;
    const user_ids = people.map(({ id }) => id);
    const body = kind === "public"
      ? { name: name.trim() }
      : kind === "group"
      ? { type: "group" as const, name: name.trim(), is_private: true, user_ids }
      : { type: "dm" as const, name: "", user_ids };
    try {
      const channel = await session.api("POST /api/v1/channels/create", { body });
      session.channels.join();
      await session.channelList.reload();
      onClose();
      go("channel", channel.id);
    } catch (thrown) {
      setFault(messageOf(thrown));
    }
  }

  return (
    <Modal label="New channel" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void create();
        }}
      >
        <h2>New channel</h2>
        <fieldset class="kinds">
          <legend class="sr-only">Who it is for</legend>
          {kinds.map((one) => (
            <label key={one.kind}>
              <input
                type="radio"
                name="kind"
                checked={kind === one.kind}
                onChange={() => setKind(one.kind)}
              />
              <span>
                {one.label}
                <small>{one.hint}</small>
              </span>
            </label>
          ))}
        </fieldset>
        {kind !== "dm" && (
          <label class="field">
            Name of the new channel
            <input
              maxLength={128}
              value={name}
              placeholder="general"
              autofocus
              onInput={(event) => setName(event.currentTarget.value)}
            />
          </label>
        )}
        {kind !== "public" && (
          <PeopleField session={session} label="People" chosen={people} onChange={setPeople} />
        )}
        {fault && <p class="error" role="alert">{fault}</p>}
        <div class="buttons">
          <button type="button" class="quiet" onClick={onClose}>Cancel</button>
          <button type="submit" class="primary" disabled={!isReady}>
            {kind === "dm" ? "Write" : "Create"}
          </button>
        </div>
      </form>
    </Modal>
  );
}
