/** Hocuspocus as its documentation starts it, with a check of the token; nothing is stored. */
import process from "node:process";
import { Server } from "@hocuspocus/server";
import { jwtVerify } from "jose";
import { obey } from "./control.mjs";

const key = new TextEncoder().encode(process.env.BENCH_SECRET_KEY);
const server = new Server({
  address: "127.0.0.1",
  port: 0,
  quiet: true,
  stopOnSignals: false,
  async onAuthenticate({ token }) {
    const { payload } = await jwtVerify(token, key, { algorithms: ["HS256"] });
    return { user: payload };
  },
});
await server.listen(0);
await obey({
  io: { socketsJoin() {} },
  port: server.address.port,
  collectGarbage: () => globalThis.gc(),
  signedIn: () => server.hocuspocus.getConnectionsCount(),
});
process.exit();
