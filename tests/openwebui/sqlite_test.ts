import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { SqliteDatabase } from "../../lib/openwebui/sqlite_database.ts";
import { databaseContract } from "./database_contract.ts";
import { sqliteFixture } from "./fixture.ts";

databaseContract("SQLite", sqliteFixture);

Deno.test("SQLite: a file that is not there is named, and not made", async () => {
  const path = `${await Deno.makeTempDir()}/none.db`;
  await assert.rejects(SqliteDatabase.open(path), { code: "unavailable", message: /none\.db/ });
  await assert.rejects(Deno.stat(path));
});

Deno.test("SQLite: another process that writes is waited for, and others go on", async () => {
  await using fixture = await sqliteFixture();
  const path = fixture.url.slice("sqlite:///".length);
  await fixture.insert("note", { id: "n", user_id: "ada" });
  const python = new DatabaseSync(path);
  python.exec("BEGIN IMMEDIATE");
  const write = fixture.database.query("UPDATE note SET user_id = 'bob' RETURNING id");
  // The thread waits for the lock, and this one does not.
  await new Promise((resolve) => setTimeout(resolve, 0));
  python.exec("COMMIT");
  assert.deepEqual((await write).map(({ id }) => id), ["n"]);
  python.close();
});

Deno.test("SQLite: a query that it refuses says so, without its text", async () => {
  await using fixture = await sqliteFixture();
  await assert.rejects(fixture.database.query("SELECT nothing FROM nowhere"), {
    code: "unavailable",
    message: "Open WebUI's database refused a query.",
  });
  assert.equal((await fixture.database.query("SELECT 1 AS one")).length, 1);
});
