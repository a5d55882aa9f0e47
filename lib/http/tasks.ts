import { type Context, Hono } from "hono";
import * as v from "valibot";
import { IdSchema } from "../protocol/schemas/chat.ts";
import type { HttpEnv } from "./http_env.ts";
import { readJson } from "./json_body.ts";

interface Requester {
  userId: string;
  admin: boolean;
}

interface StopAnswer {
  status: boolean;
  message: string;
}

/** What the routes need of the tasks. */
export interface TaskRoutesOptions {
  tasks: {
    list(requester: Requester): Promise<string[]>;
    listItem(itemId: string, requester: Requester): Promise<string[]>;
    stop(taskId: string, requester: Requester): Promise<StopAnswer>;
    stopItem(itemId: string, requester: Requester): Promise<StopAnswer>;
  };
  /**
   * Stops answers that are no tasks yet, those of the named messages among them; says whether there
   * are, or will be, any.
   */
  stopEarly(
    chat: { userId: string; chatId: string },
    messageIds: readonly string[],
  ): Promise<boolean>;
}

/** What a stop may say: the messages whose answers it means, whether they have begun or not. */
const StopSchema = v.object({
  message_ids: v.optional(v.pipe(v.array(IdSchema), v.maxLength(16)), () => []),
});

const requesterOf = (c: Context<HttpEnv>): Requester => {
  const { id, role } = c.get("user");
  return { userId: id, admin: role === "admin" };
};

/** `/api/tasks` (docs/protocol.md, sections 8 and 11): one's own tasks; an admin sees and stops all. */
export function taskRoutes({ tasks, stopEarly }: TaskRoutesOptions): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  // Open WebUI's client shows the `detail` of what failed.
  const answer = (c: Context<HttpEnv>, stopped: StopAnswer) =>
    stopped.status
      ? c.json(stopped)
      : c.json({ ...stopped, code: "not_found", detail: stopped.message }, 404);

  routes.get("/", async (c) => c.json({ tasks: await tasks.list(requesterOf(c)) }));
  routes.get(
    "/chat/:chatId",
    async (c) => c.json({ task_ids: await tasks.listItem(c.req.param("chatId"), requesterOf(c)) }),
  );
  routes.post(
    "/stop/:id",
    async (c) => answer(c, await tasks.stop(c.req.param("id"), requesterOf(c))),
  );
  routes.post("/chat/:chatId/stop", async (c) => {
    const requester = requesterOf(c);
    const chatId = c.req.param("chatId");
    const hasBody = c.req.raw.body !== null && c.req.header("content-length") !== "0";
    const { message_ids } = hasBody ? await readJson(c, StopSchema) : { message_ids: [] };
    const isEarly = await stopEarly({ userId: requester.userId, chatId }, message_ids);
    const stopped = await tasks.stopItem(chatId, requester);
    return answer(
      c,
      isEarly && !stopped.status
        ? { status: true, message: `What is being asked in ${chatId} stop requested` }
        : stopped,
    );
  });
  return routes;
}
