import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../../client/errors.ts";
import { useOnline } from "../../client/react/use_presence.ts";
import type { ChannelDetails, MemberOfChannel } from "../../protocol/http_routes.ts";
import type { PublicUser } from "../../protocol/user.ts";
import type { AppSession } from "../app_session.ts";
import { go } from "../route.ts";
import { confirm } from "../ui/dialogs.tsx";
import { Icon } from "../ui/icons.tsx";
import { Modal } from "../ui/modal.tsx";
import { Loading } from "../ui/states.tsx";
import { toast } from "../ui/toasts.tsx";
import { isMuted, setMuted } from "./channel_mutes.ts";
import { titleOf } from "./channel_names.ts";
import { Face } from "./face.tsx";
import { messagePerson } from "./message_person.ts";
import { OnlineMark } from "../people/here.tsx";
import { PeopleField } from "./people_field.tsx";
import { useMembers } from "./use_members.ts";

interface AboutDialogProps {
  session: AppSession;
  channel: ChannelDetails;
  onClose(): void;
}

const attempt = (work: Promise<unknown>) =>
  void work.catch((thrown) => toast(messageOf(thrown), "error"));

/** What a channel is about and who is in it; for who manages it, to be changed. */
export function AboutDialog({ session, channel, onClose }: AboutDialogProps) {
  const { id, type, is_manager: isManager } = channel;
  const title = titleOf(channel, session.me.id);
  const [isQuiet, setQuiet] = useState(() => isMuted(id));

  async function leave() {
    const isSure = await confirm({
      title: `Leave ${title}?`,
      message: "You see it again when somebody in it adds you.",
      yes: "Leave",
    });
    if (!isSure) return;
    const body = { user_ids: [session.me.id] };
    await session.api("POST /api/v1/channels/{id}/update/members/remove", { params: { id }, body });
    onClose();
    go("chat");
  }

  async function remove() {
    const isSure = await confirm({
      title: `Delete ${title}?`,
      message: "All that was said in it is gone, for everybody.",
      yes: "Delete",
      isDanger: true,
    });
    if (!isSure) return;
    await session.api("DELETE /api/v1/channels/{id}/delete", { params: { id } });
    onClose();
    go("chat");
  }

  return (
    <Modal label={`About ${title}`} class="about" onClose={onClose}>
      <div class="about-head">
        <h2>{title}</h2>
        <button type="button" class="icon-button" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      <p class="hint">{whoSees(channel)}</p>
      {isManager
        ? <NameForm key={channel.updated_at} session={session} channel={channel} />
        : channel.description && <p>{channel.description}</p>}
      <label class="row">
        <input
          type="checkbox"
          checked={isQuiet}
          onChange={(event) => {
            setMuted(id, event.currentTarget.checked);
            setQuiet(event.currentTarget.checked);
          }}
        />
        <span>
          Muted in this browser
          <small>Only what mentions you is told aloud.</small>
        </span>
      </label>
      {type !== null && <Members session={session} channel={channel} />}
      <div class="buttons">
        {type === "group" && (
          <button type="button" class="quiet" onClick={() => attempt(leave())}>Leave</button>
        )}
        {isManager && (
          <button type="button" class="quiet danger" onClick={() => attempt(remove())}>
            Delete channel
          </button>
        )}
      </div>
    </Modal>
  );
}

function whoSees({ type, access_grants: grants }: ChannelDetails): string {
  if (type === "dm") return "A direct conversation: only who is in it sees it.";
  if (type === "group") return "Private: only who is in it sees it.";
  return grants.some(({ principal_id }) => principal_id === "*")
    ? "Public: everybody on this server sees it."
    : "Open to those it was shared with.";
}

function NameForm({ session, channel: { id, name, description } }: {
  session: AppSession;
  channel: ChannelDetails;
}) {
  const [now, setNow] = useState({ name, description: description ?? "" });
  const isSame = now.name.trim() === name && now.description === (description ?? "");

  async function save() {
    const body = { name: now.name.trim(), description: now.description };
    await session.api("POST /api/v1/channels/{id}/update", { params: { id }, body });
    toast("Saved.", "success");
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (!isSame && now.name.trim() !== "") attempt(save());
      }}
    >
      <label class="field">
        Name
        <input
          maxLength={128}
          value={now.name}
          onInput={(event) => setNow({ ...now, name: event.currentTarget.value })}
        />
      </label>
      <label class="field">
        Description
        <textarea
          rows={2}
          maxLength={10_000}
          value={now.description}
          onInput={(event) => setNow({ ...now, description: event.currentTarget.value })}
        />
      </label>
      <div class="buttons">
        <button type="submit" class="quiet" disabled={isSame || now.name.trim() === ""}>
          Save
        </button>
      </div>
    </form>
  );
}

function Members({ session, channel }: { session: AppSession; channel: ChannelDetails }) {
  const { id, type, is_manager: isManager } = channel;
  const { members, total, more } = useMembers(session, id);
  const [people, setPeople] = useState<readonly PublicUser[]>([]);
  const [isAdding, setAdding] = useState(false);
  const mayAdd = isManager && type === "group";
  useEffect(() => setPeople([]), [id]);
  const online = useOnline(members?.map((member) => member.id) ?? []);

  async function add() {
    setAdding(true);
    const body = { user_ids: people.map((person) => person.id) };
    const params = { id };
    try {
      await session.api("POST /api/v1/channels/{id}/update/members/add", { params, body });
      setPeople([]);
    } finally {
      setAdding(false);
    }
  }

  const remove = ({ id: userId }: MemberOfChannel) =>
    session.api("POST /api/v1/channels/{id}/update/members/remove", {
      params: { id },
      body: { user_ids: [userId] },
    });

  return (
    <section aria-label="Members">
      <h3>{total === undefined ? "Members" : `${total} ${total === 1 ? "member" : "members"}`}</h3>
      {mayAdd && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (people.length > 0 && !isAdding) attempt(add());
          }}
        >
          <PeopleField
            session={session}
            label="Add people"
            chosen={people}
            onChange={setPeople}
            except={members?.map((member) => member.id) ?? []}
          />
          {people.length > 0 && (
            <div class="buttons">
              <button type="submit" class="primary" disabled={isAdding}>Add</button>
            </div>
          )}
        </form>
      )}
      {members === undefined && <Loading what="members" />}
      <ul class="members">
        {members?.map((member) => (
          <li key={member.id}>
            <Face id={member.id} name={member.name} />
            <span dir="auto">
              {member.name} <OnlineMark isOnline={online.has(member.id)} />
              {(member.id === channel.user_id || isManagerHere(member)) && type === "group" && (
                <small>manages it</small>
              )}
            </span>
            {member.id !== session.me.id && type !== "dm" && (
              <button
                type="button"
                class="quiet"
                onClick={() => attempt(messagePerson(session, member.id))}
              >
                Message <span class="sr-only">{member.name}</span>
              </button>
            )}
            {mayAdd && member.id !== session.me.id && (
              <button
                type="button"
                class="icon-button"
                aria-label={`Remove ${member.name}`}
                title={`Remove ${member.name}`}
                onClick={() => attempt(remove(member))}
              >
                <Icon name="close" />
              </button>
            )}
          </li>
        ))}
      </ul>
      {more && (
        <button type="button" class="quiet" onClick={() => attempt(more())}>Show more</button>
      )}
    </section>
  );
}

/** The role in the channel stands behind the one on the server, of which it has the name. */
const isManagerHere = ({ role }: { role: string }): boolean => role === "manager";
