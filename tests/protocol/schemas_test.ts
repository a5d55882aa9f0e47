import assert from "node:assert/strict";
import type * as v from "valibot";
import type { AccessGrant } from "../../lib/protocol/access_grants.ts";
import type { ChannelBody, ChannelPatch, MessageBody } from "../../lib/protocol/channel.ts";
import type { ChatBody, PostedMessage } from "../../lib/protocol/chat.ts";
import type { GroupBody, GroupPatch } from "../../lib/protocol/group.ts";
import type { NoteBody, NotePatch } from "../../lib/protocol/note.ts";
import type { AccessGrantSchema } from "../../lib/protocol/schemas/access_grants.ts";
import type {
  ChannelBodySchema,
  ChannelPatchSchema,
  MessageBodySchema,
} from "../../lib/protocol/schemas/channel.ts";
import type { ChatBodySchema, ChatMessageSchema } from "../../lib/protocol/schemas/chat.ts";
import type { GroupBodySchema, GroupPatchSchema } from "../../lib/protocol/schemas/group.ts";
import type { NoteBodySchema, NotePatchSchema } from "../../lib/protocol/schemas/note.ts";
import type { RoleSchema } from "../../lib/protocol/schemas/user.ts";
import type { Role } from "../../lib/protocol/user.ts";

/** What passes the schema is what the type says, and the other way round. */
type Same<S extends v.GenericSchema, T> = [v.InferOutput<S>] extends [T]
  ? [T] extends [v.InferOutput<S>] ? true : false
  : false;

Deno.test("the types that clients see are those of the schemas on the server's edge", () => {
  // It does not compile when one of them is changed without the other.
  const same: [
    Same<typeof ChatMessageSchema, PostedMessage>,
    Same<typeof ChatBodySchema, ChatBody>,
    Same<typeof AccessGrantSchema, AccessGrant>,
    Same<typeof ChannelBodySchema, ChannelBody>,
    Same<typeof ChannelPatchSchema, ChannelPatch>,
    Same<typeof MessageBodySchema, MessageBody>,
    Same<typeof GroupBodySchema, GroupBody>,
    Same<typeof GroupPatchSchema, GroupPatch>,
    Same<typeof NoteBodySchema, NoteBody>,
    Same<typeof NotePatchSchema, NotePatch>,
    Same<typeof RoleSchema, Role>,
  ] = [true, true, true, true, true, true, true, true, true, true, true];
  assert.ok(same.every((each) => each));
});
