import { type Context, Hono } from "hono";
import type { HttpEnv } from "./http_env.ts";

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
}

const requesterOf = (c: Context<HttpEnv>): Requester => {
  const { id, role } = c.get("user");
  return { userId: id, admin: role === "admin" };
};

/** `/api/tasks` (protocol, sections 8 and 11): one's own tasks; an admin sees and stops all. */
export function taskRoutes({ tasks }: TaskRoutesOptions): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  // Open WebUI's client shows the `detail` of what failed.
  const answer = (c: Context<HttpEnv>, stopped: StopAnswer) =>
    stopped.status ? c.json(stopped) : c.json({ ...stopped, detail: stopped.message }, 404);

  routes.get("/", async (c) => c.json({ tasks: await tasks.list(requesterOf(c)) }));
  routes.get(
    "/chat/:chatId",
    async (c) => c.json({ task_ids: await tasks.listItem(c.req.param("chatId"), requesterOf(c)) }),
  );
  routes.post(
    "/stop/:id",
    async (c) => answer(c, await tasks.stop(c.req.param("id"), requesterOf(c))),
  );
  routes.post(
    "/chat/:chatId/stop",
    async (c) => answer(c, await tasks.stopItem(c.req.param("chatId"), requesterOf(c))),
  );
  return routes;
}
