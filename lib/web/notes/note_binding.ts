/**
 * The editor's document and the shared one, kept the same without loss.
 *
 * y-prosemirror 1.3.7 deletes from the shared document whatever the schema does not take, for
 * everybody (y-prosemirror issues 39 and 184). Here its reading and writing are replaced: what has
 * no place is shown as an unknown node, and only a person's edit is written, where it was made.
 */
import { Fragment, type Node, type Schema, Slice } from "prosemirror-model";
import { AllSelection, NodeSelection, TextSelection, type Transaction } from "prosemirror-state";
import type { EditorView } from "prosemirror-view";
import {
  getRelativeSelection,
  type ProsemirrorBinding,
  relativePositionToAbsolutePosition,
  ySyncPlugin,
  ySyncPluginKey,
} from "y-prosemirror";
import * as Y from "yjs";
import { type Mapping, SharedReader } from "./note_reader.ts";
import { SharedWriter } from "./note_writer.ts";

class NoteBinding {
  readonly #binding: ProsemirrorBinding;
  readonly #fragment: Y.XmlFragment;
  readonly #reader: SharedReader;
  readonly #writer: SharedWriter;
  /** The document of the editor that the shared one says. */
  #shown: Node | undefined;

  constructor(binding: ProsemirrorBinding, fragment: Y.XmlFragment, schema: Schema) {
    this.#binding = binding;
    this.#fragment = fragment;
    const mapping = binding.mapping as unknown as Mapping;
    this.#reader = new SharedReader(mapping, schema);
    this.#writer = new SharedWriter(mapping);
  }

  get #view(): EditorView | null {
    return this.#binding.prosemirrorView;
  }

  /** Shows all of the shared document anew. */
  rerender(): void {
    this.#binding.mapping.clear();
    this.#binding.mux(() => this.#show((transaction) => transaction));
  }

  /** Shows what others, or undo, have changed. */
  sharedChanged(transaction: Y.Transaction): void {
    this.#binding.mux(() => {
      Y.iterateDeletedStructs(transaction, transaction.deleteSet, (struct) => {
        if (struct instanceof Y.Item && struct.content instanceof Y.ContentType) {
          this.#binding.mapping.delete(struct.content.type);
        }
      });
      for (const type of transaction.changed.keys()) this.#binding.mapping.delete(type as never);
      for (const type of transaction.changedParentTypes.keys()) {
        this.#binding.mapping.delete(type as never);
      }
      const isUndoRedoOperation = transaction.origin instanceof Y.UndoManager;
      this.#show((shown) => this.#select(shown), { isUndoRedoOperation });
    });
  }

  /** Writes what a person has changed. */
  editorChanged(doc: Node): void {
    // A selection that moves, and what an editor adds to an empty document, are no edits.
    if (doc === this.#shown) return;
    this.#shown = doc;
    this.#fragment.doc?.transact(() => {
      this.#writer.write(this.#fragment, doc);
      const view = this.#view;
      if (view) {
        this.#binding.beforeTransactionSelection = getRelativeSelection(this.#binding, view.state);
      }
    }, ySyncPluginKey);
  }

  #show(change: (transaction: Transaction) => Transaction, meta: object = {}): void {
    const view = this.#view;
    if (!view) return;
    const content = Fragment.from(this.#reader.read(this.#fragment));
    const { tr, doc } = view.state;
    tr.replace(0, doc.content.size, new Slice(content, 0, 0));
    tr.setMeta("addToHistory", false)
      .setMeta(ySyncPluginKey, { isChangeOrigin: true, binding: this.#binding, ...meta });
    view.dispatch(change(tr));
    this.#shown = view.state.doc;
  }

  /** Puts the selection where it was between the same characters. */
  #select(transaction: Transaction): Transaction {
    const { beforeTransactionSelection: before, doc, mapping } = this.#binding;
    if (!before) return transaction;
    const { size } = transaction.doc.content;
    const [anchor, head] = [before.anchor, before.head].map((position) => {
      if (!position) return undefined;
      const at = relativePositionToAbsolutePosition(doc, this.#fragment, position, mapping);
      return at === null ? undefined : Math.min(Math.max(at, 0), size);
    });
    if (before.type === "all") return transaction.setSelection(new AllSelection(transaction.doc));
    if (anchor === undefined || head === undefined) return transaction;
    const [$anchor, $head] = [transaction.doc.resolve(anchor), transaction.doc.resolve(head)];
    if (before.type === "node" && $anchor.nodeAfter) {
      return transaction.setSelection(new NodeSelection($anchor));
    }
    return transaction.setSelection(TextSelection.between($anchor, $head));
  }
}

/** y-prosemirror's plugin, reading and writing without loss; its cursors and undo work with it. */
export function lossless(
  fragment: Y.XmlFragment,
  schema: Schema,
): ReturnType<typeof ySyncPlugin> {
  const plugin = ySyncPlugin(fragment);
  const { binding } = plugin.spec.state.init() as { binding: ProsemirrorBinding };
  const ours = new NoteBinding(binding, fragment, schema);
  binding._forceRerender = () => ours.rerender();
  binding._prosemirrorChanged = (doc: Node) => ours.editorChanged(doc);
  binding._observeFunction = (_events: unknown, transaction: Y.Transaction) =>
    ours.sharedChanged(transaction);
  return plugin;
}
