import type { IncomingMessage, ServerResponse } from "node:http";
import type { Context } from "hono";
import { AppError } from "../common/errors.ts";
import type { Logger } from "../common/logger.ts";
import type { Metrics } from "../common/metrics.ts";
import { AnswerStops } from "../chats/answer_stops.ts";
import { CompletionService } from "../completions/completion_service.ts";
import type { ModelProvider } from "../completions/model_provider.ts";
import { RunningChats } from "../completions/running_chats.ts";
import { passThrough } from "../completions/pass_through.ts";
import { placeQuestion } from "../completions/question.ts";
import type { Config } from "../config.ts";
import { requireAdmin, requireUser } from "../http/authentication.ts";
import { answerStreamRoutes } from "../http/answer_streams.ts";
import { isTemporary } from "../protocol/chat.ts";
import { authRoutes } from "../http/auths.ts";
import { underBasePath } from "../http/base_path.ts";
import { chatListRoutes } from "../http/chat_lists.ts";
import { chatRoutes } from "../http/chats.ts";
import { channelRoutes } from "../http/channels.ts";
import { type ChatCompletion, completionRoutes } from "../http/completions.ts";
import { createHttpApp, nodeListener } from "../http/http_app.ts";
import type { HttpEnv } from "../http/http_env.ts";
import { operations, type ReadinessCheck } from "../http/operations.ts";
import { systemStatusRoutes } from "../http/system_status.ts";
import { pageRoutes } from "../http/pages.ts";
import { publicConfigRoutes } from "../http/public_config.ts";
import { taskRoutes } from "../http/tasks.ts";
import { writeLimits } from "../http/write_limits.ts";
import { userRoutes } from "../http/users.ts";
import { userSearchRoutes } from "../http/user_search.ts";
import type { SystemStatus } from "../protocol/system_status.ts";
import { browserProvider } from "../realtime/browser_provider.ts";
import type { UserEvent } from "../protocol/user.ts";
import { createEventEmitter, emitUser } from "../realtime/emitter.ts";
import { limitedAddress } from "../transport/socket_server.ts";
import { UserDirectory } from "../users/user_directory.ts";
import { type ChatNotices, chatNotices } from "./chat_notices.ts";
import { createNoteRoutes } from "./notes.ts";
import type { Draining } from "./draining.ts";
import { readinessLog } from "./observability.ts";
import type { Services } from "./services.ts";
import type { Sockets } from "./sockets.ts";

export interface RoutesOptions {
  config: Config;
  services: Services;
  sockets: Sockets;
  metrics: Metrics;
  systemStatus: () => Promise<SystemStatus>;
  checks: readonly ReadinessCheck[];
  draining: Draining;
  logger: Logger;
}

type Listener = (req: IncomingMessage, res: ServerResponse) => void;

/** Mounts every resource's routes and returns the listener of the HTTP server. */
export function createRoutes(options: RoutesOptions): Listener {
  const { config, services, sockets, metrics, systemStatus, checks, draining, logger } = options;
  const { store, users, tokens, signIns, chats, tasks, usage, catalogue, streams } = services;
  const stops = new AnswerStops(store);
  const app = createHttpApp({
    allowedOrigins: config.corsAllowOrigin,
    basePath: config.basePath,
    logger,
  });
  const user = requireUser(tokens);
  const { listChanged, titleChanged } = chatNotices(services, sockets, logger);
  const completions = createCompletions(services, sockets, listChanged, logger);
  const running = new RunningChats(store);
  const tell = (event: UserEvent) => emitUser(sockets.io, event);
  const providerFor = (asked: AskedModel) => findProvider(config, services, sockets, asked);

  app.route(
    "/",
    operations({
      checks,
      metrics,
      peerAddress: (c) => c.env.incoming.socket.remoteAddress,
      httpVersion: (c) => c.env.incoming.httpVersion,
      onChange: readinessLog(logger),
      ...(config.metricsToken !== undefined && { metricsToken: config.metricsToken }),
    }),
  );
  app.route(
    "/api/v1/auths",
    authRoutes({
      users,
      tokens,
      isSignupEnabled: config.isSignupEnabled,
      addressOf: (c: Context<HttpEnv>) => limitedAddress(c.env.incoming, config.trustedProxies),
      signIns,
      cookiePath: `${config.basePath}/api/v1/auths`,
      tell,
    }),
  );
  app.route(
    "/api/config",
    publicConfigRoutes({
      isSignupEnabled: config.isSignupEnabled,
      hasFirstUser: () => users.hasFirst(),
    }),
  );
  const directory = new UserDirectory({ users });
  app.use("/api/v1/users/search", user);
  app.route(
    "/api/v1/users",
    userSearchRoutes({ search: (...asked) => directory.search(...asked) }),
  );
  app.use("/api/v1/users/*", user, requireAdmin);
  app.route("/api/v1/users", userRoutes({ users, tokens, tell }));
  app.use("/api/*", user);
  app.use(
    "/api/*",
    writeLimits({
      writesPerSecond: config.quotaWritesPerSecond,
      bytesPerSecond: config.quotaWriteBytesPerSecond,
    }),
  );
  app.use("/api/v1/live", requireAdmin);
  app.route(
    "/api/v1/live",
    systemStatusRoutes({ read: systemStatus }),
  );
  app.route(
    "/api/v1/chats",
    chatListRoutes({
      ...{ lists: chats.lists, search: chats.search, listChanged },
      running: (userId) => running.of(userId),
    }),
  );
  app.route(
    "/api/v1/chats",
    chatRoutes({
      chats,
      emit: (target, event) => createEventEmitter(sockets.io, chats, target)(event),
      emitInChannel: (user, { channelId, messageId }, event) =>
        sockets.channels.messageEvents.emit(user, channelId, messageId, event),
      stopAnswers: (userId, chatId) => tasks.stopItem(chatId, { userId, admin: false }),
      ...{ listChanged, titleChanged },
    }),
  );
  app.route(
    "/api/v1/chats",
    answerStreamRoutes({
      requireChat: async (userId, chatId) =>
        isTemporary(chatId) ? undefined : await chats.summary(userId, chatId),
      stillCounts: (claims) => tokens.stillCounts(claims),
      message: (chatId, messageId) => chats.message(chatId, messageId),
      resume: (wanted) => streams.resume(wanted),
      places: services.readers,
    }),
  );
  const { notes, groups } = createNoteRoutes(services, sockets);
  app.route("/api/v1/notes", notes);
  app.route("/api/v1/groups", groups);
  const { service, conversation, answers } = sockets.channels;
  app.route(
    "/api/v1/channels",
    channelRoutes({
      channels: service,
      conversation,
      stopAnswer: (...asked) => answers.stop(...asked),
    }),
  );
  app.route("/api/tasks", taskRoutes({ tasks, stopEarly: (chat, ids) => stops.stop(chat, ids) }));
  app.route(
    "/api",
    completionRoutes({
      models: () => catalogue.list(),
      check: providerFor,
      usage: () => usage.inUse(),
      async start(asked) {
        draining.requireOpen();
        const { userId, messageId } = asked;
        using starting = stops.starting(userId, asked.chatId);
        const providerAt = await providerFor(asked);
        const placed = await placeQuestion(chats, asked);
        const { chatId } = placed;
        if (asked.chatId === undefined) listChanged(userId, chatId, "said");
        const provider = providerAt({ chatId, messageId });
        const taskId = await completions.start({
          ...{ userId, messageId, provider, isContinued: asked.isContinued },
          ...placed,
        });
        if (await starting.isStopped(chatId, messageId)) {
          await tasks.stop(taskId, { userId, admin: false });
        }
        return { taskId, chatId };
      },
      async passThrough(asked, signal) {
        draining.requireOpen();
        const provider = (await providerFor(asked))({ chatId: "", messageId: "" });
        return await passThrough(provider, asked.request, signal);
      },
    }),
  );
  app.route("/", pageRoutes());
  return underBasePath(config.basePath, nodeListener(app));
}

function createCompletions(
  { chats, answers, streams, tasks }: Services,
  { toUser }: Sockets,
  listChanged: ChatNotices["listChanged"],
  logger: Logger,
): CompletionService {
  return new CompletionService({
    chats,
    logger,
    ports: { emit: toUser, messages: answers, streams, logger },
    runTask: (subject, work) => tasks.run(subject, work),
    notify(userId, chatId, messageId, event) {
      toUser(userId, { chat_id: chatId, message_id: messageId, data: event });
      // What has been answered has moved, and may be unread.
      const isOver = event.type === "chat:active" && !isActive(event.data);
      if (isOver && !isTemporary(chatId)) listChanged(userId, chatId, "marked");
    },
  });
}

const isActive = (data: unknown): boolean =>
  typeof data === "object" && data !== null && Reflect.get(data, "active") === true;

type AskedModel = Pick<
  ChatCompletion,
  "userId" | "sessionId" | "isDirect" | "modelItem" | "request"
>;

/**
 * Who runs the model: a provider of this server, or the browser of the session that asked, which is
 * told where its answer belongs.
 */
async function findProvider(
  { eventCallerTimeoutMs, providerTimeoutMs }: Config,
  { catalogue }: Services,
  { browserStreams, call }: Sockets,
  { isDirect, modelItem: model, sessionId, userId, request }: AskedModel,
): Promise<(place: { chatId: string; messageId: string }) => ModelProvider> {
  if (!isDirect) {
    const provider = await catalogue.providerOf(request.model);
    return () => provider;
  }
  if (sessionId === undefined) {
    throw new AppError("invalid_payload", "session_id: is needed for a model of the browser");
  }
  const limits = {
    firstTokenTimeoutMs: eventCallerTimeoutMs,
    idleTimeoutMs: Math.min(providerTimeoutMs, eventCallerTimeoutMs),
  };
  const asked = { streams: browserStreams, call, userId, sessionId, model, limits };
  return (place) => browserProvider({ ...asked, ...place });
}
