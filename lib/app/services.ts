import { EchoProvider } from "../completions/echo_provider.ts";
import { ModelCatalogue } from "../completions/model_catalogue.ts";
import type { ModelProvider } from "../completions/model_provider.ts";
import { OpenAiProvider } from "../completions/openai_provider.ts";
import { alertOwner, answerForStreams, askForStream } from "../completions/remote_streams.ts";
import { StreamRegistry } from "../completions/stream_registry.ts";
import type { Config } from "../config.ts";
import { TaskRegistry } from "../tasks/task_registry.ts";
import { ReaderPlaces } from "../http/reader_places.ts";
import type { Foundation } from "./foundation.ts";
import { openOwnData, type OwnData, type OwnDataOptions } from "./own_data.ts";
import { openPresence } from "./presence.ts";

export type Services = Awaited<ReturnType<typeof openServices>>;

/** All that a server of its own serves; nothing of it runs until `startServices`. */
export async function openServices(foundation: Foundation, options: OwnDataOptions = {}) {
  const { config, store, topics, commands, logger, stack, instanceId } = foundation;
  const data = await openOwnData(foundation, options);
  const presence = openPresence(foundation, { alongside: () => data.activity.flush() });
  const streams = openStreams(foundation, data);
  const tasks = stack.use(new TaskRegistry({ store, commands, instanceId, logger }));
  const catalogue = new ModelCatalogue([providerOf(config, stack)], { logger });
  const readers = new ReaderPlaces({ maxReaders: config.maxConnections });
  return { ...data, ...presence, store, topics, streams, tasks, catalogue, readers };
}

export async function startServices({ registry, sessions, usage, tasks }: Services): Promise<void> {
  await registry.start();
  sessions.start();
  usage.start();
  tasks.start();
}

/** Answers that stream, here and at other instances. */
function openStreams(
  { config, store, cluster: { instances }, logger, stack, instanceId }: Foundation,
  { answers }: OwnData,
): StreamRegistry {
  const streams = stack.use(
    new StreamRegistry({
      ...{ store, logger, instanceId },
      budget: { maxBytesPerUser: config.quotaAnswerBytes },
      askOwner: (owner, query) => askForStream(instances, owner, query),
      alertOwner: (owner, which) => alertOwner(instances, owner, which),
      isCurrent: (stream) => answers.isCurrent(stream),
    }),
  );
  stack.use(answerForStreams(instances, streams));
  return streams;
}

function providerOf(config: Config, stack: AsyncDisposableStack): ModelProvider {
  if (config.openaiBaseUrl === undefined) return new EchoProvider();
  const isSecure = config.openaiBaseUrl.startsWith("https:");
  const proxy = (isSecure ? config.httpsProxy : config.httpProxy) ?? config.allProxy;
  const provider = new OpenAiProvider({
    baseUrl: config.openaiBaseUrl,
    limits: {
      firstTokenTimeoutMs: config.firstTokenTimeoutMs,
      idleTimeoutMs: config.providerTimeoutMs,
    },
    ...(proxy !== undefined && { proxy: { url: proxy, except: config.noProxy } }),
    ...(config.openaiModels !== undefined && { models: config.openaiModels }),
    ...(config.openaiKey !== undefined && { apiKey: config.openaiKey }),
  });
  return stack.use(provider);
}
