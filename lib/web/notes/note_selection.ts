import { AllSelection, Plugin, Selection } from "prosemirror-state";

const TO_START = new Set(["ArrowLeft", "ArrowUp", "Home", "PageUp"]);
const TO_END = new Set(["ArrowRight", "ArrowDown", "End", "PageDown"]);

/**
 * Leaves the selection of all by a click or a key that moves the caret. Chromium does so itself,
 * unless the selection begins in what can't be edited: then all of a note that begins with an unknown
 * block would be replaced by the next letter.
 */
export const leavesAll = (): Plugin =>
  new Plugin({
    props: {
      handleClick(view, pos, { shiftKey }) {
        const { doc, selection, tr } = view.state;
        if (shiftKey || !(selection instanceof AllSelection)) return false;
        view.dispatch(tr.setSelection(Selection.near(doc.resolve(pos))));
        return true;
      },
      handleKeyDown(view, { key, shiftKey }) {
        const { doc, selection, tr } = view.state;
        const isMove = TO_START.has(key) || TO_END.has(key);
        if (shiftKey || !isMove || !(selection instanceof AllSelection)) return false;
        const to = TO_START.has(key) ? Selection.atStart(doc) : Selection.atEnd(doc);
        view.dispatch(tr.setSelection(to).scrollIntoView());
        return true;
      },
    },
  });
