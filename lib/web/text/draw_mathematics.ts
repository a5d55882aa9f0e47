import { assetFailed } from "../version.ts";

type Katex = typeof import("katex").default;

/** Formulas are drawn for so long at a time, in milliseconds; the rest of a long text follows. */
const SLICE_MS = 12;
const MAX_KEPT = 300;
let loaded: Katex | undefined;
let loading: Promise<void> | undefined;
/** Formulas as they were drawn last: a text that streams is drawn again at each word. */
const drawn = new Map<string, HTMLElement>();

async function load(): Promise<void> {
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = document.body.dataset.katex ?? "";
  const styled = new Promise<void>((resolve, reject) => {
    style.onload = () => resolve();
    style.onerror = () => reject(new Error("The style of formulas can't be loaded."));
  });
  document.head.append(style);
  try {
    const [{ default: katex }] = await Promise.all([import("katex"), styled]);
    loaded = katex;
  } catch (thrown) {
    style.remove();
    loading = undefined;
    throw thrown;
  }
}

/** Draws the formulas in a part of the page: at once if what draws them is there, or soon. */
export function drawMathematics(root: HTMLElement): void {
  const waiting = [...root.querySelectorAll<HTMLElement>(".math-inline, .math-display")]
    .filter((element) => element.firstElementChild === null);
  if (waiting.length === 0) return;
  if (loaded) return drawSome(waiting, loaded);
  loading ??= load();
  loading.then(() => loaded && drawSome(waiting, loaded), assetFailed);
}

function drawSome(waiting: HTMLElement[], katex: Katex): void {
  const end = performance.now() + SLICE_MS;
  while (waiting.length > 0 && performance.now() < end) {
    const element = waiting.shift();
    if (element?.isConnected) draw(element, katex);
  }
  if (waiting.length > 0) setTimeout(() => drawSome(waiting, katex));
}

/** A formula that is none stays as it was written, and says why. */
function draw(element: HTMLElement, katex: Katex): void {
  const tex = element.textContent ?? "";
  const displayMode = element.classList.contains("math-display");
  const key = `${displayMode}${tex}`;
  const known = drawn.get(key);
  if (known) return element.replaceChildren(...known.cloneNode(true).childNodes);
  const options = {
    displayMode,
    maxSize: 40,
    maxExpand: 500,
    trust: false,
    strict: "ignore",
  } as const;
  try {
    katex.render(tex, element, options);
  } catch (thrown) {
    element.replaceChildren(tex);
    element.title = thrown instanceof Error ? thrown.message : String(thrown);
    return;
  }
  if (drawn.size >= MAX_KEPT) drawn.clear();
  drawn.set(key, element.cloneNode(true) as HTMLElement);
}
