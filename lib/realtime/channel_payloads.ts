/** Payloads of channels' events (docs/protocol.md, section 4). */
import * as v from "valibot";
import { IdSchema } from "../protocol/schemas/chat.ts";

export const ChannelEventSchema = v.object({
  channel_id: IdSchema,
  message_id: v.nullish(IdSchema),
  data: v.object({
    type: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
    data: v.nullish(v.looseObject({ typing: v.optional(v.boolean()) })),
  }),
});

/** The token is checked when a session begins: what a client sends again is not looked at. */
export const JoinChannelsSchema = v.nullish(v.looseObject({}));
