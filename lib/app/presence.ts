import { InstanceRegistry } from "../sessions/instance_registry.ts";
import { onlinePeople } from "../sessions/online_people.ts";
import { SessionPool, type SessionPoolOptions } from "../sessions/session_pool.ts";
import { UsagePool } from "../sessions/usage_pool.ts";
import { ViewerPool, type ViewerPoolOptions } from "../sessions/viewer_pool.ts";
import { keys } from "../state/key_space.ts";
import type { Foundation } from "./foundation.ts";

/** How long an instance counts as alive after its last sign of life. */
const MAX_LEASE_MS = 30_000;

export type Presence = ReturnType<typeof openPresence>;

/** Which instances live, who is connected where, and which models are in use. */
export function openPresence(
  { config, store, logger, stack, instanceId }: Foundation,
  { isCounted, ...options }:
    & Pick<SessionPoolOptions, "alongside" | "isPrompt">
    & Pick<ViewerPoolOptions, "isCounted">,
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
  const deadAmong = (ids: string[]) => registry.deadAmong(ids);
  const shared = { store, instanceId, deadAmong, ...isCounted !== undefined && { isCounted } };
  const chatViewers = new ViewerPool({ ...shared, key: keys.chatViewers });
  const channelViewers = new ViewerPool({ ...shared, key: keys.channelViewers });
  const online = onlinePeople(store);
  return { registry, sessions, usage, chatViewers, channelViewers, online };
}

function hostName(): string {
  try {
    return Deno.hostname();
  } catch {
    return "unknown";
  }
}
