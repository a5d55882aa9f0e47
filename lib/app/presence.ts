import { ChatPresence } from "../sessions/chat_presence.ts";
import { InstanceRegistry } from "../sessions/instance_registry.ts";
import { SessionPool, type SessionPoolOptions } from "../sessions/session_pool.ts";
import { UsagePool } from "../sessions/usage_pool.ts";
import type { Foundation } from "./foundation.ts";

/** How long an instance counts as alive after its last sign of life. */
const MAX_LEASE_MS = 30_000;

export type Presence = ReturnType<typeof openPresence>;

/** Which instances live, who is connected where, and which models are in use. */
export function openPresence(
  { config, store, logger, stack, instanceId }: Foundation,
  options: Pick<SessionPoolOptions, "alongside" | "isPrompt">,
) {
  const registry = stack.use(
    new InstanceRegistry({
      ...{ store, logger, instanceId },
      leaseMs: Math.min(MAX_LEASE_MS, config.sessionTimeoutMs / 4),
      host: hostName(),
    }),
  );
  const sessions = stack.use(new SessionPool({ store, instanceId, logger, ...options }));
  const usage = stack.use(
    new UsagePool({ store, logger, userIds: (sids) => sessions.userIds(sids) }),
  );
  const chatPresence = new ChatPresence({
    ...{ store, instanceId },
    deadAmong: (ids) => registry.deadAmong(ids),
  });
  return { registry, sessions, usage, chatPresence };
}

function hostName(): string {
  try {
    return Deno.hostname();
  } catch {
    return "unknown";
  }
}
