import type { CaughtUp } from "../../client/comeback.ts";
import type { Connection } from "../../client/connection.ts";
import { type Readable, Store } from "../../client/store.ts";
import type { User } from "../../protocol/user.ts";

export interface PeopleSnapshot {
  /** Who signed up last comes first; `undefined`: not loaded yet. */
  readonly people: readonly User[] | undefined;
  /** How many of them wait to be let in. */
  readonly waiting: number;
  readonly hasMore: boolean;
}

/** Everybody who has an account, as admins see it: read once, then each change is told. */
export class PeopleList implements Disposable, Readable<PeopleSnapshot> {
  readonly #connection: Connection;
  readonly #store = new Store<PeopleSnapshot>({ people: undefined, waiting: 0, hasMore: false });
  readonly #ends: (() => void)[];
  #cursor: string | undefined;
  #last: Promise<unknown> = Promise.resolve();
  /** What was told while the server was being asked: its answer may be older. */
  readonly #told = new Map<string, User | undefined>();

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#ends = [
      connection.onOnline(() => this.reload()),
      connection.on("missed", () => void this.reload()),
      connection.on("events:users", ({ type, user }) => {
        this.#tell(user.id, type === "deleted" ? undefined : user);
      }),
    ];
  }

  get snapshot(): PeopleSnapshot {
    return this.#store.snapshot;
  }

  readonly subscribe = (listener: () => void): () => void => this.#store.subscribe(listener);

  /** Reads the newest again. Never rejects: without a connection, what is known stays. */
  reload(): Promise<CaughtUp> {
    return this.#next(async () => {
      const { users, cursor } = await this.#page();
      this.#show(users, cursor ?? undefined);
    });
  }

  /** Reads who signed up before those; does nothing at the end. */
  more(): Promise<CaughtUp> {
    return this.#next(async () => {
      if (this.#cursor === undefined) return;
      const { users, cursor } = await this.#page(this.#cursor);
      const known = new Set(this.snapshot.people?.map(({ id }) => id));
      const further = users.filter(({ id }) => !known.has(id));
      this.#show([...this.snapshot.people ?? [], ...further], cursor ?? undefined);
    });
  }

  [Symbol.dispose](): void {
    for (const end of this.#ends) end();
  }

  #page(cursor?: string) {
    const query = { direction: "desc" as const, ...(cursor !== undefined && { cursor }) };
    return this.#connection.api("GET /api/v1/users/", { query });
  }

  #tell(id: string, told: User | undefined): void {
    this.#told.set(id, told);
    const { people } = this.snapshot;
    if (!people) return;
    const known = people.find((one) => one.id === id);
    const picture = told?.profile_image_url || known?.profile_image_url || "";
    const user = told && { ...told, profile_image_url: picture };
    this.#show(
      !user
        ? people.filter((one) => one.id !== id)
        : known
        ? people.map((one) => one.id === id ? user : one)
        : [user, ...people],
      this.#cursor,
    );
  }

  #show(people: readonly User[], cursor: string | undefined): void {
    this.#cursor = cursor;
    const waiting = people.filter(({ role }) => role === "pending").length;
    this.#store.set({ people, waiting, hasMore: cursor !== undefined });
  }

  #next(work: () => Promise<void>): Promise<CaughtUp> {
    const done = this.#last.then(async (): Promise<CaughtUp> => {
      this.#told.clear();
      await work();
      for (const [id, user] of [...this.#told]) this.#tell(id, user);
      return "whole";
    }).catch((): CaughtUp => "failed");
    this.#last = done;
    return done;
  }
}
