import assert from "node:assert/strict";
import type { Channel } from "../../lib/protocol/channel.ts";
import { type Person, signUp, startServer } from "../support/server.ts";
import { post } from "./fixture.ts";

type Role = "stranger" | "reader" | "writer" | "owner" | "admin";

/** What each may do with a message that the owner has written: the status of the answer. */
const TABLE: Record<string, [method: string, path: string, body: unknown, Record<Role, number>]> = {
  "reads": ["GET", "", undefined, {
    ...{ stranger: 404, reader: 200, writer: 200, owner: 200, admin: 200 },
  }],
  "notes that it is read": ["POST", "/read", {}, {
    ...{ stranger: 404, reader: 200, writer: 200, owner: 200, admin: 200 },
  }],
  "says something": ["POST", "/post", { content: "hello" }, {
    ...{ stranger: 404, reader: 403, writer: 200, owner: 200, admin: 200 },
  }],
  "reacts": ["POST", "/:id/reactions/add", { name: "👍" }, {
    ...{ stranger: 404, reader: 403, writer: 200, owner: 200, admin: 200 },
  }],
  "takes a reaction back": ["POST", "/:id/reactions/remove", { name: "👍" }, {
    ...{ stranger: 404, reader: 403, writer: 200, owner: 200, admin: 200 },
  }],
  "pins": ["POST", "/:id/pin", { is_pinned: true }, {
    ...{ stranger: 404, reader: 403, writer: 200, owner: 200, admin: 200 },
  }],
  "changes": ["POST", "/:id/update", { content: "changed" }, {
    ...{ stranger: 404, reader: 403, writer: 403, owner: 200, admin: 200 },
  }],
  "deletes": ["DELETE", "/:id/delete", undefined, {
    ...{ stranger: 404, reader: 403, writer: 403, owner: 200, admin: 200 },
  }],
};

Deno.test("M: who may do what in a channel: each operation, each role", async () => {
  await using app = await startServer();
  const admin = await signUp(app.url);
  const [owner, reader, writer, stranger] = [
    await signUp(app.url),
    await signUp(app.url),
    await signUp(app.url),
    await signUp(app.url),
  ];
  const grant = ({ id }: Person, permission: string) => ({
    ...{ principal_type: "user", principal_id: id, permission },
  });
  const channel = await admin.json<Channel>("POST", "/api/v1/channels/create", {
    name: "team",
    access_grants: [
      ...["read", "write"].flatMap((one) => [grant(owner, one), grant(writer, one)]),
      grant(reader, "read"),
    ],
  });
  const people: Record<Role, Person> = { stranger, reader, writer, owner, admin };
  const found: Record<string, unknown> = {};
  const wanted: Record<string, unknown> = {};
  for (const [what, [method, path, body, statuses]] of Object.entries(TABLE)) {
    for (const [role, person] of Object.entries(people) as [Role, Person][]) {
      const { id } = await post(owner, channel.id, `for the ${role}`);
      const at = `/api/v1/channels/${channel.id}/messages${path.replace(":id", id)}`;
      found[`${role} ${what}`] = await person.status(method, at, body);
      wanted[`${role} ${what}`] = statuses[role];
    }
  }
  assert.deepEqual(found, wanted);
});
