/** HTML as a tree, in bounded time: a parser that repairs what is nested on purpose may build millions of elements. */
import { defaultTreeAdapter, type DefaultTreeAdapterTypes as Tree, parseFragment } from "parse5";

/** Elements that the parser makes beyond those that are written: an honest text leaves a few unclosed. */
const MAX_REPAIRED = 2_000;
const MAX_OPEN = 512;
export const MAX_HTML_LENGTH = 2 * 1024 * 1024;

class TooCostly extends Error {}

/** The tree of the text; `undefined` for one that is too long, or made to be slow. */
export function htmlTree(html: string): Tree.DocumentFragment | undefined {
  if (html.length > MAX_HTML_LENGTH) return undefined;
  let left = (html.match(/</g)?.length ?? 0) + MAX_REPAIRED;
  let open = 0;
  const { createElement } = defaultTreeAdapter;
  try {
    return parseFragment(html, {
      treeAdapter: {
        ...defaultTreeAdapter,
        createElement: (...args) => {
          if (--left < 0) throw new TooCostly();
          return createElement(...args);
        },
        onItemPush: () => {
          if (++open > MAX_OPEN) throw new TooCostly();
        },
        onItemPop: () => void open--,
      },
    });
  } catch (thrown) {
    if (thrown instanceof TooCostly) return undefined;
    throw thrown;
  }
}

/** What an HTML text says, without its form: a block is a paragraph. */
export function textOfHtml(html: string): string {
  return html.replace(/<(?:br|hr)\s*\/?>/gi, "\n").replace(/<\/(?:p|h\d|li|div|tr|pre)>/gi, "\n\n")
    .replace(/<[^<>]*>/g, "").replaceAll("&lt;", "<").replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"').replaceAll("&nbsp;", " ").replaceAll("&amp;", "&");
}
