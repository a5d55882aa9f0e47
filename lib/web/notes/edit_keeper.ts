import type { DocumentProvider } from "../../client/document_provider.ts";
import { forgetEdits, keepEdits, type KeptNote } from "../personal_database.ts";
import { isOwner } from "../personal.ts";
import { Observable } from "../ui/observable.ts";

/** What reaches the server within this time need not be kept, in milliseconds. */
const KEPT_AFTER_MS = 300;

interface EditKeeperOptions {
  personId: string;
  noteId: string;
  /** What the note is called by now. */
  title(): string;
  provider: DocumentProvider;
  /** What earlier pages have kept: the provider has it, and it is forgotten once that is sent. */
  kept: readonly KeptNote[];
}

/**
 * Keeps the edits of an open note in the browser for as long as the server does not have them, so
 * that they survive a reload. Never two writings at once.
 */
export class EditKeeper {
  /** Whether all edits that the server does not have are kept here. */
  readonly isKept = new Observable(true);
  readonly #options: EditKeeperOptions;
  readonly #key: string;
  /** Under which names something is kept. */
  readonly #keys: Set<string>;
  readonly #ends: (() => void)[];
  #knownAtMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isDirty = false;
  #writing: Promise<void> | undefined;
  #isForgotten = false;

  constructor(options: EditKeeperOptions) {
    const { provider, kept, noteId } = options;
    this.#options = options;
    this.#key = `${noteId}/${provider.doc.clientID}`;
    this.#keys = new Set(kept.map(({ key }) => key));
    this.#knownAtMs = Math.min(Date.now(), ...kept.map(({ knownAtMs }) => knownAtMs));
    const hidden = () => document.visibilityState === "hidden" && this.#now();
    document.addEventListener("visibilitychange", hidden);
    this.#ends = [
      provider.onStatus(() => this.#changed()),
      () => document.removeEventListener("visibilitychange", hidden),
    ];
  }

  #changed(): void {
    const { unsent = 0, state } = this.#options.provider.status;
    this.#isDirty = true;
    if (state === "synced") this.#knownAtMs = Date.now();
    if (unsent === 0) return this.#now();
    this.isKept.value = false;
    this.#timer ??= setTimeout(() => this.#now(), KEPT_AFTER_MS);
  }

  #now(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#isDirty) this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    try {
      while (this.#isDirty && !this.#isForgotten) {
        this.#isDirty = false;
        await this.#writeOnce();
      }
      this.isKept.value = true;
    } catch {
      // The browser keeps nothing: the status says so, and the next edit tries again.
    } finally {
      this.#writing = undefined;
    }
  }

  async #writeOnce(): Promise<void> {
    const { personId, noteId, provider, title } = this.#options;
    const kept = provider.keep();
    // Who has signed out leaves nothing here.
    if (!isOwner(personId)) return;
    if (!kept) {
      for (const key of this.#keys) {
        await forgetEdits(personId, key);
        this.#keys.delete(key);
      }
      return;
    }
    this.#keys.add(this.#key);
    const note = { ...kept, key: this.#key, noteId, title: title(), knownAtMs: this.#knownAtMs };
    await keepEdits(personId, note);
  }

  /** Forgets what is kept: its person does not want it any more, or has it elsewhere. */
  async forget(): Promise<void> {
    this.#isForgotten = true;
    await this.close();
    for (const key of this.#keys) await forgetEdits(this.#options.personId, key);
  }

  /** Keeps what is to be kept, and no more. Resolves to whether anything is. */
  async close(): Promise<boolean> {
    for (const end of this.#ends) end();
    this.#now();
    await this.#writing;
    return this.#keys.size > 0;
  }
}
