import { AppError } from "../common/errors.ts";
import { jsonLength } from "../common/encode_in_turns.ts";
import type { NoteContent, NoteVersion } from "../protocol/note.ts";
import { keys } from "../state/key_space.ts";
import type { StateStore } from "../state/state_store.ts";

/** Of one note. */
const MAX_VERSIONS = 40;
/** Of all earlier texts of one note. */
const MAX_BYTES = 16 * 1024 * 1024;
/** A text that is longer is not kept. */
const MAX_VERSION_BYTES = 8 * 1024 * 1024;
const PREVIEW_LENGTH = 200;

/** An earlier text. */
export type KeptText = NoteVersion & { content: NoteContent };

/**
 * Earlier texts of notes. One list a note says which there are; the texts are values of their own,
 * written before they are in the list and deleted after they have left it.
 */
export class NoteVersions {
  readonly #store: Pick<StateStore, "values">;

  constructor(store: Pick<StateStore, "values">) {
    this.#store = store;
  }

  /**
   * Keeps a text that was saved at that time, in unix seconds; an empty one need not be. Resolves to
   * the bytes that the note's earlier texts take then.
   */
  async keep(
    noteId: string,
    content: NoteContent | null | undefined,
    savedAt: number,
  ): Promise<number> {
    const text = content && textOf(content);
    const bytes = text ? await jsonLength(text) : 0;
    if (!text || bytes > MAX_VERSION_BYTES) return weightOf(await this.#list(noteId));
    const id = crypto.randomUUID();
    await this.#store.values.set(keys.noteVersion(noteId, id), text);
    const preview = content.md?.slice(0, PREVIEW_LENGTH) ?? "";
    const version: NoteVersion = { id, saved_at: savedAt, preview, bytes };
    let before: readonly NoteVersion[] = [];
    const after = await this.#store.values.update(keys.noteVersions(noteId), (now = []) => {
      before = now;
      return thinned([...now, version]);
    }) ?? [];
    const kept = new Set(after.map((each) => each.id));
    for (const gone of before) {
      if (!kept.has(gone.id)) await this.#store.values.delete(keys.noteVersion(noteId, gone.id));
    }
    return weightOf(after);
  }

  /** The newest first. */
  async list(noteId: string): Promise<NoteVersion[]> {
    return (await this.#list(noteId)).toReversed();
  }

  /** One of them with its text. @throws {AppError} `not_found` */
  async get(noteId: string, versionId: string): Promise<KeptText> {
    const version = (await this.#list(noteId)).find(({ id }) => id === versionId);
    const content = version && await this.#store.values.get(keys.noteVersion(noteId, versionId));
    if (!content) throw new AppError("not_found", "There is no such version of the note.");
    return { ...version, content };
  }

  /** Deletes all of them. */
  async clear(noteId: string): Promise<void> {
    const versions = await this.#list(noteId);
    if (versions.length === 0) return;
    for (const { id } of versions) await this.#store.values.delete(keys.noteVersion(noteId, id));
    await this.#store.values.delete(keys.noteVersions(noteId));
  }

  async #list(noteId: string): Promise<readonly NoteVersion[]> {
    return await this.#store.values.get(keys.noteVersions(noteId)) ?? [];
  }
}

/** What of a text is worth keeping: HTML is made of it again. */
function textOf({ md, json, html }: NoteContent): NoteContent | undefined {
  if (md === "") return undefined;
  return json ? { md, json } : md || html ? { md, html } : undefined;
}

const weightOf = (versions: readonly NoteVersion[]) =>
  versions.reduce((sum, { bytes }) => sum + bytes, 0);

/**
 * As many as may be kept, the oldest first. Those go that are missed least: whose neighbours are
 * near for their age. So what is left lies closer together the newer it is.
 */
export function thinned(versions: readonly NoteVersion[]): NoteVersion[] {
  const kept = versions.toSorted((a, b) => a.saved_at - b.saved_at);
  while (kept.length > MAX_VERSIONS || (kept.length > 1 && weightOf(kept) > MAX_BYTES)) {
    kept.splice(leastMissed(kept), 1);
  }
  return kept;
}

function leastMissed(versions: readonly NoteVersion[]): number {
  const newest = versions.at(-1)?.saved_at ?? 0;
  let [at, least] = [0, Infinity];
  versions.forEach(({ saved_at }, index) => {
    const [before, after] = [versions[index - 1], versions[index + 1]];
    if (!before || !after) return;
    const gap = (after.saved_at - before.saved_at) / (newest - saved_at + 1);
    if (gap < least) [at, least] = [index, gap];
  });
  return at;
}
