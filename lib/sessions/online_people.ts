import { sharedReading } from "../common/shared_reading.ts";
import { keys } from "../state/key_space.ts";
import type { StateStore } from "../state/state_store.ts";

/** How long a look at all sessions counts at least, in milliseconds. */
const FRESH_MS = 1_000;

/** Reads who has a session, on all instances: the ids of users, each once. Those who ask at once share it. */
export function onlinePeople(store: StateStore): () => Promise<ReadonlySet<string>> {
  return sharedReading(async () => {
    const people = new Set<string>();
    for await (const page of store.dictionary(keys.sessionPool).scan()) {
      for (const [, { id }] of page) people.add(id);
    }
    return people;
  }, { freshMs: FRESH_MS });
}
