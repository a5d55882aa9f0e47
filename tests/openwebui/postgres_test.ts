import assert from "node:assert/strict";
import { postgresAvailable, PostgresServer } from "../support/postgres_server.ts";
import { databaseContract } from "./database_contract.ts";
import { type Fixture, postgresFixture, type Version } from "./fixture.ts";

const ignore = !postgresAvailable();
let server: Promise<PostgresServer> | undefined;
const running = () => server ??= PostgresServer.start();
Deno.test.afterAll(async () => await (await server)?.[Symbol.asyncDispose]());

const open = async (version?: Version): Promise<Fixture> =>
  await postgresFixture(await running(), version);
databaseContract("Postgres", open, { ignore });

Deno.test({
  name: "Postgres: no query is compiled, which would take a second or more for each",
  ignore,
  async fn() {
    await using fixture = await open();
    const rows = await fixture.database.query("SHOW jit");
    assert.deepEqual(rows.map(({ jit }) => jit), ["off"]);
  },
});

Deno.test({
  name: "Postgres: a server that ended and came back is used again",
  ignore,
  async fn() {
    const own = await running();
    await using fixture = await postgresFixture(own);
    await fixture.insert("note", { id: "n", user_id: "ada" });
    await own.restart();
    const rows = await fixture.database.query("SELECT id FROM note")
      .catch(() => fixture.database.query("SELECT id FROM note"));
    assert.deepEqual(rows.map(({ id }) => id), ["n"]);
  },
});
