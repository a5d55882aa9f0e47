import { type AccessChange, accessChanges } from "../auth/access_changes.ts";
import { loadSecretKey } from "../auth/secret_key.ts";
import { TokenService } from "../auth/token_service.ts";
import type { NamedChannel, Topics } from "../bus/topics.ts";
import { ChatAnswers } from "../chats/answers.ts";
import { ChatStore } from "../chats/chat_store.ts";
import { ChannelStore } from "../channels/channel_store.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Logger } from "../common/logger.ts";
import { EchoProvider } from "../completions/echo_provider.ts";
import { ModelCatalogue } from "../completions/model_catalogue.ts";
import type { ModelProvider } from "../completions/model_provider.ts";
import { OpenAiProvider } from "../completions/openai_provider.ts";
import { askForStream } from "../completions/remote_streams.ts";
import { StreamRegistry } from "../completions/stream_registry.ts";
import type { Config } from "../config.ts";
import { GroupStore } from "../groups/group_store.ts";
import { NoteStore } from "../notes/note_store.ts";
import { InstanceRegistry } from "../sessions/instance_registry.ts";
import { SessionPool } from "../sessions/session_pool.ts";
import { UsagePool } from "../sessions/usage_pool.ts";
import type { StateStore } from "../state/state_store.ts";
import { TaskRegistry } from "../tasks/task_registry.ts";
import { UserActivity } from "../users/user_activity.ts";
import { PasswordHasher } from "../users/password_hasher.ts";
import { UserStore } from "../users/user_store.ts";

/** How long an instance counts as alive after its last sign of life. */
const MAX_LEASE_MS = 30_000;

export type Services = Awaited<ReturnType<typeof openServices>>;

export interface ServicesOptions {
  config: Config;
  store: StateStore;
  topics: Topics;
  /** Where Open WebUI's instances tell each other of stops. */
  commands: NamedChannel;
  logger: Logger;
  stack: AsyncDisposableStack;
  cluster: Cluster;
}

/**
 * Makes every service on the store. The stack owns what has an end, in the reverse order of its
 * making; nothing runs until `startServices`.
 */
export async function openServices(
  { config, store, topics, commands, logger, stack, cluster }: ServicesOptions,
) {
  const instanceId = cluster.instances.id;
  const registry = stack.use(
    new InstanceRegistry({
      ...{ store, logger, instanceId },
      leaseMs: Math.min(MAX_LEASE_MS, config.sessionTimeoutMs / 4),
      host: hostName(),
    }),
  );
  const announce = (change: AccessChange) => topics.announce(accessChanges, change);
  const users = new UserStore({
    store,
    passwords: new PasswordHasher(),
    announce,
    defaultRole: config.defaultUserRole,
  });
  const activity = new UserActivity({ store });
  const secretKey = await loadSecretKey(config.secretKey, store);
  const tokens = await TokenService.open({
    store,
    secret: secretKey.secret,
    expiresInMs: config.jwtExpiresInMs,
    findUser: (userId) => users.get(userId),
    announce,
  });
  const chats = new ChatStore(store);
  const groups = new GroupStore(store);
  const notes = new NoteStore({ store, groups, findUser: (userId) => users.get(userId) });
  const channels = new ChannelStore({ store, groups });
  const sessions = stack.use(
    new SessionPool({ store, instanceId, logger, alongside: () => activity.flush() }),
  );
  const usage = stack.use(
    new UsagePool({ store, logger, userIds: (sids) => sessions.userIds(sids) }),
  );
  const answers = new ChatAnswers(chats);
  const streams = stack.use(
    new StreamRegistry({
      ...{ store, logger, instanceId },
      askOwner: (owner, query) => askForStream(cluster.instances, owner, query),
      isCurrent: (stream) => answers.isCurrent(stream),
    }),
  );
  const tasks = stack.use(new TaskRegistry({ store, commands, instanceId, logger }));
  return {
    ...{ store, registry, topics, users, tokens, chats, sessions, usage, streams, tasks },
    ...{ activity, groups, notes, channels, answers },
    catalogue: new ModelCatalogue(providersOf(config), { logger }),
    keySource: secretKey.source,
  };
}

export async function startServices({ registry, sessions, usage, tasks }: Services): Promise<void> {
  await registry.start();
  sessions.start();
  usage.start();
  tasks.start();
}

function providersOf(config: Config): ModelProvider[] {
  if (config.openaiBaseUrl === undefined) return [new EchoProvider()];
  return [
    new OpenAiProvider({
      baseUrl: config.openaiBaseUrl,
      limits: {
        firstTokenTimeoutMs: config.firstTokenTimeoutMs,
        idleTimeoutMs: config.providerTimeoutMs,
      },
      ...(config.openaiModels !== undefined && { models: config.openaiModels }),
      ...(config.openaiKey !== undefined && { apiKey: config.openaiKey }),
    }),
  ];
}

function hostName(): string {
  try {
    return Deno.hostname();
  } catch {
    return "unknown";
  }
}
