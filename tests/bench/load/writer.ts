/** What is typed into a document, and what of it arrives. */
import * as Y from "yjs";

/** Types, and hands out each keystroke as an update. */
export class Writer {
  readonly #doc = new Y.Doc();
  readonly #text = new Y.XmlText();
  readonly #updates: Uint8Array[] = [];

  constructor() {
    this.#doc.on("update", (update: Uint8Array) => this.#updates.push(update));
    const paragraph = new Y.XmlElement("paragraph");
    this.#doc.transact(() => {
      paragraph.insert(0, [this.#text]);
      this.#doc.getXmlFragment("prosemirror").push([paragraph]);
    });
  }

  get length(): number {
    return this.#text.length;
  }

  /** How much was typed, counted as {@linkcode extentOf} counts what arrives. */
  get extent(): number {
    return Y.getState(this.#doc.store, this.#doc.clientID);
  }

  /** The update that adds the text at the end, or elsewhere; the first one brings the paragraph with it. */
  type(text: string, at = this.#text.length): Uint8Array {
    this.#text.insert(at, text);
    return this.#update();
  }

  /** One update of so many letters, each at a place of its own, so that hardly two are one item. */
  scatter(count: number): Uint8Array {
    this.#doc.transact(() => {
      for (let i = 0; i < count; i++) {
        this.#text.insert(Math.floor(Math.random() * this.#text.length), "a");
      }
    });
    return this.#update();
  }

  #update(): Uint8Array {
    return Y.mergeUpdates(this.#updates.splice(0));
  }
}

/** Characters and elements in the update, in whatever pieces the server has sent them. */
export function extentOf(update: Uint8Array): number {
  const { from, to } = Y.parseUpdateMeta(update);
  let extent = 0;
  for (const [client, clock] of to) extent += clock - (from.get(client) ?? 0);
  return extent;
}
