const FOCUSABLE = 'a[href], :is(button, input, select, textarea):not(:disabled), [tabindex="0"]';

/** What had the focus last, with what it stood in, the nearest first. */
let path: Element[] = [];
/** Which of the things that can have the focus it was there. */
let places: number[] = [];

const focusablesIn = (element: Element) => [...element.querySelectorAll<HTMLElement>(FOCUSABLE)];
const isLost = () => document.activeElement === null || document.activeElement === document.body;

/** Gives the focus to what stands where the lost one was, in the nearest part of the page that is left. */
function recover(): void {
  const [last] = path;
  if (!last || last.isConnected || !isLost()) return;
  for (const [at, element] of path.entries()) {
    if (!element.isConnected) continue;
    // So far up, the page's own content is nearer than whatever comes first; it may still be loading.
    if (element.querySelector("main, .skip")) break;
    const choices = focusablesIn(element);
    const next = choices[Math.min(places[at] ?? 0, choices.length - 1)];
    next?.focus({ preventScroll: true });
    if (!isLost()) return;
  }
  document.querySelector<HTMLElement>("main")?.focus({ preventScroll: true });
}

/**
 * Whatever has the focus and is taken out of the page (a dialog that ends, an entry that is deleted, a
 * page that is left) gives it to its neighbour: it never falls to the body, from where Tab begins anew.
 */
export function keepFocus(): void {
  addEventListener("focusin", ({ target }) => {
    if (!(target instanceof Element) || target === document.body) return;
    path = [];
    places = [];
    for (let at: Element | null = target; at; at = at.parentElement) {
      path.push(at);
      // Far up, the place says little, and costs a walk through the whole page.
      places.push(path.length <= 4 ? Math.max(0, focusablesIn(at).indexOf(target as never)) : 0);
    }
  });
  new MutationObserver(recover).observe(document.body, { childList: true, subtree: true });
}

/** Gives the focus back to where it was before something stood over it, once that has gone. */
export function giveFocus(element: Element | null): void {
  // Drawn anew by then.
  requestAnimationFrame(() => {
    if (element instanceof HTMLElement && element.isConnected && element !== document.body) {
      element.focus();
    }
    if (isLost()) document.querySelector<HTMLElement>("main")?.focus({ preventScroll: true });
  });
}
