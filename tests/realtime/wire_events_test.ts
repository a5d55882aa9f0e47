/** What the wire's types say a client may send is what the server takes. */
import assert from "node:assert/strict";
import type * as v from "valibot";
import { connect as connectClient } from "../../lib/client/connect.ts";
import type { ClientEventName, PayloadOf } from "../../lib/protocol/wire_events.ts";
import { ChannelEventSchema, JoinChannelsSchema } from "../../lib/realtime/channel_payloads.ts";
import {
  AwarenessSchema,
  DocumentSchema,
  DocumentStateSchema,
  DocumentUpdateSchema,
  JoinDocumentSchema,
  JoinNoteSchema,
} from "../../lib/realtime/document_payloads.ts";
import {
  ChatEventSchema,
  ChatFollowSchema,
  ChatResumeSchema,
  HeartbeatSchema,
  UsageSchema,
  UserJoinSchema,
  UsersWatchSchema,
} from "../../lib/realtime/payloads.ts";
import { connect, signUp, startServer } from "../support/server.ts";

const SCHEMAS = {
  "user-join": UserJoinSchema,
  heartbeat: HeartbeatSchema,
  usage: UsageSchema,
  "users:watch": UsersWatchSchema,
  "join-channels": JoinChannelsSchema,
  "join-note": JoinNoteSchema,
  "events:channel": ChannelEventSchema,
  "events:chat": ChatEventSchema,
  "chat:resume": ChatResumeSchema,
  "chat:follow": ChatFollowSchema,
  "ydoc:document:join": JoinDocumentSchema,
  "ydoc:document:state": DocumentStateSchema,
  "ydoc:document:update": DocumentUpdateSchema,
  "ydoc:document:leave": DocumentSchema,
  "ydoc:awareness:update": AwarenessSchema,
} satisfies Record<ClientEventName, v.GenericSchema>;

/** Events whose payload the server's schema would refuse; the test does not compile if there is one. */
type Refused = {
  [E in ClientEventName]: PayloadOf<E> extends v.InferInput<typeof SCHEMAS[E]> ? never : E;
}[ClientEventName];
const isTaken: [Refused] extends [never] ? true : Refused = true;

Deno.test("the server knows every event that a client may send, and takes its payload", async () => {
  assert.ok(isTaken);
  await using app = await startServer();
  const ada = await signUp(app.url);
  await using client = await connect(app.url, ada.token);
  for (const name of Object.keys(SCHEMAS)) {
    const answer = await client.socket.emitWithAck(name, 7);
    assert.notEqual(answer.error?.message, "There is no such event.", name);
  }
  const { error } = await client.socket.emitWithAck("no:such", 7);
  assert.equal(error.message, "There is no such event.");
});

/** Never called: it only has to be wrong where it says so. */
export function mistakes(connection: ReturnType<typeof connectClient>): void {
  // @ts-expect-error There is no such event.
  connection.send("ydoc:document:joins", { document_id: "note:n" });
  // @ts-expect-error A document has a name.
  connection.send("ydoc:document:leave", {});
  // @ts-expect-error A stream's channel is named by the server.
  connection.send("a:b:c", { done: true });
  // @ts-expect-error Nothing of that name is told.
  connection.on("event", () => {});
}
