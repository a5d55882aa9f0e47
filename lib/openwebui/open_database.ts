import type { Database } from "./database.ts";
import { readDatabaseUrl } from "./database_url.ts";

/**
 * Opens the database that an Open WebUI's `DATABASE_URL` names. Each engine is loaded where it is used.
 *
 * @throws {AppError} `invalid_payload` for a database that can't be read here, `unavailable` when it
 * can't be opened
 */
export async function openDatabase(url: string, schema: string | undefined): Promise<Database> {
  const address = readDatabaseUrl(url);
  if (address.kind === "sqlite") {
    const { SqliteDatabase } = await import("./sqlite_database.ts");
    return await SqliteDatabase.open(address.path);
  }
  const { PostgresDatabase } = await import("./postgres_database.ts");
  return new PostgresDatabase({ url: address.url, ...(schema !== undefined && { schema }) });
}
