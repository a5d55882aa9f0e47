import { type Clock, systemClock } from "../common/clock.ts";
import type { PublicUser, User } from "../protocol/user.ts";

export interface UserDirectoryOptions {
  users: {
    page(options: { limit: number; cursor?: string }): Promise<
      { users: User[]; cursor: string | undefined }
    >;
  };
  clock?: Clock;
}

interface Entry {
  person: PublicUser;
  /** Without accents and capitals. */
  name: string;
}

/** Who signed up after so many is not found by name. */
const MAX_PEOPLE = 20_000;
const PAGE = 200;
/** How long the names that were read are believed, at least. */
const FRESH_MS = 5_000;
/** A reading that takes long is done the less often. */
const REST = 20;

/**
 * Finds people by name, for whoever may enter: names and ids, and no address. It reads everybody when
 * it is asked, and again when that is too old; while nobody asks it does nothing.
 */
export class UserDirectory {
  readonly #users: UserDirectoryOptions["users"];
  readonly #clock: Clock;
  #entries: Promise<readonly Entry[]> | undefined;
  #endMs = 0;

  constructor({ users, clock = systemClock }: UserDirectoryOptions) {
    this.#users = users;
    this.#clock = clock;
  }

  /**
   * Those whose names have the text, or begin with it, which come first; of an empty text the first
   * by name. Nobody who waits to be let in is among them.
   */
  async search(text: string, limit: number): Promise<PublicUser[]> {
    const wanted = folded(text.trim());
    const found = (await this.#fresh())
      .map((entry) => ({ ...entry, rank: rankOf(entry.name, wanted) }))
      .filter(({ rank }) => rank >= 0);
    found.sort((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    return found.slice(0, limit).map(({ person }) => person);
  }

  #fresh(): Promise<readonly Entry[]> {
    const now = this.#clock.nowMs();
    if (this.#entries && now < this.#endMs) return this.#entries;
    const reading = this.#read();
    this.#entries = reading;
    // Who asks meanwhile waits for the same reading.
    this.#endMs = Infinity;
    reading.then(() => {
      const endedMs = this.#clock.nowMs();
      this.#endMs = endedMs + Math.max(FRESH_MS, REST * (endedMs - now));
    }, () => {
      this.#entries = undefined;
    });
    return reading;
  }

  async #read(): Promise<Entry[]> {
    const entries: Entry[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.#users.page({ limit: PAGE, ...(cursor !== undefined && { cursor }) });
      for (const { id, name, role } of page.users) {
        if (role !== "pending") entries.push({ person: { id, name, role }, name: folded(name) });
      }
      cursor = page.cursor;
    } while (cursor !== undefined && entries.length < MAX_PEOPLE);
    return entries;
  }
}

const folded = (text: string) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** The lower the nearer; below nought: not at all. */
function rankOf(name: string, wanted: string): number {
  if (name.startsWith(wanted)) return 0;
  if (name.includes(` ${wanted}`)) return 1;
  return name.includes(wanted) ? 2 : -1;
}
