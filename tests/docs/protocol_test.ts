/** `docs/protocol.md` says what is built: sections that are cited, events, codes and routes. */
import assert from "node:assert/strict";
import { ERROR_CODES } from "../../lib/protocol/error_codes.ts";
import { readRepository, sourcesUnder, text } from "./sources.ts";

const protocol = await text("docs/protocol.md");
const section = (number: number): string =>
  protocol.split(/^## /m).find((part) => part.startsWith(`${number}. `)) ?? "";

/** `(docs/protocol.md, sections 4 and 7)`, `sections 3 to 7`, `section 10.5`: the numbers that are named. */
function citations(source: string): string[] {
  const unbroken = source.replace(/\n\s*\*\s*/g, " ");
  return [
    ...unbroken.matchAll(/protocol(?:\.md)?,? sections? ([\d.]+)(?:,? (?:and|to) ([\d.]+))?/g),
  ]
    .flatMap(([, first = "", second]) => second ? [first, second] : [first])
    .map((number) => number.replace(/\.$/, ""));
}

/** The names of a type's members that stand at the first level of its braces. */
function membersOf(source: string, type: string): string[] {
  const body = source.split(`interface ${type} {\n`)[1]?.split("\n}\n")[0] ?? "";
  return [...body.matchAll(/^ {2}(?:"([^"]+)"|([\w]+))\??:/gm)].map(([, a, b]) => a ?? b ?? "");
}

Deno.test("every section that the code cites is there", async () => {
  const missing: string[] = [];
  let cited = 0;
  for (const [file, source] of await sourcesUnder("lib/", "tests/", "docs/decisions/")) {
    for (const number of citations(source)) {
      cited++;
      const [whole, item] = number.split(".");
      const part = section(Number(whole));
      const isThere = part && (!item || new RegExp(`^${item}\\. `, "m").test(part));
      if (!isThere) missing.push(`${file}: ${number}`);
    }
  }
  assert.deepEqual(missing, []);
  assert.ok(cited > 40, `only ${cited} citations were found`);
});

Deno.test("every event of the wire is in the tables of sections 4 and 5, and nothing else", async () => {
  const wire = await text("lib/protocol/wire_events.ts");
  for (const [type, number] of [["ClientEvents", 4], ["ServerEvents", 5]] as const) {
    const rows = [...section(number).matchAll(/^\| (`[^|]*`[^|]*)\|/gm)]
      .flatMap(([, cell = ""]) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name))
      .filter((name) => !name.includes("{"));
    assert.deepEqual(rows.toSorted(), membersOf(wire, type).toSorted());
  }
});

Deno.test("every type of events and events:channel is named in section 5", async () => {
  const named = new Set([...section(5).matchAll(/`([^`]+)`/g)].map(([, name]) => name));
  const types = [
    ...membersOf(await text("lib/protocol/chat_events.ts"), "ChatEventTypes"),
    ...membersOf(await text("lib/protocol/channel.ts"), "ChannelEventTypes"),
  ];
  assert.ok(types.length > 20);
  assert.deepEqual(types.filter((type) => !named.has(type)), []);
});

Deno.test("section 11 has every code with its status", async () => {
  const rows = [...section(11).matchAll(/^\| `(\w+)`\s+\| (\d{3})/gm)];
  assert.deepEqual(rows.map(([, code]) => code).toSorted(), [...ERROR_CODES].toSorted());
  const problems = await text("lib/http/problem.ts");
  for (const [, code = "", status] of rows) {
    assert.match(problems, new RegExp(`\\b${code}: \\{ status: ${status}`), code);
  }
});

/** Where the routes of a file begin. */
const MOUNTED_AT: Record<string, string> = {
  "auths.ts": "/api/v1/auths",
  "users.ts": "/api/v1/users",
  "user_search.ts": "/api/v1/users",
  "system_status.ts": "/api/v1/live",
  "chat_lists.ts": "/api/v1/chats",
  "chats.ts": "/api/v1/chats",
  "answer_streams.ts": "/api/v1/chats",
  "notes.ts": "/api/v1/notes",
  "groups.ts": "/api/v1/groups",
  "channels.ts": "/api/v1/channels",
  "channel_messages.ts": "/api/v1/channels/:id/messages",
  "tasks.ts": "/api/tasks",
  "completions.ts": "/api",
  "public_config.ts": "/api/config",
  "operations.ts": "",
};

/** One spelling for a route: parameters without names, no slash at the end. */
const shape = (path: string) => path.replace(/\$?\{\w+\}|:\w+/g, "{}").replace(/(.)\/$/, "$1");

Deno.test("every route is in section 11, and every route there is built", async () => {
  const built = new Set<string>();
  for (const [file, source] of await readRepository("lib/http/")) {
    const found = [
      ...source.matchAll(
        /(?:\broutes|\bapp|Hono<HttpEnv>\(\))\.(get|post|put|delete)\(\s*(["`])(\/.*?)\2/g,
      ),
    ];
    if (found.length === 0 || file.endsWith("/pages.ts")) continue;
    const prefix = MOUNTED_AT[file.slice("lib/http/".length)];
    assert.notEqual(prefix, undefined, `where are the routes of ${file} mounted?`);
    for (const [, method = "", , path] of found) {
      built.add(`${method.toUpperCase()} ${shape(prefix + (path ?? ""))}`);
    }
  }
  const told = new Set(
    [...section(11).matchAll(/^\| `([A-Z]+) (\/[^`]*)`/gm)]
      // One route of the code, for both actions.
      .map(([, method, path = ""]) =>
        `${method} ${shape(path.replace(/reactions\/(add|remove)/, "reactions/{action}"))}`
      ),
  );
  const typed = [
    ...(await text("lib/protocol/http_routes.ts")).matchAll(/^ {2}"([A-Z]+) (\/[^"]+)"/gm),
  ]
    .map(([, method, path = ""]) =>
      `${method} ${shape(path.replace(/reactions\/(add|remove)/, "reactions/{action}"))}`
    );
  // What is text, or comes bit by bit, is not asked for by name.
  const others = [...told].filter((route) => /\/metrics$|\/stream$/.test(route));
  assert.deepEqual([...new Set([...typed, ...others])].toSorted(), [...told].toSorted());
  assert.ok(built.size > 40, `only ${built.size} routes were found`);
  assert.deepEqual([...told].toSorted(), [...built].toSorted());
});
