import type { Context } from "hono";
import { AppError } from "../common/errors.ts";

/** A page further down is asked for by its cursor. */
const MAX_PAGE = 1_000;
/** The stores' own cursors are far shorter. */
const MAX_CURSOR_LENGTH = 2_048;

/**
 * The page that a request asks for: `?page=`, from 1, counts from `?cursor=` or else from the
 * beginning. `undefined`: the list ends before it.
 *
 * @throws {AppError} `invalid_payload` for a page that is no number from 1 to 1,000
 */
export async function readPage<P extends { cursor: string | undefined }>(
  c: Context,
  limit: number,
  read: (options: { limit: number; cursor?: string }) => Promise<P>,
): Promise<P | undefined> {
  const page = pageNumber(c.req.query("page"));
  let cursor = c.req.query("cursor");
  if (cursor !== undefined && cursor.length > MAX_CURSOR_LENGTH) {
    throw new AppError("invalid_payload", "cursor: is none of ours");
  }
  for (let at = 1;; at++) {
    const found = await read({ limit, ...(cursor !== undefined && { cursor }) });
    if (at === page) return found;
    if (found.cursor === undefined) return undefined;
    cursor = found.cursor;
  }
}

function pageNumber(text = "1"): number {
  const page = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (page >= 1 && page <= MAX_PAGE) return page;
  throw new AppError("invalid_payload", `page: must be a whole number from 1 to ${MAX_PAGE}`);
}
