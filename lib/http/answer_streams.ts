import { Hono } from "hono";
import { AppError } from "../common/errors.ts";
import { type AnswerEvent, answerEvents } from "../completions/answer_events.ts";
import type { ChatMessage } from "../protocol/chat.ts";
import type { ResumeAnswer } from "../protocol/events.ts";
import type { HttpEnv, TokenClaims } from "./http_env.ts";
import type { ReaderPlaces } from "./reader_places.ts";

interface Wanted {
  userId: string;
  chatId: string;
  messageId: string;
}

export interface AnswerStreamRoutesOptions {
  /** Throws `not_found` for a chat of somebody else. */
  requireChat(userId: string, chatId: string): Promise<unknown>;
  /** Whether the token still counts. */
  stillCounts(claims: TokenClaims): Promise<boolean>;
  message(chatId: string, messageId: string): Promise<ChatMessage | undefined>;
  resume(wanted: Wanted & { after?: number; generation?: string }): Promise<ResumeAnswer>;
  places: ReaderPlaces;
}

const encoder = new TextEncoder();

/** `GET /{chat}/messages/{message}/stream`: an answer without a socket (docs/protocol.md, section 7). */
export function answerStreamRoutes(options: AnswerStreamRoutesOptions): Hono<HttpEnv> {
  const { requireChat, stillCounts, message, resume, places } = options;
  const routes = new Hono<HttpEnv>();
  routes.get("/:id/messages/:messageId/stream", async (c) => {
    const { id: chatId, messageId } = c.req.param();
    const { id: userId } = c.get("user");
    const claims = c.get("claims");
    const wanted = { userId, chatId, messageId };
    await requireChat(userId, chatId);
    const place = places.take(userId);
    const left = new AbortController();
    const events = answerEvents({
      resume: (after) => resume({ ...wanted, ...after }),
      async stored() {
        const found = await message(chatId, messageId);
        if (!found) throw new AppError("not_found", "There is no such message.");
        return found;
      },
      async check() {
        if (!await stillCounts(claims)) {
          throw new AppError("unauthenticated", "Sign in: the token no longer counts.");
        }
        await requireChat(userId, chatId);
      },
      isInDoubt: () => place.takeDoubt(),
      lastEventId: c.req.header("last-event-id") ?? c.req.query("last_event_id"),
      signal: AbortSignal.any([c.req.raw.signal, left.signal]),
    });
    const end = () => {
      left.abort();
      place[Symbol.dispose]();
    };
    try {
      const first = await events.next();
      // Who has all of it is told so in a way that ends an EventSource (HTML, 9.2.3).
      if (first.done) {
        end();
        return c.body(null, 204);
      }
      return new Response(bodyOf(first.value, events, end), {
        headers: {
          "content-type": "text/event-stream",
          "cache-control": "no-store",
          // Of nginx: what is held back until a buffer is full is no stream.
          "x-accel-buffering": "no",
        },
      });
    } catch (thrown) {
      end();
      throw thrown;
    }
  });
  return routes;
}

/** Made as it is read: nothing waits here for a reader that is slow. */
function bodyOf(
  first: AnswerEvent | undefined,
  events: AsyncGenerator<AnswerEvent | undefined, void, void>,
  end: () => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let next: Promise<IteratorResult<AnswerEvent | undefined, void>> | undefined = Promise.resolve({
    value: first,
  });
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await (next ?? events.next());
        next = undefined;
        if (!done) return controller.enqueue(encoder.encode(textOf(value)));
      } catch (thrown) {
        if (!(thrown instanceof AppError)) {
          end();
          throw thrown;
        }
        const { code, message } = thrown;
        controller.enqueue(
          encoder.encode(`event: error\ndata: ${JSON.stringify({ code, message })}\n\n`),
        );
      }
      end();
      controller.close();
    },
    cancel: end,
  }, { highWaterMark: 0 });
}

function textOf(event: AnswerEvent | undefined): string {
  return event ? `id: ${event.id}\ndata: ${JSON.stringify(event.data)}\n\n` : ":\n\n";
}
