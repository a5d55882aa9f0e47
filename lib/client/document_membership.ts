import type { Connection } from "./connection.ts";

/**
 * A connection's place in a document, shared by all that use it there. The server knows one member
 * a connection: whoever leaves must not take the place from the others.
 */
export class DocumentMembership<Peer extends object> {
  readonly #connection: Connection;
  readonly #documentId: string;
  readonly #peers = new Set<Peer>();
  #joining = 0;
  #isJoined = false;

  constructor(connection: Connection, documentId: string) {
    this.#connection = connection;
    this.#documentId = documentId;
  }

  /** The others that use this connection in this document. */
  othersThan(peer: Peer): Peer[] {
    return [...this.#peers].filter((one) => one !== peer);
  }

  enter(peer: Peer): void {
    this.#peers.add(peer);
  }

  /** Runs a join; one that is answered when nobody is left any more is taken back. */
  async join(ask: () => Promise<unknown>): Promise<void> {
    this.#joining++;
    try {
      await ask();
      this.#isJoined = true;
    } finally {
      this.#joining--;
      this.#leaveIfDeserted();
    }
  }

  /** The connection was lost, and the place with it. */
  lost(): void {
    this.#isJoined = false;
  }

  leave(peer: Peer): void {
    this.#peers.delete(peer);
    this.#leaveIfDeserted();
  }

  #leaveIfDeserted(): void {
    if (this.#peers.size > 0 || this.#joining > 0 || !this.#isJoined) return;
    this.#isJoined = false;
    this.#connection.send("ydoc:document:leave", { document_id: this.#documentId });
  }
}

/** One membership for each document of a connection, for as long as somebody holds it. */
export class MembershipRegistry<Peer extends object> {
  readonly #byConnection = new WeakMap<Connection, Map<string, DocumentMembership<Peer>>>();

  of(connection: Connection, documentId: string): DocumentMembership<Peer> {
    let documents = this.#byConnection.get(connection);
    if (!documents) this.#byConnection.set(connection, documents = new Map());
    let membership = documents.get(documentId);
    if (!membership) {
      documents.set(documentId, membership = new DocumentMembership(connection, documentId));
    }
    return membership;
  }
}
