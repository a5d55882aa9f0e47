import assert from "node:assert/strict";
import type { App } from "../../lib/app.ts";
import type { Channel } from "../../lib/protocol/channel.ts";
import { inModes } from "../support/instances.ts";
import { type Person, signUp, startServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { connectToChannels, makeGroup, post } from "./fixture.ts";

/** How soon a change must be in force everywhere. */
const SOON = { limitMs: 10_000, everyMs: 20 };

/** Whether a session of the person is in the room, on that instance. */
function isIn({ sockets: { io } }: App, person: Person, channelId: string): boolean {
  return [...io.sockets.adapter.rooms.get(`channel:${channelId}`) ?? []].some((sid) =>
    io.sockets.sockets.get(sid)?.data.session?.user.id === person.id
  );
}

async function follow(near: App, far: App): Promise<void> {
  const [admin, ada, bob] = [
    await signUp(near.url),
    await signUp(near.url),
    await signUp(near.url),
  ];
  await using tab = await connectToChannels(far.url, bob.token);

  const team = await makeGroup(ada, []);
  const members = (action: string) =>
    ada.json("POST", `/api/v1/channels/${team.id}/update/members/${action}`, {
      user_ids: [bob.id],
    });
  await post(ada, team.id, "before");
  await members("add");
  await until(() => isIn(far, bob, team.id), { ...SOON, what: "the new member to join" });
  await until(() => tab.of("channel:created").length === 1, SOON);
  await post(ada, team.id, "with bob");
  await until(() => tab.of("message").length === 1, SOON);
  await members("remove");
  await until(() => !isIn(far, bob, team.id), { ...SOON, what: "the member to be out" });
  await post(ada, team.id, "without bob");
  await members("add");
  await until(() => isIn(far, bob, team.id), SOON);
  await post(ada, team.id, "with bob again");
  await until(() => tab.of("message").length === 2, SOON);

  const group = await admin.json<{ id: string }>("POST", "/api/v1/groups/create", {
    name: "writers",
  });
  const shared = await admin.json<Channel>("POST", "/api/v1/channels/create", {
    name: "writing",
    access_grants: [{ principal_type: "group", principal_id: group.id, permission: "write" }],
  });
  const inGroup = (action: string) =>
    admin.json("POST", `/api/v1/groups/id/${group.id}/users/${action}`, { user_ids: [bob.id] });
  assert.ok(!isIn(far, bob, shared.id));
  await inGroup("add");
  await until(() => isIn(far, bob, shared.id), { ...SOON, what: "the group to be let in" });
  await inGroup("remove");
  await until(() => !isIn(far, bob, shared.id), { ...SOON, what: "the group to be out" });
  await inGroup("add");
  await until(() => isIn(far, bob, shared.id), SOON);
  await admin.json("DELETE", `/api/v1/groups/id/${group.id}/delete`);
  await until(() => !isIn(far, bob, shared.id), { ...SOON, what: "the deleted group to be out" });

  const open = await admin.json<Channel>("POST", "/api/v1/channels/create", { name: "open" });
  await until(() => isIn(far, bob, open.id), { ...SOON, what: "the public channel" });
  await admin.json("DELETE", `/api/v1/channels/${open.id}/delete`);
  await until(() => !isIn(far, bob, open.id), { ...SOON, what: "the end of the channel" });
}

Deno.test("A1: who is let into a channel is in it at once, and who is sent out is out", async () => {
  await using app = await startServer();
  await follow(app, app);
});

inModes(
  ["redis", "kvconnect"],
  "A1: the same on another instance, in under two seconds",
  ({ a, b }) => follow(a, b),
);

Deno.test("adding and removing at once leaves the rooms as the store has it", async () => {
  await using app = await startServer();
  const [ada, bob] = [await signUp(app.url), await signUp(app.url)];
  const team = await makeGroup(ada, []);
  await using tab = await connectToChannels(app.url, bob.token);
  for (let round = 0; round < 10; round++) {
    await Promise.all(
      ["add", "remove", "add", "remove"].map((action) =>
        ada.json("POST", `/api/v1/channels/${team.id}/update/members/${action}`, {
          user_ids: [bob.id],
        })
      ),
    );
    const mayEnter = await bob.status("GET", `/api/v1/channels/${team.id}`) === 200;
    await until(() => isIn(app, bob, team.id) === mayEnter, { what: `round ${round}` });
  }
  assert.ok(tab.socket.connected);
});

Deno.test("A1: the same on two instances that share a KV file", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const env = { DENO_KV_PATH: `${folder}/kv` };
    await using near = await startServer(env);
    await using far = await startServer(env);
    await follow(near, far);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
