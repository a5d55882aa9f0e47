import { withQuietEnd } from "./quiet_end.ts";
import { type Links, readMarkdown, toHtml } from "./markdown.ts";

/** A part of a text, and its HTML. */
export interface Block {
  raw: string;
  html: string;
}

/**
 * Markdown that grows. What is before the last two blocks can't change any more by what is appended,
 * so that each frame costs as much as the end of the text, however long it is. Only an address that
 * is told later, `[1]: https://…`, is given to the blocks that refer to it.
 */
export class GrowingMarkdown {
  #blocks: Block[] = [];
  #settledLength = 0;
  #settledCount = 0;
  #text = "";
  /** Of all blocks, and of those that are settled. */
  #links: Links = {};
  #settledLinks: Links = {};

  /** The blocks of the text; while it `isGrowing`, what is not whole yet at its end keeps quiet. */
  update(written: string, isGrowing = false): readonly Block[] {
    const text = written.replace(/\r\n?/g, "\n");
    if (!text.startsWith(this.#text)) this.#reset();
    this.#text = text;
    const open = text.slice(this.#settledLength);
    const { tokens, links, rawOf, htmlOf } = readMarkdown(
      isGrowing ? withQuietEnd(open) : open,
      this.#settledLinks,
    );
    const changed = changedNames(this.#links, links);
    this.#links = links;
    const refers = ({ raw }: Block) =>
      changed.some((name) => raw.toLowerCase().includes(`[${name}]`));
    const blocks = this.#blocks.slice(0, this.#settledCount).map((block) =>
      changed.length > 0 && refers(block) ? { ...block, html: toHtml(block.raw, links) } : block
    );
    tokens.forEach((token, at) => {
      const raw = rawOf(token);
      const before = this.#blocks[this.#settledCount + at];
      const isSame = before?.raw === raw && changed.length === 0;
      blocks.push(isSame ? before : { raw, html: htmlOf(token) });
    });
    for (const token of tokens.slice(0, -2)) {
      this.#settledLength += rawOf(token).length;
      this.#settledCount++;
      const name = token.type === "def" ? token.tag as string : undefined;
      const link = name === undefined ? undefined : links[name];
      if (name !== undefined && link) this.#settledLinks = { ...this.#settledLinks, [name]: link };
    }
    this.#blocks = blocks;
    return blocks;
  }

  #reset(): void {
    this.#blocks = [];
    this.#settledLength = 0;
    this.#settledCount = 0;
    this.#links = {};
    this.#settledLinks = {};
  }
}

/** The references that are new, or lead elsewhere. */
function changedNames(before: Links, now: Links): string[] {
  return Object.keys(now).filter((name) => before[name]?.href !== now[name]?.href);
}
