import type { Subscription } from "../bus/topics.ts";
import { AppError, toAppError } from "../common/errors.ts";
import { settledWithin } from "../common/deadline.ts";
import type { SweepJob } from "../common/sweep_job.ts";
import type { NoteSnapshot } from "../note_schema/note_content.ts";
import { keys } from "../state/key_space.ts";
import { changesOf, noteAccess, type NoteAccessChange } from "./document_changes.ts";
import { documentOfNote, type DocumentRef } from "./document_id.ts";
import { DOCUMENT_DEFAULTS, type DocumentParts } from "./document_parts.ts";
import { DocumentRegistry } from "./document_registry.ts";
import { documentSweep } from "./document_sweep.ts";
import { Digester } from "./digester.ts";
import { type OpenLimits, requireOpenRoom } from "./open_limits.ts";
import type { OpenDocument } from "./open_document.ts";
import { MemberAccess } from "./member_access.ts";
import type { DocumentState, Joiner, Joining } from "./joining.ts";
import type { Member } from "./members.ts";
import type { NoteAccess } from "./note_ports.ts";
import { UserCosts } from "./user_costs.ts";
import type { WrittenState } from "./remembered_state.ts";
import { missingFrom } from "./yjs_state.ts";

type Given = "store" | "topics" | "content" | "audience" | "logger";

export interface DocumentServiceOptions
  extends Pick<DocumentParts, Given>, Partial<Omit<DocumentParts, Given>>, OpenLimits {
  access: NoteAccess;
  /**
   * How long it may be believed that a member may write, where changes are not announced. Default: until
   * a change is announced.
   */
  accessTtlMs?: number;
  /** Whether whoever joins is sent the note's text beside the document. Default: `false`. */
  isContentSent?: boolean;
  /** The user ids behind the sessions, wherever they are: `SessionPool.userIds`. */
  userIds(sids: string[]): Promise<string[]>;
}

const forbidden = () => new AppError("forbidden", "You may not read this note.");

/** Collaborative documents: who edits what here, and what becomes of it (docs/protocol.md, sections 4 and 10). */
export class DocumentService implements AsyncDisposable {
  readonly #options: DocumentServiceOptions;
  readonly #parts: DocumentParts;
  readonly #registry: DocumentRegistry;
  readonly #bySession = new Map<string, Set<string>>();
  readonly #joining = new Set<Joining>();
  #accessEpoch = 0;
  readonly #access: MemberAccess;
  #accessChanges: Subscription | undefined;
  #isClosing = false;
  /** Reads what others wrote. */
  readonly digester: Digester;

  /**
   * Defaults: compaction at 500 updates, documents of at most 16 MiB, saved 500 ms after the last
   * edit and every 5 s while edits go on, a large one after a rest of 60 s at the most; their Yjs state
   * is kept for 7 days after.
   */
  constructor(options: DocumentServiceOptions) {
    this.#options = options;
    const { access, accessTtlMs: ttlMs = Infinity, audience, logger } = options;
    this.#access = new MemberAccess({
      ...{ access, ttlMs, logger },
      evict: (member, ref) => {
        this.leave(ref, member.sid);
        const message = "You may not read this note any more.";
        audience.sentOut(member, ref, new AppError("forbidden", message));
      },
    });
    this.digester = options.digester ?? new Digester({ logger: options.logger });
    this.#parts = {
      ...DOCUMENT_DEFAULTS,
      digester: this.digester,
      costs: new UserCosts(),
      ...options,
    };
    this.#registry = new DocumentRegistry(this.#parts);
  }

  /** Listens for changes of access on all instances. */
  async start(): Promise<void> {
    this.#accessChanges = this.#options.topics.subscribe(noteAccess, {
      onMessage: (change) => void this.#accessHasChanged(change),
      onGap: async () => {
        this.#accessEpoch++;
        this.#options.audience.accessMissed();
        await this.recheckAll();
      },
    });
    await this.#accessChanges.whenLive();
  }

  /** The documents in memory here, for metrics. */
  get size(): number {
    return this.#registry.all().length;
  }

  /** What they take in memory, in bytes. */
  get weight(): number {
    return this.#registry.all().reduce((sum, { weight }) => sum + weight, 0);
  }

  /** @throws {AppError} `forbidden`, `not_found`, `rate_limited`, `unavailable` */
  async join(ref: DocumentRef, joiner: Joiner, stateVector?: Uint8Array): Promise<DocumentState> {
    if (this.#isClosing) throw new AppError("unavailable", "The server is going down.");
    const joining: Joining = { key: ref.key, sid: joiner.sid, hasLeft: false };
    this.#joining.add(joining);
    try {
      const document = await this.#enter(ref, joiner);
      const [sessions, content] = await Promise.all([
        this.#sessions(document),
        this.#options.isContentSent ? this.#parts.content.load(ref.noteId) : undefined,
      ]);
      if (!document.members.has(joiner.sid)) throw forbidden();
      // From here on the member receives updates; the state is taken last, so none is missing before.
      const state = this.#missing(joiner.userId, document, stateVector);
      if (joining.hasLeft) throw new AppError("conflict", "The document was left meanwhile.");
      return { ...state, sessions, content };
    } catch (thrown) {
      this.leave(ref, joiner.sid);
      throw thrown;
    } finally {
      this.#joining.delete(joining);
    }
  }

  async #enter(ref: DocumentRef, joiner: Joiner): Promise<OpenDocument> {
    const epoch = this.#accessEpoch;
    const { mayRead, canWrite } = await this.#access.of(joiner.userId, ref.noteId);
    if (!mayRead) throw forbidden();
    this.#parts.costs.check(joiner.userId);
    requireOpenRoom(this.#options, {
      session: new Set(this.#bySession.get(joiner.sid)).add(ref.key),
      documents: this.#registry.all().filter((document) => document.isMember(joiner.userId)),
    });
    const checkedAtMs = performance.now();
    const member: Member = { ...joiner, canWrite, checkedAtMs, encoding: undefined };
    const document = await this.#registry.join(ref, member, (thrown) => {
      this.leave(ref, member.sid);
      this.#options.audience.sentOut(member, ref, toAppError(thrown));
    });
    const documents = this.#bySession.get(joiner.sid) ?? new Set();
    this.#bySession.set(joiner.sid, documents.add(ref.key));
    if (epoch !== this.#accessEpoch) await this.#access.recheck([document], joiner.userId);
    return document;
  }

  /** Tells the others that the member is there. */
  announce(ref: DocumentRef, sid: string): void {
    const document = this.#registry.get(ref.key);
    const member = document?.members.get(sid);
    if (member) document?.announce("joined", member);
  }

  /** Whether nothing was written yet. @throws {AppError} `forbidden` for who has not joined */
  isEmpty(ref: DocumentRef, sid: string): boolean {
    return this.member(ref, sid).document.doc.store.clients.size === 0;
  }

  /** @throws {AppError} `forbidden` for who has not joined */
  async state(ref: DocumentRef, sid: string, stateVector?: Uint8Array): Promise<DocumentState> {
    const { document, member: { userId } } = this.member(ref, sid);
    this.#parts.costs.check(userId);
    const sessions = await this.#sessions(document);
    return { ...this.#missing(userId, document, stateVector), sessions };
  }

  #missing(userId: string, { doc }: OpenDocument, stateVector?: Uint8Array): WrittenState {
    return this.#parts.costs.charge(userId, () => missingFrom(doc, stateVector));
  }

  /**
   * Takes an update, a text that an editor says is the note's, or both. Resolves when the update is
   * in the log: nothing that was acknowledged is lost. What `isFirst` comes only if nothing was
   * ever written.
   *
   * @throws {AppError} `forbidden`, `invalid_payload`, `too_large`, `unavailable`
   */
  async update(
    ref: DocumentRef,
    sid: string,
    { update, snapshot, isFirst = false }: {
      update?: Uint8Array | undefined;
      snapshot?: NoteSnapshot | undefined;
      isFirst?: boolean;
    },
  ): Promise<void> {
    const joined = this.member(ref, sid);
    const isFresh = this.#access.isFresh(joined.member);
    if (!isFresh) await this.#access.refresh(joined.document, joined.member);
    const { document, member } = isFresh ? joined : this.member(ref, sid);
    if (!member.canWrite) throw new AppError("forbidden", "You may not change this note.");
    if (update) await document.update(update, member, { snapshot, isFirst });
    else if (snapshot) document.give(snapshot);
  }

  /** @throws {AppError} `forbidden`, `invalid_payload` */
  awareness(ref: DocumentRef, sid: string, update: Uint8Array): void {
    const { document, member } = this.member(ref, sid);
    document.awareness(update, member);
  }

  /** @throws {AppError} `forbidden` for who has not joined */
  member(ref: DocumentRef, sid: string): { document: OpenDocument; member: Member } {
    const document = this.#registry.get(ref.key);
    const member = document?.members.get(sid);
    if (!document || !member) throw new AppError("forbidden", "Join the document first.");
    return { document, member };
  }

  /**
   * Takes the member out at once; the last one's unsaved edits are saved, then the document is let
   * go. Says whether it was a member, or about to become one.
   */
  leave(ref: DocumentRef, sid: string): boolean {
    let wasThere = this.#registry.get(ref.key)?.members.has(sid) ?? false;
    for (const joining of this.#joining) {
      if (joining.sid !== sid || joining.key !== ref.key) continue;
      joining.hasLeft = wasThere = true;
    }
    const documents = this.#bySession.get(sid);
    documents?.delete(ref.key);
    if (documents?.size === 0) this.#bySession.delete(sid);
    this.#registry.leave(ref.key, sid);
    return wasThere;
  }

  /** The session has ended: it leaves all its documents. */
  sessionGone(sid: string): void {
    for (const joining of this.#joining) if (joining.sid === sid) joining.hasLeft = true;
    const documents = this.#bySession.get(sid);
    this.#bySession.delete(sid);
    for (const key of documents ?? []) this.#registry.leave(key, sid);
  }

  /** A session of an instance that died is taken out; what it was the last to edit is saved. */
  async onSessionReaped(sid: string, session?: { id: string; name: string }): Promise<void> {
    const documents = this.#options.store.memberSet(keys.sessionDocuments(sid));
    for (const key of await documents.members()) {
      const by = { sid, userId: session?.id ?? "", userName: session?.name ?? "" };
      for (const change of [{ kind: "left", by }, { kind: "unsaved" }] as const) {
        await this.#options.topics.announce(changesOf(key), change);
      }
      await this.#registry.reap(key, sid);
    }
    await documents.clear();
  }

  /**
   * Takes a text that was written past the editors (by HTTP). If the document is open anywhere, the
   * text is merged with what they have written and saved, and `store(true)` has only the rest to
   * store; else `store(false)` stores it all, and nobody opens the document meanwhile.
   *
   * @throws {AppError} `unavailable`; whatever `store` throws
   */
  async writeText<T>(
    noteId: string,
    text: NoteSnapshot,
    store: (isMerged: boolean) => Promise<T>,
  ): Promise<T> {
    let stored: { result: T } | undefined;
    const document = await this.#registry.visit(documentOfNote(noteId), {
      open: (there) => there.merge(text),
      closed: async () => void (stored = { result: await store(false) }),
    });
    await document?.saver.flush();
    return stored ? stored.result : await store(true);
  }

  /** Saves what a note's editors have written by now, wherever they are. Rejects when that fails. */
  async saveNow(noteId: string): Promise<void> {
    await this.#registry.visit(documentOfNote(noteId), {
      async open({ saver }) {
        // What was written at another instance is not known to be unsaved here.
        saver.edited();
        await saver.flush();
      },
      closed: async () => {},
    });
  }

  /** Who may read or write the note has changed: on every instance, those who may not any more leave. */
  accessChanged(noteId: string, userId?: string): Promise<void> {
    return this.manyAccessChanged([noteId], userId);
  }

  /** As {@linkcode accessChanged}, for a page of notes with one message. */
  async manyAccessChanged(noteIds: string[], userId?: string): Promise<void> {
    const change = { noteIds, ...(userId === undefined ? {} : { userId }) };
    const checked = this.#accessHasChanged(change);
    await this.#options.topics.publish(noteAccess, change);
    await checked;
  }

  /** The note is gone: everybody leaves, and nothing of its text is kept. Call it after the deletion. */
  async noteDeleted(noteId: string): Promise<void> {
    await this.accessChanged(noteId);
    await this.#options.store.values.delete(keys.documentState(documentOfNote(noteId).key));
  }

  async #accessHasChanged({ noteIds, userId }: NoteAccessChange): Promise<void> {
    this.#accessEpoch++;
    for (const noteId of noteIds) {
      this.#options.audience.accessChanged(noteId, userId);
      const document = this.#registry.get(documentOfNote(noteId).key);
      if (document) await this.#access.recheck([document], userId);
    }
  }

  /** Changes of access may have been missed: asks again about everybody. Never rejects. */
  async recheckAll(): Promise<void> {
    await this.#access.recheck(this.#registry.all());
  }

  async #sessions({ ref, members, leavers }: OpenDocument): Promise<string[]> {
    // Without another instance all who edit are here.
    if (!this.#parts.topics.isHeard()) return [...members.keys()];
    const there = (await this.#registry.users(ref.key)).filter((sid) => !leavers.has(sid));
    return [...new Set([...members.keys(), ...there])];
  }

  /** The job that closes documents which nobody edits and nobody closed. Default: every minute. */
  sweepJob(everyMs?: number): SweepJob {
    return documentSweep(this.#options, (key) => this.#registry.closeAbandoned(key), everyMs);
  }

  /** Lets everybody leave, saves what is unsaved, and gives up after `timeoutMs`. Default: 4,000. */
  async close({ timeoutMs = 4_000 } = {}): Promise<void> {
    this.#isClosing = true;
    for (const sid of [...this.#bySession.keys()]) this.sessionGone(sid);
    const isSaved = await settledWithin(this.#registry.settled(), timeoutMs);
    if (!isSaved) this.#options.logger.error("documents not saved in time", { count: this.size });
    await this[Symbol.asyncDispose]();
  }

  /** Drops everything as it is: what was acknowledged is in the shared log. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    this.#access[Symbol.dispose]();
    await this.#accessChanges?.unsubscribe();
    await this.#registry.dispose();
    this.digester[Symbol.dispose]();
  }
}
