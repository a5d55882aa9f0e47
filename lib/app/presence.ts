import { InstanceRegistry } from "../sessions/instance_registry.ts";
import { SessionPool, type SessionPoolOptions } from "../sessions/session_pool.ts";
import { UsagePool } from "../sessions/usage_pool.ts";
import type { Foundation } from "./foundation.ts";

/** How long an instance counts as alive after its last sign of life. */
const MAX_LEASE_MS = 30_000;

/** Which instances live, who is connected where, and which models are in use. */
export function openPresence(
  { config, store, logger, stack, instanceId }: Foundation,
  { alongside }: Pick<SessionPoolOptions, "alongside">,
) {
  const registry = stack.use(
    new InstanceRegistry({
      ...{ store, logger, instanceId },
      leaseMs: Math.min(MAX_LEASE_MS, config.sessionTimeoutMs / 4),
      host: hostName(),
    }),
  );
  const sessions = stack.use(new SessionPool({ store, instanceId, logger, alongside }));
  const usage = stack.use(
    new UsagePool({ store, logger, userIds: (sids) => sessions.userIds(sids) }),
  );
  return { registry, sessions, usage };
}

function hostName(): string {
  try {
    return Deno.hostname();
  } catch {
    return "unknown";
  }
}
