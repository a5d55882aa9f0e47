/** Servers of which several make one service. */
import { join } from "node:path";
import { kvConnectAvailable } from "../../support/kv_connect_server.ts";
import { START_ENV } from "../../support/server_process.ts";
import { npmFolder, pipFolder, SERVERS } from "./install.ts";
import type { Launch, Peer } from "./peer.ts";

export const ALLOW_GC = "--v8-flags=--expose-gc";
/** With what the start task gives it. */
export const AS_STARTED = `${ALLOW_GC},--min-semi-space-size=16`;

const SECTIONS = ["instances"];
const OUR_SECTIONS = ["instances", "sweep", "round_trips", "cold_start"];
const DOCUMENT_SECTIONS = ["documents", "documents_crowd", "documents_join"];
const NPM_PACKAGES = {
  "socket.io": "4.8.4",
  "@socket.io/redis-adapter": "8.3.0",
  "socket.io-adapter": "2.5.8",
  "ioredis": "6.0.0",
  "jose": "6.2.17",
};
const PIP_PACKAGES = [
  "python-socketio==5.18.1",
  "redis==8.1.0",
  "uvicorn==0.54.0",
  "websockets==17.4",
  "uvloop==0.23.0",
  "httptools==0.9.0",
  "PyJWT==2.15.1",
];

/** The key prefix keeps peers that speak alike apart on the one Redis. */
function named(id: string, launch: Launch, env: Record<string, string> = {}): Launch {
  return { ...launch, env: { BENCH_KEY_PREFIX: `bench-${id}`, ...env } };
}

function ours(state: "redis" | "kv" | "kvconnect"): Launch {
  const flags = ["run", "--allow-all", "--quiet", AS_STARTED];
  const launch = { command: Deno.execPath(), args: [...flags, join(SERVERS, "instance.ts")] };
  return named(`ours-${state}`, launch, { ...START_ENV, BENCH_STATE: state });
}

/** What makes so many processes listen to one port. */
function onePort(instances: number): Record<string, string> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return {
    BENCH_STATE: "redis",
    BENCH_INSTANCES: `${instances}`,
    BENCH_PORT: `${listener.addr.port}`,
  };
}

const PYCRDT_PACKAGES = [
  "python-socketio==5.18.1",
  "pycrdt==0.14.13",
  "uvicorn==0.54.0",
  "websockets==17.4",
  "uvloop==0.23.0",
  "httptools==0.9.0",
  "PyJWT==2.15.1",
];

const packages = () => npmFolder("node-redis", NPM_PACKAGES);

export const INSTANCE_PEERS: readonly Peer[] = [
  {
    id: "ours-redis",
    title: "webui-realtime, Redis",
    sections: [...OUR_SECTIONS, "scale"],
    prepare: () => Promise.resolve(ours("redis")),
  },
  {
    id: "ours-two",
    title: "webui-realtime, two instances, Redis",
    sections: ["scale"],
    prepare: () => Promise.resolve(named("ours-two", ours("redis"), onePort(2))),
  },
  {
    id: "ours-kv",
    title: "webui-realtime, KV file",
    sections: [...OUR_SECTIONS, ...DOCUMENT_SECTIONS, "pauses"],
    prepare: () => Promise.resolve(ours("kv")),
  },
  {
    id: "ours-kvconnect",
    title: "webui-realtime, KV Connect",
    sections: SECTIONS,
    prepare: () =>
      kvConnectAvailable()
        ? Promise.resolve(ours("kvconnect"))
        : Promise.reject(new Error("denokv is not installed")),
  },
  {
    id: "ours-attachments",
    title: "webui-realtime, attachments",
    sections: DOCUMENT_SECTIONS,
    prepare: () => Promise.resolve(ours("kv")),
  },
  {
    id: "node-redis",
    title: "redis-adapter, Node",
    sections: SECTIONS,
    prepare: async () =>
      named("node", {
        command: "node",
        args: ["--expose-gc", "socket_io_redis.mjs"],
        cwd: await packages(),
      }),
  },
  {
    id: "deno-redis",
    title: "redis-adapter, Deno",
    sections: SECTIONS,
    prepare: async () =>
      named("deno", {
        command: Deno.execPath(),
        args: [
          ...["run", "--allow-all", "--quiet", "--no-config", "--node-modules-dir=manual"],
          ...["--v8-flags=--expose-gc", "socket_io_redis.mjs"],
        ],
        cwd: await packages(),
      }),
  },
  {
    id: "hocuspocus",
    title: "Hocuspocus with SQLite, Node",
    sections: DOCUMENT_SECTIONS,
    prepare: async () => ({
      command: "node",
      args: ["--expose-gc", "hocuspocus.mjs"],
      cwd: await npmFolder("hocuspocus", {
        "@hocuspocus/server": "4.7.0",
        "@hocuspocus/extension-sqlite": "4.7.0",
        "y-protocols": "1.0.7",
        "yjs": "13.6.33",
        "jose": "6.2.17",
      }),
    }),
  },
  {
    id: "python-redis",
    title: "python-socketio, AsyncRedisManager, uvloop",
    sections: SECTIONS,
    prepare: async () =>
      named("python", {
        command: join(await pipFolder("python-redis", PIP_PACKAGES), "bin/python"),
        args: [join(SERVERS, "python_redis.py")],
      }),
  },
  {
    id: "python-pycrdt",
    title: "python-socketio with pycrdt, uvloop",
    sections: DOCUMENT_SECTIONS,
    prepare: async () => ({
      command: join(await pipFolder("python-pycrdt", PYCRDT_PACKAGES), "bin/python"),
      args: [join(SERVERS, "python_pycrdt.py")],
    }),
  },
];
