import type { ToolData } from "../protocol/chat_events.ts";
import { ClientError } from "./errors.ts";

const TIME_LIMIT_MS = 60_000;

interface Operation {
  path: string;
  method: string;
}

/** Where an OpenAPI server has the operation. Throws `not_found` when it names none. */
function operationOf({ name, server }: ToolData): Operation {
  const known = server.operations?.[name];
  if (known) return known;
  for (const [path, methods] of Object.entries(server.openapi?.paths ?? {})) {
    for (const [method, { operationId }] of Object.entries(methods)) {
      if (operationId === name) return { path, method };
    }
  }
  throw new ClientError("not_found", `The tool server has no operation "${name}".`);
}

const isDots = (segment: string) => /^(\.|%2e){1,2}$/i.test(segment);

/**
 * Calls an HTTP tool (`execute:tool`) once the person has agreed. What is not part of the path goes
 * into the query of a GET and into the body of anything else. The page's own token is never sent.
 *
 * Throws `forbidden` without consent, `provider_error` when the tool refuses.
 */
export async function runTool(
  tool: ToolData,
  options: { consent: (tool: ToolData) => Promise<boolean>; apiKey?: string },
): Promise<unknown> {
  const { path, method } = operationOf(tool);
  const base = new URL(tool.server.url);
  if (!/^https?:$/.test(base.protocol)) {
    throw new ClientError("invalid_payload", "server.url: must be http or https");
  }
  if (!await options.consent(tool)) {
    throw new ClientError("forbidden", "The user did not allow this tool.");
  }
  const rest = new Map(Object.entries(tool.params ?? {}));
  const filled = path.replace(/\{([^}]+)\}/g, (_, name: string) => {
    const value = encodeURIComponent(String(rest.get(name) ?? ""));
    rest.delete(name);
    return value;
  });
  // A whole segment of dots means another place, however it is written (WHATWG URL, 4.4).
  if (filled !== path && filled.split("/").some(isDots)) {
    throw new ClientError("invalid_payload", "params: a part of the path may not be . or ..");
  }
  const url = new URL(base.href.replace(/\/$/, "") + filled);
  const isGet = method.toLowerCase() === "get";
  if (isGet) { for (const [name, value] of rest) url.searchParams.set(name, String(value)); }
  const response = await fetch(url, {
    method: method.toUpperCase(),
    credentials: "omit",
    signal: AbortSignal.timeout(TIME_LIMIT_MS),
    headers: {
      ...(isGet ? {} : { "content-type": "application/json" }),
      ...(options.apiKey ? { authorization: `Bearer ${options.apiKey}` } : {}),
    },
    ...(isGet ? {} : { body: JSON.stringify(Object.fromEntries(rest)) }),
  });
  const text = await response.text();
  if (!response.ok) {
    throw new ClientError("provider_error", `The tool answered ${response.status}: ${text}`);
  }
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
