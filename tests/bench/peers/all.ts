/** Every server that is measured. A further one is a further entry. */
import { join } from "node:path";
import { ALLOW_GC, AS_STARTED, INSTANCE_PEERS } from "./instances.ts";
import { bunFolder, fastPythonFolder, nodeFolder, pythonFolder, SERVERS } from "./install.ts";
import { START_ENV } from "../../support/server_process.ts";
import type { Launch, Peer } from "./peer.ts";

function deno(file: string, v8Flags: string): Launch {
  const args = ["run", "--allow-all", "--quiet", v8Flags, join(SERVERS, file)];
  return { command: Deno.execPath(), args };
}

function python(folder: string): Launch {
  return { command: join(folder, "bin/python"), args: [join(SERVERS, "python_socketio.py")] };
}

export const PEERS: readonly Peer[] = [
  {
    id: "ours",
    title: "webui-realtime",
    prepare: () => Promise.resolve({ ...deno("webui_realtime.ts", AS_STARTED), env: START_ENV }),
  },
  {
    id: "deno",
    title: "socket.io, Deno",
    prepare: () => Promise.resolve(deno("socket_io.mjs", ALLOW_GC)),
  },
  {
    id: "node",
    title: "socket.io, Node",
    prepare: async () => ({
      command: "node",
      args: ["--expose-gc", "socket_io.mjs"],
      cwd: await nodeFolder(),
    }),
  },
  {
    id: "bun",
    title: "socket.io, Bun",
    prepare: async () => {
      const cwd = await bunFolder();
      return { command: join(cwd, "node_modules/.bin/bun"), args: ["bun.mjs"], cwd };
    },
  },
  {
    id: "python",
    title: "python-socketio, uvicorn",
    prepare: async () => python(await pythonFolder()),
  },
  {
    id: "python-uvloop",
    title: "python-socketio, uvicorn[standard]",
    prepare: async () => python(await fastPythonFolder()),
  },
  ...INSTANCE_PEERS,
];

/** Whose figures the others are divided by. */
export const REFERENCE = "node";
