import { AppError } from "./errors.ts";

export interface Entry {
  member: string;
  score: number;
}

/** One ordered list, from the highest score down. */
export interface PageSource {
  page(options: {
    limit: number;
    descending: true;
    max?: number;
    cursor?: string;
  }): Promise<{ entries: Entry[]; cursor: string | undefined }>;
}

export interface MergedPage {
  entries: Entry[];
  /** Where the next page starts, `undefined` on the last one. */
  cursor: string | undefined;
}

export interface MergedPageOptions {
  limit: number;
  cursor?: string | undefined;
  /** Finds further lists; the others are read meanwhile. Default: none. */
  more?(): Promise<readonly PageSource[]>;
}

/**
 * A page of several lists as if they were one, the highest score first, each member once. Costs a
 * page of each list, whatever they hold.
 *
 * @throws {AppError} `invalid_payload` for a cursor that is none
 */
export async function mergedPage(
  sources: readonly PageSource[],
  { limit, cursor, more }: MergedPageOptions,
): Promise<MergedPage> {
  const after = cursor === undefined ? undefined : readCursor(cursor);
  const headsOf = async (some: readonly PageSource[]) =>
    (await Promise.all(some.map((source) => headOf(source, limit + 1, after)))).flat();
  const heads = await Promise.all([headsOf(sources), more?.().then(headsOf) ?? []]);
  const seen = new Set<string>();
  const entries = heads.flat().sort(inOrder).filter(({ member }) => {
    const isNew = !seen.has(member);
    seen.add(member);
    return isNew;
  });
  const page = entries.slice(0, limit);
  const last = page.at(-1);
  return { entries: page, cursor: entries.length > limit && last ? writeCursor(last) : undefined };
}

/** The first entries behind a position: those of its own score may fill more than a page. */
async function headOf(
  source: PageSource,
  limit: number,
  after: Entry | undefined,
): Promise<Entry[]> {
  const found: Entry[] = [];
  let cursor: string | undefined;
  do {
    const page = await source.page({
      limit,
      descending: true,
      ...(after && { max: after.score }),
      ...(cursor !== undefined && { cursor }),
    });
    found.push(...page.entries.filter((entry) => !after || inOrder(after, entry) < 0));
    cursor = page.cursor;
  } while (cursor !== undefined && found.length < limit);
  return found.slice(0, limit);
}

function inOrder(a: Entry, b: Entry): number {
  if (a.score !== b.score) return b.score - a.score;
  return a.member === b.member ? 0 : a.member > b.member ? -1 : 1;
}

function writeCursor({ score, member }: Entry): string {
  return btoa(JSON.stringify([score, member])).replaceAll("+", "-").replaceAll("/", "_");
}

function readCursor(cursor: string): Entry {
  try {
    const text = atob(cursor.replaceAll("-", "+").replaceAll("_", "/"));
    const [score, member] = JSON.parse(text);
    if (Number.isFinite(score) && typeof member === "string") return { score, member };
  } catch {
    // Falls through: whatever it was, it is no cursor.
  }
  throw new AppError("invalid_payload", "cursor: is not one of this list");
}
