/** The tables of `docs/api.md`: every export of the client, every event and every route. */
const root = new URL("../../", import.meta.url);
const read = (path: string) => Deno.readTextFile(new URL(path, root));

/** Each import of the package, by its entry. */
const ENTRIES = {
  "webui-realtime-client": "mod.ts",
  "webui-realtime-client/api": "exports/api.ts",
  "webui-realtime-client/documents": "exports/documents.ts",
  "webui-realtime-client/errors": "exports/errors.ts",
  "webui-realtime-client/python": "exports/python.ts",
  "webui-realtime-client/react": "exports/react.ts",
};

interface Documented {
  nodes: Record<string, {
    symbols: { name: string; declarations: { kind: string; jsDoc?: { doc?: string } }[] }[];
  }>;
}

const KINDS: Record<string, string> = { typeAlias: "type" };
const oneLine = (text: string) => text.replaceAll(/\s+/g, " ").trim();
const code = (text: string) => `\`${oneLine(text).replaceAll("|", "\\|")}\``;

/** The first sentence, which says what it is. */
function firstSentence(doc = ""): string {
  const text = oneLine(doc.replaceAll(/\{@linkcode ([^}]+)\}/g, "`$1`"));
  return (/^.*?[.:](?= |$)/.exec(text)?.[0] ?? text).replace(/:$/, ".").replaceAll("|", "\\|");
}

async function exportsOf(entry: string): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", `lib/client/${entry}`],
    cwd: root,
    stderr: "null",
  }).output();
  const { nodes }: Documented = JSON.parse(new TextDecoder().decode(stdout));
  return Object.values(nodes).flatMap(({ symbols }) => symbols)
    .toSorted((a, b) => a.name < b.name ? -1 : 1)
    .map(({ name, declarations: [first] }) => {
      const kind = first?.kind ?? "";
      return `| \`${name}\` | ${KINDS[kind] ?? kind} | ${firstSentence(first?.jsDoc?.doc)} |`;
    });
}

interface Member {
  name: string;
  type: string;
  doc: string;
}

/** What stands for each name in an interface, as it is written there. */
function membersOf(source: string, type: string): Member[] {
  const body = source.split(`interface ${type} {\n`)[1]?.split("\n}\n")[0] ?? "";
  const member =
    /^ {2}\/\*\*([^]*?)\*\/\n {2}(?:"([^"]+)"|(\w+)): ([^]*?);(?=\n {2}\/\*\*|\n*(?![^]))/gm;
  return [...body.matchAll(member)].map(([, doc = "", quoted, bare, what = ""]) => ({
    name: quoted ?? bare ?? "",
    type: what.replaceAll(/\/\*\*[^]*?\*\//g, ""),
    doc: oneLine(doc.replaceAll(/^ *\* ?/gm, "")).replaceAll("|", "\\|"),
  }));
}

async function membersTable(path: string, type: string, heading: string): Promise<string> {
  const rows = membersOf(await read(path), type)
    .map(({ name, type, doc }) => `| ${code(name)} | ${doc} | ${code(type)} |`);
  return [`| ${heading} | what it is | type |`, "| --- | --- | --- |", ...rows].join("\n");
}

/** All of it, in the order in which one asks. */
export async function clientReference(): Promise<string> {
  const parts: string[] = [];
  const known = new Set<string>();
  for (const [name, entry] of Object.entries(ENTRIES)) {
    // What one import has, the others that have it too need not say again.
    const rows = (await exportsOf(entry)).filter((row) => !known.has(row));
    for (const row of rows) known.add(row);
    parts.push(
      `## ${name}`,
      ["| name | kind | what it is |", "| --- | --- | --- |", ...rows].join("\n"),
    );
  }
  const wire = "lib/protocol/wire_events.ts";
  parts.push("## What a client hears", await membersTable(wire, "ServerEvents", "event"));
  parts.push("## What a client says", await membersTable(wire, "ClientEvents", "event"));
  const chat = "lib/protocol/chat_events.ts";
  parts.push("## The types of `events`", await membersTable(chat, "ChatEventTypes", "type"));
  const channel = "lib/protocol/channel.ts";
  parts.push(
    "## The types of `events:channel`",
    await membersTable(channel, "ChannelEventTypes", "type"),
  );
  const routes = "lib/protocol/http_routes.ts";
  parts.push("## Routes", await membersTable(routes, "HttpRoutes", "route"));
  // In the lines that `deno fmt` makes of it.
  parts.push([
    "Not by `api`, because no JSON comes back: `GET /metrics`, and",
    "`GET /api/v1/chats/{chat_id}/messages/{message_id}/stream`,",
    "[an answer without a socket](client.md#without-a-socket).",
  ].join("\n"));
  return parts.join("\n\n");
}
