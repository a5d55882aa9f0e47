import postgres from "postgres";
import { decodeJwt, SignJWT } from "jose";
import { Person } from "../person.ts";
import { SECRET, type World } from "../world.ts";

/**
 * People as signing up would have made them, each with a token: rows like the admin's in Open WebUI's
 * own tables, as a sign-up costs a third of a second each.
 */
export async function inviteGuests(world: World, count: number): Promise<Person[]> {
  const sql = postgres(world.databaseUrl, { max: 1 });
  try {
    for (const table of ["user", "auth"]) {
      await sql.unsafe(
        `INSERT INTO "${table}"
         SELECT (jsonb_populate_record(one, jsonb_build_object(
           'id', 'guest-' || n, 'email', 'guest-' || n || '@example.com', 'name', 'Guest ' || n,
           'username', null, 'role', 'user', 'last_active_at', 0))).*
         FROM "${table}" one, generate_series(0, $1 - 1) n WHERE one.id = $2
         ON CONFLICT DO NOTHING`,
        [count, world.admin.id],
      );
    }
  } finally {
    await sql.end();
  }
  const claims = decodeJwt(world.admin.token);
  const key = new TextEncoder().encode(SECRET);
  return await Promise.all(Array.from({ length: count }, async (_, n) => {
    const id = `guest-${n}`;
    const token = await new SignJWT({ ...claims, id, jti: crypto.randomUUID() })
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .sign(key);
    return new Person(world.url, { id, name: `Guest ${n}`, email: `${id}@example.com`, token });
  }));
}

/** What the database has been asked for and has changed since it was made. */
export async function databaseWork(
  { databaseUrl }: Pick<World, "databaseUrl">,
): Promise<{ transactions: number; userWrites: number }> {
  const sql = postgres(databaseUrl, { max: 1 });
  try {
    const [row] = await sql.unsafe(
      `SELECT (SELECT xact_commit + xact_rollback FROM pg_stat_database
                WHERE datname = current_database()) AS transactions,
              (SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'user') AS writes`,
    );
    return { transactions: Number(row?.["transactions"]), userWrites: Number(row?.["writes"]) };
  } finally {
    await sql.end();
  }
}
