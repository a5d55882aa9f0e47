/**
 * An Enter that ends an input method's composition chooses a word; it never sends.
 *
 * Chromium and Firefox tell so by `isComposing`. Safari ends the composition first and presses Enter
 * afterwards, with the key code 229 that stands for "the input method has it".
 */
export function isOfComposition({ isComposing, keyCode }: KeyboardEvent): boolean {
  return isComposing || keyCode === 229;
}

/**
 * Keeps such an Enter from every field of the page, and from the form that it would submit: no field
 * has to think of it. The editor of notes is no field of a form, and asks by itself.
 */
export function guardCompositions(): void {
  addEventListener("keydown", (event) => {
    const isField = event.target instanceof HTMLInputElement ||
      event.target instanceof HTMLTextAreaElement;
    if (event.key !== "Enter" || !isField || !isOfComposition(event)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, { capture: true });
}
