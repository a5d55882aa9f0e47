import * as v from "valibot";
import { AppError } from "../common/errors.ts";
import { event, type EventDefinition } from "./dispatcher.ts";

/** Encrypted channels need a relay that is Open WebUI's own: clients are told so, and need not wait. */
const NO_ENCRYPTION = { ok: false, error: "Encrypted channels are not available on this server." };

const refused = event({ schema: v.unknown(), handle: () => NO_ENCRYPTION });

/** Hands a line of a model that runs in a browser to whichever of Python's processes waits for it. */
type Relay = (channel: string, line: unknown) => Promise<void>;

/**
 * The events of Open WebUI's browser client whose names are made at run time: streams of models that
 * run in the browser (`{user}:{session}:{request}`), and encryption.
 */
export function openWebUiEvents(relay: Relay): (name: string) => EventDefinition | undefined {
  return (name) => {
    if (name.startsWith("encryption:")) return refused;
    const [userId, sid, request, ...more] = name.split(":");
    if (!userId || !sid || request === undefined || more.length > 0) return undefined;
    return event({
      schema: v.unknown(),
      async handle({ session }, line) {
        if (session.user.id !== userId) {
          throw new AppError("forbidden", "This stream belongs to somebody else.");
        }
        if (line !== undefined) await relay(name, line);
      },
    });
  };
}
