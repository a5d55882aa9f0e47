import { AppError } from "../common/errors.ts";

/** Answers of a server that is about to be another, or about to be ready. */
const PASSING =
  /^(READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|UNBLOCKED|NOREPLICAS|NOMASTERLINK)\b/;
/** Answers of a server that is there but can't serve now; sending again at once would not help. */
const BUSY = /^(OOM|BUSY|MISCONF|NOPERM)\b/;

/** Whether the server itself said no. */
function isReply(error: Error): boolean {
  return error.name === "ReplyError";
}

/**
 * Whether the command may succeed when it is sent again: the connection was lost, or the master
 * changed. What this process did wrong, and what the server refuses for good, is not.
 */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof AppError) return false;
  if (isReply(error)) return PASSING.test(error.message);
  // Whatever else the client throws tells of its connection; these are the language's own.
  return !(error instanceof TypeError || error instanceof RangeError ||
    error instanceof SyntaxError);
}

/** Whether the connection was lost under a command. */
export function isLost(error: unknown): boolean {
  return isPassing(error) && !isReply(error as Error);
}

/** Whether the server says no for good, as to what the user may not do. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Error && isReply(error) && !isPassing(error);
}

export function isReadonly(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("READONLY");
}

export function isNoScript(error: unknown): boolean {
  return error instanceof Error && isReply(error) && error.message.startsWith("NOSCRIPT");
}

/** What a caller gets to see: `unavailable` for a store that can't be reached, else `internal`. */
export function asStoreError(error: unknown): unknown {
  if (isPassing(error)) {
    return new AppError("unavailable", "Redis can't be reached.", { cause: error });
  }
  if (error instanceof Error && isReply(error)) {
    const busy = BUSY.test(error.message);
    return busy
      ? new AppError("unavailable", "Redis can't serve now.", { cause: error })
      : new AppError("internal", "Redis refused a command.", { cause: error });
  }
  return error;
}
