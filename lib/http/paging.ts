import { type Context } from "hono";
import { AppError } from "../common/errors.ts";

/** A page further down is asked for by its cursor. */
const MAX_PAGE = 1_000;

/** The cursor of the query, as an option to spread. */
export function cursorOf(c: Context): { cursor?: string } {
  const cursor = c.req.query("cursor");
  return cursor === undefined ? {} : { cursor };
}

/**
 * The page that the query asks for, by `cursor` or by `page` from 1, as Open WebUI counts. Where the
 * next one starts stands in the header `X-Next-Cursor`.
 *
 * @throws {AppError} `invalid_payload` for a page that is no number, or no page
 */
export async function askedPage<P extends { cursor: string | undefined }>(
  c: Context,
  read: (at: { cursor?: string }) => Promise<P>,
): Promise<P | undefined> {
  const number = wholeNumber(c, "page", { fallback: 1, min: 1, max: MAX_PAGE });
  let at = cursorOf(c);
  for (let skipped = 1; skipped < number; skipped++) {
    const { cursor } = await read(at);
    if (cursor === undefined) return undefined;
    at = { cursor };
  }
  const page = await read(at);
  if (page.cursor !== undefined) c.header("X-Next-Cursor", page.cursor);
  return page;
}

/** @throws {AppError} `invalid_payload` */
export function wholeNumber(
  c: Context,
  name: string,
  { fallback, min, max }: { fallback: number; min: number; max: number },
): number {
  const text = c.req.query(name);
  const number = text === undefined || text === "" ? fallback : Number(text);
  if (Number.isInteger(number) && number >= min && number <= max) return number;
  throw new AppError("invalid_payload", `${name}: must be a whole number from ${min} to ${max}`);
}
