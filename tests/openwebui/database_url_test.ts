import assert from "node:assert/strict";
import { readDatabaseUrl } from "../../lib/openwebui/database_url.ts";

Deno.test("DATABASE_URL is read as SQLAlchemy writes it, drivers' names ignored", () => {
  const sqlite = (path: string) => ({ kind: "sqlite", path });
  assert.deepEqual(
    readDatabaseUrl("sqlite:////app/backend/data/webui.db"),
    sqlite("/app/backend/data/webui.db"),
  );
  assert.deepEqual(readDatabaseUrl("sqlite:///data/webui.db?timeout=5"), sqlite("data/webui.db"));
  assert.deepEqual(readDatabaseUrl("sqlite+aiosqlite:////a.db"), sqlite("/a.db"));
  for (const scheme of ["postgres", "postgresql", "postgresql+psycopg2", "postgresql+asyncpg"]) {
    assert.deepEqual(readDatabaseUrl(`${scheme}://u:p@db:5432/w?sslmode=require`), {
      kind: "postgres",
      url: "postgres://u:p@db:5432/w?sslmode=require",
    });
  }
});

Deno.test("a database that can't be read here is refused by its scheme, without its password", () => {
  const refused = [
    "mysql://root:hunter2@db/w",
    "sqlite+sqlcipher:///hunter2.db",
    "sqlite://",
    "sqlite:///:memory:",
    "hunter2",
  ];
  for (const url of refused) {
    assert.throws(() => readDatabaseUrl(url), (thrown: Error & { code: string }) => {
      assert.equal(thrown.code, "invalid_payload");
      assert.doesNotMatch(thrown.message, /hunter2/);
      return true;
    });
  }
});
