import type { AppSession } from "../app_session.ts";
import type { Mentionable } from "./channel_mentions.ts";

/** People of whom one remembers the names. */
const MAX_KNOWN = 500;
const met = new WeakMap<AppSession, Map<string, Mentionable>>();

/** People whom a search or a channel has shown: their names may be typed, too. */
export function meet(session: AppSession, people: readonly { id: string; name: string }[]): void {
  const known = met.get(session) ?? new Map<string, Mentionable>();
  met.set(session, known);
  for (const { id, name } of people) {
    known.delete(id);
    known.set(id, { kind: "U", id, name });
  }
  for (const id of known.keys()) {
    if (known.size <= MAX_KNOWN) break;
    known.delete(id);
  }
}

/** The models of the server: whoever asks one, all see the answer. */
export const modelsOf = (session: AppSession): Mentionable[] =>
  session.models.value.filter(({ isDirect }) => !isDirect)
    .map(({ id, name }) => ({ kind: "M", id, name }));

/** Whom a text that was typed can mean: models, and people with a name that is nobody else's. */
export function mentionables(session: AppSession): Mentionable[] {
  const people = [...met.get(session)?.values() ?? []];
  const counts = new Map<string, number>();
  for (const { name } of people) {
    const key = name.toLowerCase();
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const alone = people.filter(({ name }) => counts.get(name.toLowerCase()) === 1);
  return [...modelsOf(session), ...alone];
}

/** Models and people whose names have the text. */
export async function findMentionables(session: AppSession, text: string): Promise<Mentionable[]> {
  const wanted = text.toLowerCase();
  const models = modelsOf(session).filter(({ name }) => name.toLowerCase().includes(wanted));
  const { users } = await session.api("GET /api/v1/users/search", { query: { query: text } });
  meet(session, users);
  return [...users.map(({ id, name }) => ({ kind: "U" as const, id, name })), ...models];
}
