import { route } from "../route.ts";
import { Observable, useValue } from "./observable.ts";
import { Icon } from "./icons.tsx";

export interface Toast {
  id: number;
  kind: "info" | "success" | "warning" | "error";
  text: string;
  /** Where a click leads. */
  href?: string;
  /** What it is about: the next one about it takes its place. */
  key?: string;
  /** How many it stands for. */
  count: number;
  /** What can be done about it, as long as it is shown. */
  action?: { text: string; act(): void };
}

const SHOWN_MS = 6_000;
/** Somebody has to read it, to decide, and to get there. */
const OFFERED_MS = 12_000;
const MAX_SHOWN = 4;
const toasts = new Observable<readonly Toast[]>([]);
let lastId = 0;

export function toast(text: string, kind: Toast["kind"] = "info", href?: string): void {
  show({ kind, text, count: 1, ...(href !== undefined && { href }) }, SHOWN_MS);
}

/** Tells what has been done, with a button beside it: to take it back, as a rule. */
export function offer(text: string, action: { text: string; act(): void }): void {
  show({ kind: "info", text, count: 1, action }, OFFERED_MS);
}

/**
 * Tells of one more thing of a kind: `textOf` is given how many have come since the last one was
 * closed. Returns that number.
 */
export function toastMerged(
  textOf: (count: number) => string,
  { key, href }: { key: string; href: string },
): number {
  const count = (toasts.value.find((other) => other.key === key)?.count ?? 0) + 1;
  toasts.value = toasts.value.filter((other) => other.key !== key);
  show({ kind: "info", text: textOf(count), count, href, key }, SHOWN_MS);
  return count;
}

function show(told: Omit<Toast, "id">, shownMs: number): void {
  const id = ++lastId;
  toasts.value = [...toasts.value, { id, ...told }].slice(-MAX_SHOWN);
  setTimeout(() => close(id), shownMs);
}

/** What one person was told is not the next one's to read. */
export function closeToasts(): void {
  toasts.value = [];
}

// Who has got there, by whichever way, need not be told of it any more.
route.subscribe(() => {
  toasts.value = toasts.value.filter(({ href }) => href !== location.hash);
});

function close(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

/** What has happened elsewhere, in a corner, read aloud by screen readers. */
export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {useValue(toasts).map(({ id, kind, text, href, action }) => (
        <div key={id} class={`toast ${kind}`}>
          {href
            ? (
              <a
                href={href}
                onClick={() => close(id)}
              >
                {text}
              </a>
            )
            : <span>{text}</span>}
          {action && (
            <button
              type="button"
              class="link"
              onClick={() => {
                close(id);
                action.act();
              }}
            >
              {action.text}
            </button>
          )}
          <button
            type="button"
            class="icon-button"
            aria-label="Close"
            onClick={() =>
              close(id)}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
