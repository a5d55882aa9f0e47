import type { ChatMessage } from "../protocol/chat.ts";
import type { Messages } from "./chat_history.ts";

/** A model that can be asked. */
export interface AskedModel {
  /** The model's id, as `GET /api/models` names it. */
  id: string;
  /** It runs in this browser: the hook `complete` asks it. */
  isDirect?: boolean | undefined;
}

/** What a chat is asked with, the same on all devices. */
export interface ChatSetup {
  /** Ids of the models that were chosen for it; empty: none was. */
  readonly models: readonly string[];
  /** `system`, the prompt before all that is said, and what models know: `temperature`, … */
  readonly params: Readonly<Record<string, unknown>>;
}

/** What there is of a chat: a new object after each change. */
export interface ChatSnapshot {
  /** `undefined`: nothing has been said yet. */
  readonly id: string | undefined;
  /** The chat's title; empty until the server has made one. */
  readonly title: string;
  /** All branches; `undefined`: loading. */
  readonly messages: Messages | undefined;
  /** The messages of the branch that is shown, oldest first. */
  readonly branch: readonly ChatMessage[];
  /** Whether an answer is asked for or streams. */
  readonly isStreaming: boolean;
  /** Whether nothing can have been missed: only then may one ask. */
  readonly isCaughtUp: boolean;
  /** Why the chat could not be read, in words for a person. */
  readonly loadError: string | undefined;
  /** Whether there is no such chat (any more): what was read of it stays. */
  readonly isGone: boolean;
  /** Whether nobody keeps it: it ends with the model, and no other device has it. */
  readonly isTemporary: boolean;
  /** What its models are asked with. */
  readonly setup: ChatSetup;
  /** How often something was said here: one looks at what one has said. */
  readonly saidHere: number;
}

/** Which chat, and who wants to know when it gets its id. */
export interface ChatModelOptions {
  /** Default: a new one. */
  chatId?: string | undefined;
  /** Whether a new one is kept by nobody. Default: `false`. */
  isTemporary?: boolean | undefined;
  /**
   * Called once with the id of a chat that did not exist before: the place to put it into the
   * address.
   */
  onCreated?: ((chatId: string) => void) | undefined;
}
