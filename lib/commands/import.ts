/** `deno task import`: see the usage. */
import { quotaLimits } from "../app/own_data.ts";
import { openStore } from "../app/store.ts";
import { AppError } from "../common/errors.ts";
import { readDatabaseUrl } from "../openwebui/database_url.ts";
import type { Database } from "../openwebui/database.ts";
import { importOpenWebui } from "../transfer/open_webui.ts";
import { importLines, linesOf, type NumberedLine } from "../transfer/transfer.ts";
import { UserQuotas } from "../quotas/user_quotas.ts";
import { holdingsCounter } from "./imported_holdings.ts";
import { commandLogger, configOfServer, runCommand, tell } from "./command.ts";
import { Progress } from "./progress.ts";

async function openDatabase(named: string | undefined): Promise<Database> {
  const url = named ?? Deno.env.get("DATABASE_URL");
  if (url === undefined) {
    throw new AppError(
      "invalid_payload",
      "Where is Open WebUI's database? Name its file, or set DATABASE_URL as Open WebUI has it.",
    );
  }
  const address = url.includes("://")
    ? readDatabaseUrl(url)
    : { kind: "sqlite" as const, path: url };
  if (address.kind === "sqlite") {
    const { SqliteDatabase } = await import("../openwebui/sqlite_database.ts");
    return await SqliteDatabase.open(address.path);
  }
  const { PostgresDatabase } = await import("../openwebui/postgres_database.ts");
  const schema = Deno.env.get("DATABASE_SCHEMA");
  return new PostgresDatabase({ url: address.url, ...(schema && { schema }) });
}

async function* fileLines(file: string): AsyncGenerator<NumberedLine> {
  if (file === "-") return yield* linesOf(Deno.stdin.readable);
  try {
    using opened = await Deno.open(file);
    yield* linesOf(opened.readable);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    throw new AppError("not_found", `There is no file ${file}.`);
  }
}

await runCommand({
  usage: `
deno task import [--beyond-quotas] FILE
deno task import [--beyond-quotas] --open-webui [DATABASE]

Puts what \`deno task export\` has written into the store; or what Open WebUI has in its database: its
users, groups, chats, notes and channels. What is in the store already stays as it is, so an import
that was cut short is simply done again.

  FILE          an export, or - for standard input
  --open-webui  import from Open WebUI instead; the database is only read
  --beyond-quotas
                go on where somebody gets more than the QUOTA_ variables let them have: what is
                imported counts, so that they can add nothing until they have deleted some
  DATABASE      its file (webui.db) or URL; default: the variable DATABASE_URL, which, unlike an
                argument, other accounts of this machine don't see

The store is the one that a server with the same variables has: DENO_KV_PATH, or WEBSOCKET_MANAGER=redis
with WEBSOCKET_REDIS_URL. From one to the other: export with the variables of the one, import with those
of the other.`,
  options: { "open-webui": { type: "boolean" }, "beyond-quotas": { type: "boolean" } },
  arguments: { least: 0, most: 1 },
  async run([name], options) {
    const isOpenWebui = options["open-webui"] === true;
    if (!isOpenWebui && name === undefined) {
      throw new AppError("invalid_payload", "Which file? `deno task import --help` says more.");
    }
    await using database = isOpenWebui ? await openDatabase(name) : undefined;
    const config = configOfServer();
    const { store } = await openStore(config, commandLogger);
    await using _ = store;
    const progress = new Progress("records");
    const lines = database ? importOpenWebui(database, tell) : fileLines(name ?? "");
    const { added, present } = await importLines(store, lines, {
      logger: commandLogger,
      onAdded: holdingsCounter({
        quotas: new UserQuotas(store, quotaLimits(config)),
        isLimited: options["beyond-quotas"] !== true,
      }),
      onProgress: (counts) => progress.at(counts.added + counts.present),
    });
    tell(`${progress.of(added + present)}: ${added} new, ${present} that were here already`);
  },
});
