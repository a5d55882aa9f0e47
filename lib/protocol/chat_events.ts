/** What each type of the event `events` carries (docs/protocol.md, section 5), for both ends of the wire. */
import type { ChatSummary } from "./chat.ts";
import type { CompletionData } from "./events.ts";
import type { Viewer } from "./user.ts";
import type { StreamChannel } from "./wire_events.ts";

/** A line of a message's progress, such as "searching". */
export interface StatusData {
  /** What goes on, in words. */
  description?: string;
  /** Whether this step is over. */
  done?: boolean;
  /** Whether it is not to be shown. */
  hidden?: boolean;
  /** What a tool says beside, such as the addresses it has read. */
  [name: string]: unknown;
}

/** Words that are shown for a moment. */
export interface NotificationData {
  /** How it is meant. Default: `info`. */
  type?: "info" | "success" | "warning" | "error";
  /** The words. */
  content: string;
}

/** A source that the answer rests on. */
export interface SourceData {
  /** Of a source that is none: what it is instead, such as `code_execution`. */
  type?: string;
  /** What it is called, and where it is. */
  source?: { name?: string; url?: string };
  /** The parts that were used. */
  document?: string[];
  /** What is known of each part, in their order. */
  metadata?: Record<string, unknown>[];
  /** What a tool says beside. */
  [name: string]: unknown;
}

/** Asks for a yes or a no; the ack is a boolean. */
export interface ConfirmationData {
  /** The heading of the dialog. */
  title?: string;
  /** The question. */
  message?: string;
}

/** Asks for a text; the ack is the text, or `false`. */
export interface InputData extends ConfirmationData {
  /** What stands in the empty field. */
  placeholder?: string;
  /** What stands in the field to begin with. */
  value?: string;
}

/** Python to run in the browser. */
export interface PythonData {
  /** The caller's name for this run. */
  id?: string;
  /** The session that is asked. */
  session_id?: string;
  /** The Python that is run. */
  code: string;
}

/** The ack of `execute:python`. */
export interface PythonResult {
  /** What the code printed. */
  stdout: string;
  /** What it printed as errors; an exception is told here. */
  stderr: string;
  /** The value of the last expression, as Python shows it. */
  result: string | null;
  /** What the code wrote into its folder: data URLs. */
  files: { name: string; type: string; url: string }[];
}

/** An HTTP tool to call from the browser (OpenAPI: `operationId` and its parameters). */
export interface ToolData {
  /** The caller's name for this call. */
  id?: string;
  /** The session that is asked. */
  session_id?: string;
  /** The operation's id. */
  name: string;
  /** The operation's parameters, by their names. */
  params?: Record<string, unknown>;
  /** Where the tool is. */
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
  /** The session that is asked. */
  session_id?: string;
  /** The event under which the lines are sent back. */
  channel: StreamChannel;
  /** The body for the provider, in OpenAI's shape. */
  form_data: { model: string; messages: unknown[]; [parameter: string]: unknown };
  /** The model as the client has listed it. */
  model?: unknown;
}

/** What lists show of a chat has changed; Open WebUI's own server says less, or nothing. */
export interface ChatListData {
  /**
   * `said`: there may be other messages; `marked`: its title, a pin, whether it is read; `deleted`: it
   * is gone. Left out: anything.
   */
  reason?: "said" | "marked" | "deleted";
  /** What there is now. */
  chat?: ChatSummary;
  /** Which chat it is. */
  chat_id?: string;
  /** It has been read, in unix seconds. */
  last_read_at?: number;
}

/** The data of each type. */
export interface ChatEventTypes {
  /** The answer's text grows, or has ended. */
  "chat:completion": CompletionData;
  /** The chat has a title. */
  "chat:title": string;
  /** The chat has got tags. */
  "chat:tags": unknown;
  /** Who looks at the chat just now. */
  "chat:presence": { users: Viewer[] };
  /** An answer has begun in the chat, or all have ended. */
  "chat:active": { active: boolean };
  /** What lists show of the chat has changed, or there are other messages in it. */
  "chat:list": ChatListData | undefined;
  /** A line of progress, added to the message's. */
  status: StatusData;
  /** Text that is added to the message. */
  message: { content: string };
  /** Text that takes the place of the message's. */
  replace: { content: string };
  /** Things to be shown within the message; with `replace`, instead of those before. */
  embeds: { embeds: unknown[]; replace?: boolean };
  /** Files of the message. */
  files: { files: unknown[] };
  /** A source that the answer rests on. */
  source: SourceData;
  /** The same under its older name. */
  citation: SourceData;
  /** Words that are shown for a moment. */
  notification: NotificationData;
  /** A question for the person; waits for an ack. */
  confirmation: ConfirmationData;
  /** Asks the person for a text; waits for an ack. */
  input: InputData;
  /** Python to run in this browser; waits for an ack. */
  "execute:python": PythonData;
  /** A tool to call from this browser; waits for an ack. */
  "execute:tool": ToolData;
  /** A model to run from this browser; waits for an ack. */
  "request:chat:completion": BrowserCompletionData;
}
/** The name of a type of `events`. */
export type ChatEventType = keyof ChatEventTypes;
