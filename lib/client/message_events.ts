import type { OtherChatEvent } from "./chats.ts";

/** The parts of a message that events change beside its streamed text. */
export interface MessageParts {
  content: string;
  statusHistory?: unknown[];
  sources?: unknown[];
  files?: unknown[];
  embeds?: unknown[];
}

/** What the server stores for an event, done to the message on the page (docs/protocol.md, section 6). */
export function changedMessage<M extends MessageParts>(message: M, event: OtherChatEvent): M {
  switch (event.type) {
    case "status":
      return { ...message, statusHistory: [...message.statusHistory ?? [], event.data] };
    case "message":
      return { ...message, content: message.content + event.data.content };
    case "replace":
      return { ...message, content: event.data.content };
    case "embeds": {
      const before = event.data.replace ? [] : message.embeds ?? [];
      return { ...message, embeds: [...before, ...event.data.embeds] };
    }
    case "files":
      return { ...message, files: [...message.files ?? [], ...event.data.files] };
    case "source":
    case "citation":
      if (event.data.type) return message;
      return { ...message, sources: [...message.sources ?? [], event.data] };
    default:
      return message;
  }
}
