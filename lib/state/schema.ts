/**
 * Which form the records of a store have: one number for the whole store. A server brings an older
 * store into its own form at the start, once, whichever instance is first, and refuses a newer one.
 * A field that is added needs no new version: what a record has beside its schema is kept.
 */
import { AppError } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import { pause } from "../common/pause.ts";
import { keys } from "./key_space.ts";
import { type Migration, MIGRATIONS } from "./migrations.ts";
import type { HeldLock, StateStore } from "./state_store.ts";

/** The version of this project, as `deno.json` has it. */
export const APP_VERSION = "0.1.0";
/** The form that this version of the project reads and writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

const LOCK_TTL_MS = 30_000;
const RENEW_EVERY_MS = 5_000;
const LOOK_EVERY_MS = 100;
const WATCH_EVERY_MS = 15_000;

export interface SchemaOptions {
  logger: Logger;
  /** Default: those of this version of the project. */
  migrations?: readonly Migration[];
}

/** The version of the store's form; 0: a store that is new, or from before there were versions. */
export async function schemaVersionOf({ values }: Pick<StateStore, "values">): Promise<number> {
  return (await values.get(keys.schema))?.version ?? 0;
}

/**
 * Says no to a store that a newer version has written.
 *
 * @throws {AppError} `conflict` naming both versions
 */
export async function requireKnownSchema(
  { values }: Pick<StateStore, "values">,
  known: number = SCHEMA_VERSION,
): Promise<void> {
  const found = await values.get(keys.schema);
  if (found === undefined || found.version <= known) return;
  throw new AppError(
    "conflict",
    `The store was written by a newer version: its records have the form ${found.version} ` +
      `(webui-realtime ${
        found.written_by || "unknown"
      }), and this version (${APP_VERSION}) knows ` +
      `up to ${known}. Start the newer version, or restore a backup from before it.`,
  );
}

/**
 * Brings the store into this version's form. Of several instances one does the work, the others wait
 * for it; what is cut short is done again by the next.
 *
 * @throws {AppError} `conflict` for a store that a newer version has written
 */
export async function migrate(
  store: StateStore,
  { logger, migrations = MIGRATIONS }: SchemaOptions,
): Promise<void> {
  const target = migrations.length;
  let isTold = false;
  while (true) {
    await requireKnownSchema(store, target);
    if (await schemaVersionOf(store) >= target) return;
    await using lock = await store.acquire(keys.migrationLock, { ttlMs: LOCK_TTL_MS });
    if (lock) return await runMigrations(store, migrations, lock, logger);
    if (!isTold) logger.info("another instance brings the store into this version's form: waiting");
    isTold = true;
    await pause(LOOK_EVERY_MS);
  }
}

async function runMigrations(
  store: StateStore,
  migrations: readonly Migration[],
  lock: HeldLock,
  logger: Logger,
): Promise<void> {
  // A lock that is lost all the same does no harm: each step may be done twice at once.
  const timer = setInterval(() => void lock.renew().catch(() => false), RENEW_EVERY_MS);
  try {
    for (let version = await schemaVersionOf(store); version < migrations.length; version++) {
      const { what, run } = migrations[version] as Migration;
      const began = performance.now();
      await run(store);
      const next = version + 1;
      await store.values.update(
        keys.schema,
        (now) => now && now.version >= next ? now : { version: next, written_by: APP_VERSION },
      );
      const tookMs = Math.round(performance.now() - began);
      logger.debug("the store's records have a newer form", { version: next, what, tookMs });
    }
  } finally {
    clearInterval(timer);
  }
}

/**
 * Looks every 15 s whether a newer version has brought the store into its form while this one runs:
 * then `onNewer` is called, once, and this server must write no more.
 */
export function watchSchema(
  store: StateStore,
  onNewer: (why: AppError) => void,
  everyMs: number = WATCH_EVERY_MS,
): Disposable {
  const look = async () => {
    try {
      await requireKnownSchema(store);
    } catch (thrown) {
      // A store that is away is others' to tell.
      if (!(thrown instanceof AppError) || thrown.code !== "conflict") return;
      clearInterval(timer);
      onNewer(thrown);
    }
  };
  const timer = setInterval(() => void look(), everyMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
