/** What the tests of the client share: a client of the library, on a way that can be cut. */
import { type ChatEventHandler, chatEventHandler, type ChatHooks } from "../../lib/client/chats.ts";
import { connect } from "../../lib/client/connect.ts";
import type { Connection, ConnectOptions } from "../../lib/client/connection.ts";
import { until } from "../support/until.ts";

export interface LibraryClient extends AsyncDisposable {
  connection: Connection;
  chats: ChatEventHandler;
}

/** Connects with the library; resolves once it is online. */
export async function libraryClient(
  options: ConnectOptions,
  hooks: ChatHooks = {},
): Promise<LibraryClient> {
  const connection = connect({ reconnectionDelayMs: 20, reconnectionDelayMaxMs: 60, ...options });
  const chats = chatEventHandler(connection, hooks);
  await until(() => connection.status.state === "online", { what: "the connection" });
  return {
    connection,
    chats,
    async [Symbol.asyncDispose]() {
      chats[Symbol.dispose]();
      connection.close();
      await until(() => connection.isIdle, { what: "the end of the connection" });
    },
  };
}
