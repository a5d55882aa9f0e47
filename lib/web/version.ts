import { Observable } from "./ui/observable.ts";

/** Whether the server has pages of another version than these. */
export const isOutdated = new Observable(false);

let checking: Promise<void> | undefined;

/** Compares what the server would load now with what was loaded. Never rejects. */
export function checkVersion(): Promise<void> {
  return checking ??= check().finally(() => checking = undefined);
}

async function check(): Promise<void> {
  const own = entryOf(document);
  if (own === undefined || isOutdated.value) return;
  const answer = await fetch("./", { cache: "no-store", headers: { accept: "text/html" } })
    .catch(() => undefined);
  if (!answer?.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const newest = entryOf(page);
  if (newest !== undefined && newest !== own) isOutdated.value = true;
}

/** The name of the main script holds its content's hash. */
const entryOf = (page: Document) =>
  page.querySelector<HTMLScriptElement>("head script[type=module]")?.getAttribute("src") ??
    undefined;

/** A part of the pages could not be loaded: there is no connection, or a deploy has replaced it. */
export function assetFailed(): void {
  void checkVersion();
}
