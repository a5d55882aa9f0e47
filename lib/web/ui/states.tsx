import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "./icons.tsx";

/** Bars where the content will be; shown only if it takes longer than a blink. */
export function Loading({ what }: { what: string }) {
  return (
    <div class="loading" role="status" aria-label={`Loading ${what}`}>
      <i></i>
      <i></i>
      <i></i>
    </div>
  );
}

export function EmptyState(
  { icon, title, children }: { icon: IconName; title: string; children?: ComponentChildren },
) {
  return (
    <div class="empty">
      <span class="empty-icon">
        <Icon name={icon} />
      </span>
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function ErrorState({ text, onRetry }: { text: string; onRetry?: () => void }) {
  return (
    <div class="empty" role="alert">
      <h2>That did not work</h2>
      <p>{text}</p>
      {onRetry && <button type="button" class="quiet" onClick={onRetry}>Try again</button>}
    </div>
  );
}
