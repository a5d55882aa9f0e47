import * as v from "valibot";
import type { InstanceRequests } from "../common/instance_requests.ts";

const TOPIC = "live-figures";
/** Who looks at what runs is not kept waiting by an instance that hangs. */
const TIMEOUT_MS = 1_000;

const count = v.number();
const RoomSchema = v.object({ name: v.string(), size: count });

/** What an instance knows of itself, for the admins' live view. Counters rise from its start. */
const FiguresSchema = v.object({
  /** How many sessions there are; those listed in `tabs` are some of them. */
  sessions: count,
  tabs: v.array(
    v.object({
      user_id: v.string(),
      user_name: v.string(),
      since: v.number(),
      /** What it looks at. */
      rooms: v.array(v.string()),
    }),
  ),
  rooms: v.array(RoomSchema),
  room_count: count,
  documents: count,
  streams: count,
  /** Answers that are being written. */
  answers: v.array(v.object({ task_id: v.string(), pieces: count })),
  events: count,
  packets_sent: count,
  bytes_sent: count,
  store_round_trips: count,
  lag: v.object({ sum_ms: count, count }),
  passing: v.array(
    v.object({ seq: count, at: count, event: v.string(), user_name: v.string() }),
  ),
});
export type InstanceFigures = v.InferOutput<typeof FiguresSchema>;

/** Answers other instances that ask for this one's figures. */
export function answerForFigures(
  requests: InstanceRequests,
  own: () => InstanceFigures,
): Disposable {
  return requests.handle(TOPIC, () => own());
}

/** Another instance's figures; `undefined` when it does not answer soon, or with something else. */
export async function askForFigures(
  requests: InstanceRequests,
  instanceId: string,
): Promise<InstanceFigures | undefined> {
  try {
    const answer = await requests.request(instanceId, TOPIC, null, { timeoutMs: TIMEOUT_MS });
    return v.is(FiguresSchema, answer) ? answer : undefined;
  } catch {
    return undefined;
  }
}
