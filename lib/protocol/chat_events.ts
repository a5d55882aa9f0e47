/** What each type of the event `events` carries (docs/protocol.md, section 5), for both ends of the wire. */
import type { CompletionData } from "./events.ts";
import type { StreamChannel } from "./wire_events.ts";

/** A line of a message's progress, such as "searching". */
export interface StatusData {
  description?: string;
  done?: boolean;
  hidden?: boolean;
  [name: string]: unknown;
}

export interface NotificationData {
  type?: "info" | "success" | "warning" | "error";
  content: string;
}

/** A source that the answer rests on. */
export interface SourceData {
  type?: string;
  source?: { name?: string; url?: string };
  document?: string[];
  metadata?: Record<string, unknown>[];
  [name: string]: unknown;
}

/** Asks for a yes or a no; the ack is a boolean. */
export interface ConfirmationData {
  title?: string;
  message?: string;
}

/** Asks for a text; the ack is the text, or `false`. */
export interface InputData extends ConfirmationData {
  placeholder?: string;
  value?: string;
}

/** Python to run in the browser. */
export interface PythonData {
  id?: string;
  session_id?: string;
  code: string;
}

/** The ack of `execute:python`. */
export interface PythonResult {
  stdout: string;
  stderr: string;
  /** The value of the last expression, as Python shows it. */
  result: string | null;
  /** What the code wrote into its folder: data URLs. */
  files: { name: string; type: string; url: string }[];
}

/** An HTTP tool to call from the browser (OpenAPI: `operationId` and its parameters). */
export interface ToolData {
  id?: string;
  session_id?: string;
  name: string;
  params?: Record<string, unknown>;
  server: {
    url: string;
    /** Path and method of each operation, by its id. */
    operations?: Record<string, { path: string; method: string }>;
    openapi?: { paths?: Record<string, Record<string, { operationId?: string }>> };
    [name: string]: unknown;
  };
}

/** Asks the browser to run a model with the user's own key (docs/protocol.md, section 6). */
export interface BrowserCompletionData {
  session_id?: string;
  /** The event under which the lines are sent back. */
  channel: StreamChannel;
  form_data: { model: string; messages: unknown[]; [parameter: string]: unknown };
  model?: unknown;
}

/** The data of each type. */
export interface ChatEventTypes {
  "chat:completion": CompletionData;
  "chat:title": string;
  "chat:tags": unknown;
  "chat:active": { active: boolean };
  "chat:list": undefined;
  status: StatusData;
  message: { content: string };
  replace: { content: string };
  embeds: { embeds: unknown[]; replace?: boolean };
  files: { files: unknown[] };
  source: SourceData;
  citation: SourceData;
  notification: NotificationData;
  confirmation: ConfirmationData;
  input: InputData;
  "execute:python": PythonData;
  "execute:tool": ToolData;
  "request:chat:completion": BrowserCompletionData;
}
export type ChatEventType = keyof ChatEventTypes;
