import type { SweepJob } from "../common/sweep_job.ts";
import type { DocumentService } from "../documents/document_service.ts";
import {
  type SessionReaped,
  sessionSweepJob,
  type SessionSweepOptions,
} from "../sessions/session_sweep.ts";
import { Sweeper } from "../sessions/sweeper.ts";
import type { Foundation } from "./foundation.ts";
import type { Presence } from "./presence.ts";

export interface SweeperOptions extends Pick<SessionSweepOptions, "whose"> {
  documents: Pick<DocumentService, "onSessionReaped" | "sweepJob">;
  /** Told of each dead session after the documents. Default: nobody. */
  onSessionReaped?: readonly SessionReaped[];
  /** What a dead instance leaves behind elsewhere. Default: nothing. */
  jobs?: readonly SweepJob[];
}

/** Reaps what every kind of server may leave behind: sessions, models in use, and who was in a document. */
export function openSweeper(
  { config, store, logger, stack }: Pick<Foundation, "config" | "store" | "logger" | "stack">,
  { registry, usage }: Pick<Presence, "registry" | "usage">,
  { documents, onSessionReaped = [], jobs = [], whose = "all" }: SweeperOptions,
): Sweeper {
  const quarterMs = config.sessionTimeoutMs / 4;
  return stack.use(
    new Sweeper({
      store,
      logger,
      lockTtlMs: Math.min(config.lockTimeoutMs, quarterMs),
      deadAmong: (ids) => registry.deadAmong(ids),
      jobs: [
        sessionSweepJob({
          store,
          logger,
          whose,
          timeoutMs: config.sessionTimeoutMs,
          everyMs: quarterMs,
          settleMs: quarterMs,
          stableForMs: () => registry.stableForMs(),
          onSessionReaped: [
            (sid, session) => documents.onSessionReaped(sid, session),
            ...onSessionReaped,
          ],
        }),
        usage.sweepJob(),
        documents.sweepJob(),
        ...jobs,
      ],
    }),
  );
}
