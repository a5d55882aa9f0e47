/**
 * Every key of the shared state, in one place (docs/protocol.md, section 9).
 *
 * The first group is Open WebUI's own, so that its instances can share the store; the second, under
 * `rt`, is ours. A driver puts the prefix (`REDIS_KEY_PREFIX`) in front.
 */
import {
  ChannelDeletionSchema,
  ChannelMemberSchema,
  ChannelSchema,
  ChatMessageRecordSchema,
  ChatSchema,
  ChatWordsSchema,
  GroupSchema,
  InstanceHeartbeatSchema,
  JournalEntrySchema,
  LogBatchSchema,
  ModelUsageSchema,
  NoteContentSchema,
  NoteDataSchema,
  NoteSchema,
  NoteVersionsSchema,
  NumberSchema,
  ReadMarkSchema,
  type RecordSchema,
  RunningAnswerSchema,
  RunningStreamSchema,
  SessionSchema,
  StoredMessageSchema,
  StoreSchemaSchema,
  StreamHeadSchema,
  TaskOwnerSchema,
  TextSchema,
  UniqueClaimSchema,
  UserHoldingsSchema,
  UserSchema,
  ViewerSchema,
} from "./records.ts";
import { type Key, SCHEMA, type StateKey } from "./state_store.ts";

/** A part of a key that comes from outside: it must not be able to end its part and begin another. */
function part(text: string): string {
  return text.replaceAll("%", "%25").replaceAll(":", "%3A");
}

const own = (...parts: string[]): StateKey => ["rt", ...parts];

/** The key of what is parsed by the schema. */
export function typed<T>(schema: RecordSchema<T>, key: StateKey): Key<T> {
  return Object.assign([...key], { [SCHEMA]: schema });
}

/** The same key without its schema: for asking whether anything is there, whatever its shape. */
export function unchecked(key: StateKey): Key<unknown> {
  return [...key];
}

/** The id at the end of a key of one of the {@linkcode families}. */
export function idIn(key: StateKey): string {
  return (key.at(-1) ?? "").replaceAll("%3A", ":").replaceAll("%25", "%");
}

/** What {@linkcode ValueStore.names} finds all records of a kind by. */
export const families = {
  users: own("user"),
  groups: own("group"),
  chats: own("chat"),
  notes: own("note"),
  channels: own("channel"),
} as const;

/** The storage spelling of a document id: all spellings that lead to one key are one document. */
export function documentKeyId(documentId: string): string {
  return documentId.replaceAll(":", "_");
}

/** As Open WebUI names the keys of a document since 0.12.0: by the id that its client says. */
const documentName = (id: string): string => documentKeyId(id).replace(/^note_/, "note:");

export const keys = {
  sessionPool: typed(SessionSchema, ["session_pool"]),
  usagePool: typed(ModelUsageSchema, ["usage_pool"]),
  usageCleanupLock: ["usage_cleanup_lock"] as StateKey,
  sessionCleanupLock: ["session_cleanup_lock"] as StateKey,
  documentUpdates: (id: string): StateKey => ["ydoc", "documents", documentName(id), "updates"],
  documentUsers: (id: string): StateKey => ["ydoc", "documents", documentName(id), "users"],
  sessionDocuments: (sid: string): StateKey => ["ydoc", "documents", "session", sid, "documents"],
  tasks: typed(TextSchema, ["tasks"]),
  itemTasks: (itemId: string): StateKey => ["tasks", "item", itemId],
  /** value: gone when nobody runs the task any more; newer instances of Open WebUI ask for it */
  taskLife: (taskId: string): StateKey => ["tasks", taskId],
  taskCommands: ["tasks", "commands"] as StateKey,
  responseStreams: ["tasks", "response_streams"] as StateKey,
  revokedToken: (jti: string): StateKey => ["auth", "token", jti, "revoked"],
  userRevokedAt: (userId: string): StateKey => ["auth", "user", userId, "revoked_at"],
  rateLimit: (key: string): StateKey => ["ratelimit", key],

  /** value: written by every look whether the store takes writes */
  probe: own("probe"),
  /** value: which form the records have, see `schema.ts` */
  schema: typed(StoreSchemaSchema, own("schema")),
  /** lock: who brings the records into a newer form */
  migrationLock: own("migration_lock"),
  /** lock: who ends the answers of dead instances */
  streamCleanupLock: own("stream_cleanup_lock"),
  /** lock: who reaps this project's sessions, where Python's reaper holds the shared one for life */
  ownSessionCleanupLock: own("session_cleanup_lock"),
  /** dictionary: instance id → its last sign of life */
  instances: typed(InstanceHeartbeatSchema, own("instances")),
  /** value: the signing key that was made at the first start */
  secretKey: typed(TextSchema, own("secret_key")),
  /** value: a user's record */
  user: (userId: string) => typed(UserSchema, own("user", part(userId))),
  /** value: somebody has signed in from this address (a digest of both) */
  knownAddress: (digest: string) => typed(NumberSchema, own("known_address", part(digest))),
  /** value: which user claimed this address, and when */
  userByEmail: (email: string) => typed(UniqueClaimSchema, own("user_email", part(email))),
  /** dictionary: user id → when they were last here, in unix seconds */
  userActivity: typed(NumberSchema, own("user_activity")),
  /** dictionary: user id → what they have in the store, for the quotas */
  userHoldings: typed(UserHoldingsSchema, own("user_holdings")),
  /** index: user ids by the time of sign-up */
  users: own("users"),
  /** value: who signed up first, and when */
  firstUser: typed(UniqueClaimSchema, own("first_user")),
  /** index: ids of those who are admins, or were in a moment that was cut short */
  admins: own("admins"),
  /** dictionary: user id → when they were deleted, in milliseconds, until what was theirs is gone */
  deletedUsers: typed(NumberSchema, own("deleted_users")),
  /** lock: who deletes what was theirs */
  deletedUsersCleanupLock: own("deleted_users_cleanup_lock"),
  /** lock: changes of roles, one after another */
  userRolesLock: own("user_roles_lock"),
  /** value: a chat without its messages */
  chat: (chatId: string) => typed(ChatSchema, own("chat", part(chatId))),
  /** dictionary: message id → message */
  chatMessages: (chatId: string) =>
    typed(ChatMessageRecordSchema, own("chat", part(chatId), "messages")),
  /** dictionary: socket id → who looks at a chat, and on which instance */
  chatViewers: (chatId: string) => typed(ViewerSchema, own("chat", part(chatId), "viewers")),
  /** value: answers of a chat that were stopped before they were tasks */
  answerStops: (userId: string, chatId: string): StateKey =>
    own("user", part(userId), "answer_stops", part(chatId)),
  /** index: chat ids of a user by the time of the last change */
  userChats: (userId: string): StateKey => own("user", part(userId), "chats"),
  /** index: ids of a user's pinned chats by the time of pinning; a hint, the chat's own record counts */
  userPins: (userId: string): StateKey => own("user", part(userId), "pins"),
  /** dictionary: chat id → the words of a user's chat, for the search */
  chatWords: (userId: string) => typed(ChatWordsSchema, own("user", part(userId), "chat_words")),
  /** index: ids of chats that were deleted and can still be brought back, by when that ends */
  deletedChats: own("deleted_chats"),
  /** lock: who deletes them for good */
  deletedChatsLock: own("deleted_chats_lock"),
  /** dictionary: task id → who runs it for whom */
  taskOwners: typed(TaskOwnerSchema, own("task_owners")),
  /** dictionary: task id → when its stop was asked for; outlives a lost message */
  taskStops: typed(NumberSchema, own("task_stops")),
  /** lock: who takes away the tasks of dead instances */
  taskCleanupLock: own("task_cleanup_lock"),
  /** dictionary: seq → what a generation streamed from there; its own, so that none clears another's */
  stream: (chatId: string, messageId: string, generation: string) =>
    typed(LogBatchSchema, own("stream", part(chatId), part(messageId), part(generation))),
  /** dictionary: number → what all streams of an instance said that is not in their own logs yet */
  streamJournal: (instanceId: string) =>
    typed(JournalEntrySchema, own("stream_journal", part(instanceId))),
  /** value: the state of the newest generation of a message */
  streamHead: (chatId: string, messageId: string) =>
    typed(StreamHeadSchema, own("stream", part(chatId), part(messageId), "head")),
  /** value: which message of a chat is, or was last, being generated */
  chatStream: (chatId: string) => typed(TextSchema, own("chat", part(chatId), "stream")),
  /** dictionary: generation → whose stream runs where, for the sweep */
  streams: typed(RunningStreamSchema, own("streams")),
  /** value: a document's Yjs state when it was last saved, so that a returning editor fits it */
  documentState: (id: string) =>
    typed(TextSchema, own("document", part(documentKeyId(id)), "state")),
  /** lock: opening and clearing a document */
  documentLock: (id: string): StateKey => own("document", part(documentKeyId(id)), "lock"),
  /** lock: saving a document */
  documentSaveLock: (id: string): StateKey => own("document", part(documentKeyId(id)), "save"),
  /** lock: who merges what was written past a note's editors at that time */
  noteMerge: (noteId: string, at: string): StateKey => own("note", part(noteId), "merge", part(at)),
  /** dictionary: which documents have a log, for the sweep */
  openDocuments: typed(NumberSchema, own("open_documents")),
  /** lock: who closes the documents that nobody edits any more */
  documentCleanupLock: own("document_cleanup_lock"),
  /** index: all groups by the time of their making */
  groups: own("groups"),
  /** value: a group */
  group: (groupId: string) => typed(GroupSchema, own("group", part(groupId))),
  /** index: who is in a group, by the time of joining */
  groupMembers: (groupId: string): StateKey => own("group", part(groupId), "members"),
  /** index: ids of a user's groups; a hint, the group's own index counts */
  userGroups: (userId: string): StateKey => own("user", part(userId), "groups"),
  /** value: a note without its text */
  note: (noteId: string) => typed(NoteSchema, own("note", part(noteId))),
  /** value: a note's text */
  noteData: (noteId: string) => typed(NoteDataSchema, own("note", part(noteId), "data")),
  /** value: which earlier texts of a note are kept, the oldest first */
  noteVersions: (noteId: string) =>
    typed(NoteVersionsSchema, own("note", part(noteId), "versions")),
  /** value: an earlier text of a note */
  noteVersion: (noteId: string, versionId: string) =>
    typed(NoteContentSchema, own("note", part(noteId), "version", part(versionId))),
  /** index: ids of the notes of somebody (`user`, `group`), by the time of the last change */
  notesOf: (type: string, id: string): StateKey => own("notes_of", part(type), part(id)),
  /** value: a channel */
  channel: (channelId: string) => typed(ChannelSchema, own("channel", part(channelId))),
  /** dictionary: socket id → who looks at a channel, and on which instance */
  channelViewers: (channelId: string) =>
    typed(ViewerSchema, own("channel", part(channelId), "viewers")),
  /** dictionary: user id → membership */
  channelMembers: (channelId: string) =>
    typed(ChannelMemberSchema, own("channel", part(channelId), "members")),
  /** index: user ids by the time of joining, for pages of members */
  channelMemberOrder: (channelId: string): StateKey =>
    own("channel", part(channelId), "member_order"),
  /** dictionary: user id → how far they have read */
  channelReads: (channelId: string) =>
    typed(ReadMarkSchema, own("channel", part(channelId), "reads")),
  /** dictionary: message id → message */
  channelMessages: (channelId: string) =>
    typed(StoredMessageSchema, own("channel", part(channelId), "messages")),
  /** index: ids of a channel's messages that belong to no thread, by time */
  channelOrder: (channelId: string): StateKey => own("channel", part(channelId), "order"),
  /** index: ids of a thread's messages by time */
  channelThread: (channelId: string, messageId: string): StateKey =>
    own("channel", part(channelId), "thread", part(messageId)),
  /** index: ids of pinned messages by the time of pinning */
  channelPins: (channelId: string): StateKey => own("channel", part(channelId), "pins"),
  /** index: ids of the channels of somebody (`member`, `user`, `group`), by the time of joining */
  channelsOf: (type: string, id: string): StateKey => own("channels_of", part(type), part(id)),
  /** dictionary: message id → which answer of a model is being written, and where */
  channelAnswers: typed(RunningAnswerSchema, own("channel_answers")),
  /** lock: who ends the answers that dead instances left in channels */
  channelCleanupLock: own("channel_cleanup_lock"),
  /** dictionary: channel id → the channel that is being deleted, and since when */
  deletedChannels: typed(ChannelDeletionSchema, own("deleted_channels")),
  /** lock: who completes the deletions of channels */
  deletedChannelsLock: own("deleted_channels_lock"),
} as const;
