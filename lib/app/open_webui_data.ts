import * as v from "valibot";
import { systemClock, unixSeconds } from "../common/clock.ts";
import { AppError, errorText } from "../common/errors.ts";
import { Gathered } from "../common/gathered.ts";
import { pause } from "../common/pause.ts";
import type { NoteSnapshot } from "../note_schema/note_content.ts";
import { type Account, Accounts } from "../openwebui/accounts.ts";
import { Channels } from "../openwebui/channels.ts";
import { Chats } from "../openwebui/chats.ts";
import { CountedDatabase } from "../openwebui/counted_database.ts";
import { openDatabase } from "../openwebui/open_database.ts";
import { type Feature, Permissions } from "../openwebui/permissions.ts";
import { readSchema, TESTED_VERSIONS } from "../openwebui/schema.ts";
import { Notes } from "../openwebui/notes.ts";
import { SchemaWatch } from "../openwebui/schema_watch.ts";
import { Settings } from "../openwebui/settings.ts";
import { type Claims, Tokens } from "../openwebui/tokens.ts";
import { RoleSchema } from "../protocol/schemas/user.ts";
import type { PublicUser } from "../protocol/user.ts";
import type { Knowledge } from "../realtime/knowledge.ts";
import type { ValueStore } from "../state/state_store.ts";
import { UserActivity } from "../users/user_activity.ts";
import type { Foundation } from "./foundation.ts";

/** Signs of life wait this long for others that are written with them. */
const FLUSH_EVERY_MS = 1_000;

export interface OpenWebUi {
  readonly database: CountedDatabase;
  readonly schema: SchemaWatch;
  readonly knowledge: Knowledge;
  readonly tokens: Tokens;
  readonly accounts: Accounts;
}

/**
 * People and their things in the database of an Open WebUI. What many sessions ask for in one moment
 * is one query: who connects, who is looked after by a sweep, who comes back after an outage.
 *
 * @throws {AppError} `unavailable` when the database can't be opened, or is none of a supported version
 */
export async function openOpenWebUi(
  { config, logger, stack }: Pick<Foundation, "config" | "logger" | "stack">,
  revocations: Pick<ValueStore, "getMany">,
): Promise<OpenWebUi> {
  const url = config.openWebUiDatabaseUrl ?? "";
  const database = stack.use(
    new CountedDatabase(await openDatabase(url, config.openWebUiSchema)),
  );
  const schema = await readSchema(database);
  const { head, version } = schema;
  if (version === undefined) {
    logger.warn(`Open WebUI's database is of a version that was not tried (${TESTED_VERSIONS})`, {
      head,
    });
  }
  logger.info("Open WebUI's database is open", { engine: database.dialect.name, version, head });
  const settings = new Settings(database, { isPersistent: config.isConfigPersistent });
  const accounts = new Accounts(database, schema);
  const secret = config.secretKey ?? "";
  const tokens = await Tokens.open({ secret, accounts, settings, revocations, logger });
  const permissions = new Permissions({
    ...{ database, schema, settings },
    defaults: { channels: config.mayUseChannels, notes: config.mayUseNotes },
  });
  const chats = new Chats(database, schema, { isOpenToAdmins: config.isAdminChatAccess });
  const notes = new Notes(database, schema);
  const channels = new Channels(database, schema);
  const activity = new UserActivity({
    lastActive: {
      async setMany(entries) {
        await accounts.touch([...entries].map(([userId]) => userId), unixSeconds(systemClock));
      },
      delete: () => Promise.resolve(0),
    },
  });
  const stop = new AbortController();
  const flushing = keepFlushing(
    activity,
    stop.signal,
    (thrown) => logger.warn("last activity could not be written", { error: errorText(thrown) }),
  );
  stack.defer(async () => {
    stop.abort();
    await flushing;
  });
  return {
    ...{ database, tokens, accounts, schema: new SchemaWatch(database, schema, logger) },
    knowledge: {
      touchUser: (userId) => activity.touch(userId),
      verify: verifier(tokens),
      channels: channelKnowledge(channels, mayUse(accounts, permissions, "channels")),
      chats: chatKnowledge(
        chats,
        (thrown) =>
          logger.warn("timers of a chat that was read go on", { error: errorText(thrown) }),
      ),
      notes: noteKnowledge(notes, mayUse(accounts, permissions, "notes")),
    },
  };
}

/** What the database does not take waits for the next time. */
async function keepFlushing(
  activity: UserActivity,
  signal: AbortSignal,
  onFailure: (thrown: unknown) => void,
): Promise<void> {
  while (!signal.aborted) {
    await pause(FLUSH_EVERY_MS, signal);
    await activity.flush().catch(onFailure);
  }
}

function verifier(tokens: Tokens): Knowledge["verify"] {
  const checks = new Gathered<Claims, Account | AppError>({
    ask: (claims) => tokens.check(claims),
    nameOf: (claims) => JSON.stringify(claims),
  });
  return async (token) => {
    const claims = await tokens.signed(token);
    const account = await checks.ask(claims);
    if (account instanceof AppError) throw account;
    const { id, name, email } = account;
    const role = v.parse(RoleSchema, account.role);
    const { jti, exp, iat } = claims;
    return {
      user: { id, name, email, role, last_seen_at: unixSeconds(systemClock) },
      ...{ jti, exp, iat },
      async stillCounts() {
        const now = await checks.ask(claims);
        return !(now instanceof AppError) && now.role === role;
      },
    };
  };
}

/** Says of each user what they are, and whether they may use the feature. */
type MayUse = (userIds: string[]) => Promise<Map<string, { isAdmin: boolean; may: boolean }>>;

function mayUse(accounts: Accounts, permissions: Permissions, feature: Feature): MayUse {
  return async (userIds) => {
    const [found, allowed] = await Promise.all([
      accounts.find(userIds),
      permissions.allowed(userIds, feature),
    ]);
    return new Map(
      [...found.values()].filter(({ active }) => active).map(({ id, role }) => {
        const isAdmin = role === "admin";
        return [id, { isAdmin, may: isAdmin || (role === "user" && allowed.has(id)) }];
      }),
    );
  };
}

function channelKnowledge(channels: Channels, usersOf: MayUse): Knowledge["channels"] {
  const ofUsers = new Gathered<string, ReadonlySet<string>>({
    async ask(userIds) {
      const [users, found] = await Promise.all([usersOf(userIds), channels.ofUsers(userIds)]);
      return userIds.map((id) => users.get(id)?.may ? found.get(id) ?? new Set() : new Set());
    },
    nameOf: (userId) => userId,
  });
  return {
    async *of({ id }) {
      yield [...await ofUsers.ask(id)];
    },
    mayEnter: async (userId, channelId) => (await ofUsers.ask(userId)).has(channelId),
    markRead: ({ id }, channelId) => channels.markRead(id, channelId, nowNs()),
  };
}

function chatKnowledge(
  chats: Chats,
  onTimersFailed: (thrown: unknown) => void,
): Knowledge["chats"] {
  const accesses = new Gathered({
    async ask(asked: (readonly [PublicUser, string])[]) {
      const found = await chats.access(asked);
      return asked.map(([{ id }, chatId]) =>
        found.get(`${id}/${chatId}`) ?? { isOwner: false, read: false, write: false }
      );
    },
    // Of one user in two roles, the newer one must not be answered by the older one's.
    nameOf: ([{ id, role }, chatId]) => JSON.stringify([id, role, chatId]),
  });
  return {
    access: (user, chatId) => accesses.ask([user, chatId]),
    async markRead(userId, chatId) {
      const read = await chats.markRead(userId, chatId, unixSeconds(systemClock));
      if (!read) return undefined;
      await chats.cancelTimers(userId, chatId, systemClock.nowMs()).catch(onTimersFailed);
      const last_read_at = read.lastReadAt;
      if (!read.wasUnread) return { last_read_at };
      return { last_read_at, folder_unread_counts: await chats.folderUnread(userId) };
    },
  };
}

function noteKnowledge(notes: Notes, usersOf: MayUse): Knowledge["notes"] {
  const nobody = { read: false, write: false };
  const accesses = new Gathered({
    async ask(asked: (readonly [userId: string, noteId: string])[]) {
      const userIds = [...new Set(asked.map(([userId]) => userId))];
      const [users, found] = await Promise.all([usersOf(userIds), notes.access(asked)]);
      return asked.map(([userId, noteId]) => {
        const [user, access] = [users.get(userId), found.get(`${userId}/${noteId}`)];
        if (!access || !user?.may) return nobody;
        return user.isAdmin ? { read: true, write: true } : access;
      });
    },
    nameOf: (asked) => asked.join("/"),
  });
  return {
    mayRead: async (userId, noteId) => (await accesses.ask([userId, noteId])).read,
    mayWrite: async (userId, noteId) => (await accesses.ask([userId, noteId])).write,
    async load(noteId) {
      const content = await notes.content(noteId);
      return content === undefined ? undefined : snapshotOf(content);
    },
    async save(noteId, snapshot) {
      if (await notes.save(noteId, snapshot, nowNs())) return;
      throw new AppError("not_found", "There is no such note.");
    },
  };
}

const SnapshotSchema = v.object({
  md: v.fallback(v.nullish(v.string()), undefined),
  html: v.fallback(v.nullish(v.string()), undefined),
  json: v.fallback(
    v.nullish(v.looseObject({ type: v.literal("doc"), content: v.array(v.any()) })),
    undefined,
  ),
});

/** What Python, a plugin or somebody's script may have stored as a note's text. */
function snapshotOf(content: unknown): NoteSnapshot {
  const read = v.safeParse(SnapshotSchema, content);
  return read.success ? read.output : {};
}

const nowNs = () => BigInt(systemClock.nowMs()) * 1_000_000n;
