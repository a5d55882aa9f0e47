import type { Api } from "./api.ts";

/** A list that is answered a page at a time (docs/protocol.md, section 11), page after page. */
export async function* pagesOf<T>(api: Api, path: string): AsyncGenerator<T[], void, void> {
  let cursor: string | undefined;
  do {
    const page = await api.page<T>(path, cursor);
    yield page.items;
    cursor = page.cursor;
  } while (cursor !== undefined);
}
