import {
  applyAwarenessUpdate,
  Awareness,
  encodeAwarenessUpdate,
  removeAwarenessStates,
} from "y-protocols/awareness";
import * as Y from "yjs";
import type { WireBytes } from "../protocol/document_events.ts";
import type { Connection } from "./connection.ts";
import { applyAwareness, bytesOf } from "./document_awareness.ts";
import { caughtUp } from "./document_catch_up.ts";
import { type DocumentMembership, MembershipRegistry } from "./document_membership.ts";
import type { DocumentStatus, KeptEdits } from "./document_status.ts";
import { type ClientErrorCode, isClientError, messageOf } from "./errors.ts";
import { attempt, Listeners } from "./listeners.ts";
import { UnsentEdits } from "./unsent_edits.ts";
import type { Awareness as Cursors, Doc } from "./yjs_types.ts";

/** What a provider needs. */
export interface DocumentProviderOptions {
  /** What the document's events go over. */
  connection: Connection;
  /** `note:{id}` of a note. */
  documentId: string;
  /** Default: a new one. */
  doc?: Doc;
  /** How one's cursor is shown to the others. */
  user: { id: string; name: string; color: string };
  /** What {@linkcode DocumentProvider.keep} of an earlier page gave; it is sent as soon as it can be. */
  kept?: readonly KeptEdits[] | undefined;
}

const RETRY_MS = 1_000;
const memberships = new MembershipRegistry<DocumentProvider>();

/**
 * A Yjs document over `ydoc:*` (docs/protocol.md, sections 4 and 5). Plugs into editors like any provider:
 * `doc`, and `awareness` in y-protocols' terms.
 *
 * An edit is kept until the server has said that it has it; what was made offline goes out merged.
 *
 * @example
 * ```ts
 * import { connect } from "webui-realtime-client";
 * import { DocumentProvider } from "webui-realtime-client/documents";
 *
 * using connection = connect({ url: "http://localhost:8080", token: "…" });
 * using provider = new DocumentProvider({
 *   connection,
 *   documentId: "note:a-note",
 *   user: { id: "my-own-id", name: "Ada", color: "#1f6f5c" },
 * });
 * provider.onStatus(({ state, reason = "" }) => console.log(state, reason));
 * // The fragment of Open WebUI's editor.
 * const fragment = provider.doc.getXmlFragment("prosemirror");
 * fragment.observeDeep(() => console.log(fragment.toString()));
 * ```
 */
export class DocumentProvider implements Disposable {
  /** The document. */
  readonly doc: Doc;
  /** How one is shown to the others, in the form that TipTap's caret takes. */
  readonly user: DocumentProviderOptions["user"];
  /** Who is here, and where their cursors are. */
  readonly awareness: Cursors;
  readonly #options: DocumentProviderOptions;
  readonly #statuses = new Listeners<DocumentStatus>();
  readonly #ends: (() => void)[] = [];
  #status: DocumentStatus = { state: "connecting" };
  readonly #unsent = new UnsentEdits();
  #isSending = false;
  #isJoined = false;
  #isEnded = false;
  /** The server has not known this member, and it has joined again since; twice is no. */
  #hasRejoined = false;
  readonly #membership: DocumentMembership<DocumentProvider>;
  #awarenessDue = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  /** The state of which the server has everything. */
  #sentVector: Uint8Array | undefined;
  /** The size of what was too large. */
  #refusedBytes = 0;

  /** Joins the document as soon as there is a connection. */
  constructor(options: DocumentProviderOptions) {
    this.#options = options;
    this.user = options.user;
    this.doc = options.doc ?? new Y.Doc();
    this.awareness = new Awareness(this.doc);
    this.awareness.setLocalStateField("user", options.user);
    for (const { state, unsent, count } of options.kept ?? []) {
      this.#take(state);
      this.#unsent.add(unsent, count);
    }
    this.#become(this.#status);
    const { connection, documentId } = options;
    this.#membership = memberships.of(connection, documentId);
    this.#membership.enter(this);
    for (const other of this.#membership.othersThan(this)) {
      if (other.doc !== this.doc) this.#take(Y.encodeStateAsUpdate(other.doc));
      this.#takeAwareness(other.awareness);
      other.#takeAwareness(this.awareness);
    }
    const isMine = (event: { document_id: string }) => event.document_id === documentId;
    this.#ends.push(
      connection.on("ydoc:document:state", (event) => isMine(event) && this.#take(event.state)),
      connection.on("ydoc:document:update", (event) => isMine(event) && this.#take(event.update)),
      connection.on("ydoc:awareness:update", (event) => {
        if (isMine(event)) applyAwareness(this.awareness, bytesOf(event.update), this);
      }),
      // Somebody new has not seen where the others are.
      connection.on("ydoc:user:joined", (event) => isMine(event) && this.#sendAwareness()),
      connection.on("error", ({ event, code, message }) => {
        if (event === "ydoc:document:join" && code === "forbidden") this.#refused(code, message);
      }),
      connection.onOnline(() => caughtUp(this)),
      connection.onStatus(({ state }) => {
        if (state !== "online") this.#lost();
      }),
    );
    this.doc.on("update", this.#onUpdate);
    this.awareness.on("update", this.#onAwareness);
    if (connection.status.state === "online") void this.#join();
  }

  /** How it is; a new object at each change. */
  get status(): DocumentStatus {
    return this.#status;
  }

  /** Whether the document has been read, from the server or from what was kept: before, it is empty. */
  get isLoaded(): boolean {
    return this.#sentVector !== undefined || (this.#options.kept?.length ?? 0) > 0;
  }

  /** What has to be kept elsewhere to survive this page; `undefined`: the server has everything. */
  keep(): KeptEdits | undefined {
    const unsent = this.#unsent.all();
    if (!unsent) return undefined;
    return { state: Y.encodeStateAsUpdate(this.doc), unsent, count: this.#unsent.count };
  }

  /** Called at once with the status of now, then at each change. Returns the end. */
  onStatus(listener: (status: DocumentStatus) => void): () => void {
    attempt(() => listener(this.#status));
    return this.#statuses.add(listener);
  }

  /** The same as React's `useSyncExternalStore` wants it, beside `status`. */
  readonly subscribe = (listener: () => void): () => void => this.#statuses.add(listener);

  /** Tries again what was refused: the person may be let in by now. */
  retry(): void {
    if (this.#isEnded || this.#options.connection.status.state !== "online") return;
    if (this.#status.state === "refused") {
      // Of what was typed and deleted again, this has nothing left but that it is gone.
      this.#unsent.replace(Y.encodeStateAsUpdate(this.doc, this.#sentVector));
      this.#hasRejoined = false;
      this.#become({ state: "syncing" });
    }
    void this.#join();
  }

  /** Leaves the document, as every Yjs provider does; the same as disposing of it. */
  destroy(): void {
    this[Symbol.dispose]();
  }

  /** Leaves the document; what has not been sent is sent first where there is a connection. */
  [Symbol.dispose](): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    clearTimeout(this.#retry);
    this.doc.off("update", this.#onUpdate);
    this.awareness.off("update", this.#onAwareness);
    for (const end of this.#ends) end();
    if (this.#isJoined) {
      this.#sendRest();
      removeAwarenessStates(this.awareness, [this.awareness.clientID], this);
      const gone = encodeAwarenessUpdate(this.awareness, [this.awareness.clientID]);
      this.#sendOrDrop("ydoc:awareness:update", { update: gone });
    }
    for (const other of this.#membership.othersThan(this)) {
      removeAwarenessStates(other.awareness, [this.awareness.clientID], other);
    }
    this.#membership.leave(this);
    this.awareness.destroy();
  }

  readonly #onUpdate = (update: Uint8Array, origin: unknown): void => {
    if (origin instanceof DocumentProvider) return;
    // The server tells an update to everybody but the connection that it came from.
    for (const other of this.#membership.othersThan(this)) {
      if (other.doc !== this.doc) other.#take(update);
    }
    this.#unsent.add(update);
    this.#become(this.#isJoined ? { state: "syncing" } : this.#status);
    if (this.#status.code !== "too_large") return void this.#flush();
    const { length } = Y.encodeStateAsUpdate(this.doc, this.#sentVector);
    if (length < this.#refusedBytes) this.retry();
  };

  readonly #onAwareness = (_: unknown, origin: unknown): void => {
    if (origin !== "local") return;
    this.#sendAwareness();
    for (const other of this.#membership.othersThan(this)) other.#takeAwareness(this.awareness);
  };

  async #join(): Promise<void> {
    const { connection, documentId } = this.#options;
    const { id, name, color } = this.user;
    if (this.#isEnded || this.#status.state === "refused") return;
    clearTimeout(this.#retry);
    if (this.#unsent.isWaiting) this.#become({ state: "syncing" });
    try {
      await this.#membership.join(async () => {
        await connection.ask("ydoc:document:join", {
          ...{ document_id: documentId, user_id: id, user_name: name, user_color: color },
          state_vector: Y.encodeStateVector(this.doc),
        });
        if (this.#isEnded) this.#sendRest();
      });
    } catch (thrown) {
      return this.#failed(thrown, () => void this.#join());
    }
    if (this.#isEnded) return;
    this.#isJoined = true;
    this.#sendAwareness();
    await this.#flush();
  }

  /** Sends what waits, merged; what comes meanwhile goes with the next. */
  async #flush(): Promise<void> {
    const { connection, documentId } = this.#options;
    if (!this.#isJoined || this.#isSending || this.#isEnded) return;
    this.#isSending = true;
    try {
      while (this.#unsent.isWaiting && this.#isJoined && !this.#isEnded) {
        const vector = Y.encodeStateVector(this.doc);
        await this.#unsent.send((update) =>
          connection.ask("ydoc:document:update", { document_id: documentId, update })
        );
        this.#sentVector = vector;
        this.#hasRejoined = false;
      }
      if (!this.#isJoined) return;
      this.#sentVector = Y.encodeStateVector(this.doc);
      this.#become({ state: "synced" });
    } catch (thrown) {
      if (this.#mayRejoin(thrown)) {
        this.#hasRejoined = true;
        this.#isJoined = false;
        queueMicrotask(() => void this.#join());
      } else {
        this.#failed(thrown, () => void this.#flush());
      }
    } finally {
      this.#isSending = false;
    }
  }

  /** Events of one socket arrive in order: the last edits are there before the leave. */
  #sendRest(): void {
    const update = this.#unsent.all();
    if (!update) return;
    this.#sendOrDrop("ydoc:document:update", { update });
    for (const other of this.#membership.othersThan(this)) other.#take(update);
  }

  /** Who is refused may be no member any more, without knowing it: joining says whether one may. */
  #mayRejoin(thrown: unknown): boolean {
    return isClientError(thrown, "forbidden") && !this.#hasRejoined && !this.#isEnded;
  }

  #take(bytes: WireBytes): void {
    Y.applyUpdate(this.doc, bytesOf(bytes), this);
  }

  /** Takes another's cursor, where both use one connection. */
  #takeAwareness(from: Awareness): void {
    const update = encodeAwarenessUpdate(from, [from.clientID]);
    applyAwarenessUpdate(this.awareness, update, this);
  }

  #sendAwareness(): void {
    if (this.#awarenessDue || this.#isEnded) return;
    this.#awarenessDue = true;
    // One event for all changes of a moment: a key press moves cursor and selection.
    queueMicrotask(() => {
      this.#awarenessDue = false;
      if (!this.#isJoined || this.#isEnded) return;
      const update = encodeAwarenessUpdate(this.awareness, [this.awareness.clientID]);
      this.#sendOrDrop("ydoc:awareness:update", { update });
    });
  }

  #sendOrDrop(
    event: "ydoc:document:update" | "ydoc:awareness:update",
    payload: { update: Uint8Array },
  ): void {
    const { connection, documentId } = this.#options;
    try {
      connection.send(event, { document_id: documentId, ...payload });
    } catch (thrown) {
      if (!isClientError(thrown)) throw thrown;
      this.#refused(thrown.code, thrown.message);
    }
  }

  #lost(): void {
    this.#isJoined = false;
    this.#membership.lost();
    const others = [...this.awareness.states.keys()].filter((id) => id !== this.awareness.clientID);
    removeAwarenessStates(this.awareness, others, this);
    if (this.#status.state === "refused") return;
    const isFirst = !this.#sentVector && this.#options.connection.status.state === "connecting";
    this.#become({ state: isFirst ? "connecting" : "offline" });
  }

  #failed(thrown: unknown, again: () => void): void {
    if (this.#isEnded) return;
    if (isClientError(thrown, "forbidden", "not_found", "too_large", "invalid_payload")) {
      return this.#refused(thrown.code, thrown.message);
    }
    // What has no code is a fault of this program, and does not pass.
    if (!isClientError(thrown)) return this.#refused("internal", messageOf(thrown));
    // A connection that was lost joins again when it is back.
    if (this.#options.connection.status.state !== "online") return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(again, RETRY_MS);
  }

  #refused(code: ClientErrorCode, reason: string): void {
    this.#isJoined = false;
    this.#refusedBytes = Y.encodeStateAsUpdate(this.doc, this.#sentVector).length;
    this.#become({ state: "refused", code, reason });
  }

  #become({ state, code, reason }: DocumentStatus): void {
    const { count } = this.#unsent;
    const before = this.#status;
    if (before.state === state && before.code === code && (before.unsent ?? 0) === count) return;
    this.#status = {
      ...{ state, ...(code !== undefined && { code }), ...(reason !== undefined && { reason }) },
      ...(count > 0 && { unsent: count }),
    };
    this.#statuses.tell(this.#status);
  }
}
