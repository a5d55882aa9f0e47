/** Why a task's signal fires when somebody has stopped it; any other reason is the server's own. */
export const STOPPED = new DOMException("Somebody has stopped it.", "AbortError");
