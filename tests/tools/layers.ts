/**
 * Who may import whom: `tests/layers_test.ts` holds the code to it, and the picture in
 * `docs/architecture.md` is drawn from it.
 */

const EDGES = [
  "auth",
  "users",
  "sessions",
  "chats",
  "channels",
  "notes",
  "groups",
  "documents",
  "tasks",
  "completions",
];
export const STATE_INTERFACE = [
  "lib/state/state_store.ts",
  "lib/state/key_space.ts",
  "lib/state/records.ts",
];
/** Of the bus, services see topics; what carries them is the composition's. */
const TOPICS = "lib/bus/topics.ts";
/** The database that the bus shares with the state, where both are in Deno KV. */
const KV_DATABASE = [
  "lib/state/kv_database.ts",
  "lib/state/kv_client.ts",
  "lib/state/conflict_retry.ts",
];

/** Beside itself, `common` and `protocol`: the folders and files that each folder may import. */
export const MAY_IMPORT: Record<string, readonly string[]> = {
  common: [],
  protocol: [],
  markdown: [],
  note_schema: [],
  sharing: [],
  config: [],
  transport: [],
  redis: [],
  state: ["redis"],
  bus: ["redis", ...KV_DATABASE],
  cluster: ["bus"],
  auth: [...STATE_INTERFACE, TOPICS],
  users: STATE_INTERFACE,
  sessions: STATE_INTERFACE,
  quotas: STATE_INTERFACE,
  chats: [...STATE_INTERFACE, "quotas"],
  channels: [...STATE_INTERFACE, "quotas", "markdown", "sharing"],
  notes: [...STATE_INTERFACE, "quotas", "sharing"],
  groups: [...STATE_INTERFACE, "sharing"],
  documents: [...STATE_INTERFACE, TOPICS, "note_schema"],
  tasks: [...STATE_INTERFACE, TOPICS],
  completions: [...STATE_INTERFACE, "tasks", "chats"],
  http: [...EDGES, ...STATE_INTERFACE, "note_schema"],
  realtime: [...EDGES, ...STATE_INTERFACE, TOPICS],
  bridge: ["lib/bus/bus.ts"],
  openwebui: [...STATE_INTERFACE, "auth"],
  transfer: [
    ...STATE_INTERFACE,
    "lib/state/schema.ts",
    "lib/channels/direct_channel_id.ts",
    "lib/users/user_record.ts",
    "sharing",
    "openwebui",
  ],
  client: [],
  web: ["client", "markdown", "note_schema"],
};
/** The composition root knows every part: `lib/app.ts` with its pieces, `lib/commands/`, `lib/mod.ts`, `main.ts`. */
export const isRoot = (path: string) =>
  path === "main.ts" || ["app", "commands", "mod"].includes(folderOf(path));

/** `lib/auth/tokens.ts` is in `auth`, `lib/config.ts` in `config`. */
export function folderOf(path: string): string {
  return path.split("/")[1]?.replace(/\.ts$/, "") ?? "";
}

export function isAllowed(from: string, to: string): boolean {
  if (isRoot(from)) return to.startsWith("lib/");
  const [source, target] = [folderOf(from), folderOf(to)];
  if (isRoot(to) || !to.startsWith("lib/")) return false;
  if (source === target || target === "protocol") return true;
  if (target === "common") return source !== "client" && source !== "web";
  return MAY_IMPORT[source]?.some((entry) => entry === target || entry === to) ?? false;
}

/** Rooms that may import the same are one box of the picture. */
interface Box {
  rooms: string[];
  targets: readonly string[];
}

/** Files that stand for a part of a room, and have a box of their own. */
const PARTS = [
  {
    id: "state_interface",
    room: "state",
    title: "lib/state: its interface",
    files: STATE_INTERFACE,
  },
  { id: "kv_database", room: "state", title: "lib/state: the open Deno KV", files: KV_DATABASE },
  { id: "topics", room: "bus", title: "lib/bus: topics", files: [TOPICS] },
];
const partOf = (file: string) => PARTS.find(({ files }) => files.includes(file))?.id ?? file;

/** The picture of the rules: `common` and `protocol`, which nearly all may import, are left out. */
export function pictureOfLayers(): string {
  const boxes = new Map<string, Box>();
  for (const [room, allowed] of Object.entries(MAY_IMPORT)) {
    if (room === "common" || room === "protocol") continue;
    const targets = [...new Set(allowed.map(partOf))];
    // Rooms that import nothing stand alone: they have nothing else in common.
    const key = targets.length === 0 ? `only ${room}` : targets.toSorted().join();
    const box = boxes.get(key) ?? { rooms: [], targets };
    box.rooms.push(room);
    boxes.set(key, box);
  }
  const drawn = [...boxes.values()];
  const ids = new Map(drawn.flatMap(({ rooms }, at) => rooms.map((room) => [room, `r${at}`])));
  const lines = [
    "flowchart TD",
    '  root["main.ts, app.ts, app/, commands/, mod.ts: the composition, which knows all"]',
    ...drawn.map(({ rooms }, at) => `  r${at}["${rooms.join(", ")}"]`),
    ...PARTS.flatMap(({ id, room, title }) => [
      `  ${id}[/"${title}"/]`,
      `  ${ids.get(room)} -. implements .-> ${id}`,
    ]),
  ];
  for (const [at, { targets }] of drawn.entries()) {
    const byBox = Map.groupBy(targets, (target) => ids.get(target) ?? target);
    for (const [id, named] of byBox) {
      const isAll = PARTS.some((part) => part.id === id) ||
        drawn[Number(id.slice(1))]?.rooms.length === named.length;
      lines.push(`  r${at} -->${isAll ? "" : `|${named.join(", ")}|`} ${id}`);
    }
  }
  const imported = new Set(lines.flatMap((line) => / (r\d+)$/.exec(line)?.[1] ?? []));
  for (const at of drawn.keys()) if (!imported.has(`r${at}`)) lines.push(`  root --> r${at}`);
  return ["```mermaid", ...lines, "```"].join("\n");
}
