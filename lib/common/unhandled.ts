import { errorText } from "./errors.ts";
import type { Logger } from "./logger.ts";

/**
 * A rejection that nobody awaited is logged with its stack, and ends nothing: it belongs to one
 * request, and the others are not to pay for it. Returns a way to stop listening.
 */
export function logUnhandledRejections(logger: Logger): Disposable {
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    const { reason } = event;
    const stack = reason instanceof Error ? reason.stack : undefined;
    logger.error("a rejection that nobody awaited", { error: errorText(reason), stack });
  };
  globalThis.addEventListener("unhandledrejection", onRejection);
  return {
    [Symbol.dispose]: () => globalThis.removeEventListener("unhandledrejection", onRejection),
  };
}
