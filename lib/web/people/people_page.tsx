import { messageOf } from "../../client/errors.ts";
import { useOnline } from "../../client/react/use_presence.ts";
import { useStore } from "../../client/react/use_store.ts";
import type { Role, User } from "../../protocol/user.ts";
import type { AppSession } from "../app_session.ts";
import { confirm } from "../ui/dialogs.tsx";
import { EmptyState, Loading } from "../ui/states.tsx";
import { when } from "../ui/times.ts";
import { toast } from "../ui/toasts.tsx";
import { OnlineMark } from "./here.tsx";
import type { PeopleList } from "./people_list.ts";
import { PersonPicture } from "./person_picture.tsx";

const ROLES: Record<Role, string> = { pending: "Waits", user: "User", admin: "Admin" };

interface PeoplePageProps {
  session: AppSession;
  list: PeopleList;
}

/** Who has an account here, and who waits for one: admins let in, change roles, and delete. */
export function PeoplePage({ session, list }: PeoplePageProps) {
  const { people, hasMore } = useStore(list);
  const waiting = people?.filter(({ role }) => role === "pending") ?? [];
  const others = people?.filter(({ role }) => role !== "pending") ?? [];
  const online = useOnline(others.map(({ id }) => id));
  const actions = { session, online, change: changer(session) };
  return (
    <main tabIndex={-1}>
      <h1 class="bar">People</h1>
      <div class="scroll" tabIndex={0} role="region" aria-label="People">
        <div class="sheet">
          {!people && <Loading what="people" />}
          {people && (
            <section class="card" aria-labelledby="waiting-title">
              <h2 id="waiting-title">
                Waiting to be let in {waiting.length > 0 && <b class="badge">{waiting.length}</b>}
              </h2>
              <p class="hint" role="status">
                {waiting.length === 0
                  ? "Nobody waits. Who signs up appears here at once."
                  : "They have an account, and can't get in before you let them."}
              </p>
              <ul class="people-list">
                {waiting.map((user) => <Waiting key={user.id} user={user} {...actions} />)}
              </ul>
            </section>
          )}
          {people && (
            <section class="card" aria-labelledby="people-title">
              <h2 id="people-title">Everybody</h2>
              {others.length === 0 && <EmptyState icon="people" title="Nobody yet" />}
              <ul class="people-list">
                {others.map((user) => <Person key={user.id} user={user} {...actions} />)}
              </ul>
              {hasMore && (
                <button type="button" class="quiet" onClick={() => void list.more()}>
                  Who signed up before
                </button>
              )}
            </section>
          )}
        </div>
      </div>
    </main>
  );
}

interface RowProps {
  session: AppSession;
  user: User;
  online: ReadonlySet<string>;
  change: ReturnType<typeof changer>;
}

function Waiting({ user, change }: RowProps) {
  return (
    <li>
      <Who user={user} />
      <button
        type="button"
        class="primary"
        aria-label={`Let in ${user.name}`}
        onClick={() => void change.role(user, "user")}
      >
        Let in
      </button>
      <button
        type="button"
        class="quiet"
        aria-label={`Turn away ${user.name}`}
        onClick={() => void change.remove(user)}
      >
        Turn away
      </button>
    </li>
  );
}

function Person({ session, user, online, change }: RowProps) {
  const isMe = user.id === session.me.id;
  return (
    <li>
      <Who user={user} isOnline={online.has(user.id)} />
      <select
        aria-label={`Role of ${user.name}`}
        value={user.role}
        disabled={isMe}
        onChange={async (event) => {
          const { currentTarget: choice } = event;
          const isDone = await change.role(user, choice.value as Role);
          if (!isDone) choice.value = user.role;
        }}
      >
        {Object.entries(ROLES).map(([role, name]) => <option key={role} value={role}>{name}
        </option>)}
      </select>
      <button
        type="button"
        class="quiet danger"
        aria-label={`Delete ${user.name}`}
        disabled={isMe}
        onClick={() => void change.remove(user)}
      >
        Delete
      </button>
    </li>
  );
}

function Who({ user, isOnline = false }: { user: User; isOnline?: boolean }) {
  const { id, name, email, profile_image_url, last_active_at } = user;
  return (
    <>
      <PersonPicture id={id} name={name} url={profile_image_url} />
      <span class="who">
        <strong dir="auto">
          {name} <OnlineMark isOnline={isOnline} />
        </strong>
        <span class="hint">
          {email}, {isOnline ? "here now" : `last here ${when(last_active_at)}`}
        </span>
      </span>
    </>
  );
}

/** What admins do to people. Nothing rejects; each says whether it was done. */
function changer({ api }: AppSession) {
  const attempt = async (work: () => Promise<unknown>, done: string): Promise<boolean> => {
    try {
      await work();
      toast(done, "success");
      return true;
    } catch (thrown) {
      toast(messageOf(thrown), "error");
      return false;
    }
  };
  return {
    async role({ id, name, role: before }: User, role: Role): Promise<boolean> {
      const isSure = role !== "admin" || await confirm({
        title: `Make ${name} an admin?`,
        message: "Admins see who is here, let people in, and can take your role away.",
        yes: "Make admin",
      });
      if (!isSure) return false;
      return await attempt(
        () => api("POST /api/v1/users/{id}/update", { params: { id }, body: { role } }),
        before === "pending" ? `${name} is in.` : `${name}: ${ROLES[role]}.`,
      );
    },
    async remove({ id, name, role }: User): Promise<boolean> {
      const isWaiting = role === "pending";
      const isSure = await confirm({
        title: isWaiting ? `Turn ${name} away?` : `Delete ${name}?`,
        message: isWaiting
          ? "The account is deleted; they may sign up again."
          : "They are signed out at once, and their chats are deleted. This can't be taken back.",
        yes: isWaiting ? "Turn away" : "Delete",
        isDanger: true,
      });
      if (!isSure) return false;
      return await attempt(
        () => api("DELETE /api/v1/users/{id}", { params: { id } }),
        `${name} is deleted.`,
      );
    },
  };
}
