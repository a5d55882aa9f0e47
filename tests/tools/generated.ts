/** What of the documents is written by a machine: `deno task docs` writes it, a test compares it. */
import { type Variable, VARIABLES } from "../../lib/config/variables.ts";
import { clientReference } from "./client_reference.ts";
import { pictureOfLayers } from "./layers.ts";

const root = new URL("../../", import.meta.url);

/** Text between `<!-- name:start -->` and `<!-- name:end -->` of a file. */
export interface GeneratedPart {
  path: string;
  name: string;
  text: string;
}

/** The variables that the README names: those that nearly everybody needs once. */
const OF_THE_README = [
  "PORT",
  "WEBUI_SECRET_KEY",
  "DEFAULT_USER_ROLE",
  "CORS_ALLOW_ORIGIN",
  "TRUSTED_PROXIES",
  "WEBSOCKET_MANAGER",
  "WEBSOCKET_REDIS_URL",
  "DENO_KV_PATH",
  "OPENAI_API_BASE_URL",
  "OPENAI_API_KEY",
];

export async function generatedParts(): Promise<GeneratedPart[]> {
  const all = Object.values<Variable<unknown>>(VARIABLES);
  const few = OF_THE_README.map((name) => {
    const found = all.find((variable) => variable.name === name);
    if (!found) throw new Error(`Cannot write the README's table: there is no variable ${name}`);
    return found;
  });
  return [
    { path: "README.md", name: "configuration", text: configurationTable(few) },
    { path: "docs/configuration.md", name: "configuration", text: configurationTable(all) },
    { path: "docs/architecture.md", name: "layers", text: pictureOfLayers() },
    { path: "docs/api.md", name: "reference", text: await clientReference() },
    { path: "docs/decisions/README.md", name: "index", text: decisionTable(await decisions()) },
  ];
}

/** What the file has between the part's markers, or `undefined` without them. */
export function between(file: string, name: string): string | undefined {
  return file.split(`<!-- ${name}:start -->`)[1]?.split(`<!-- ${name}:end -->`)[0];
}

/** The file with the part's text between its markers. */
export function withPart(file: string, { name, text, path }: GeneratedPart): string {
  const old = between(file, name);
  if (old === undefined) throw new Error(`Cannot write ${name}: ${path} has no markers`);
  return file.replace(
    `<!-- ${name}:start -->${old}`,
    () => `<!-- ${name}:start -->\n\n${text}\n\n`,
  );
}

function configurationTable(variables: readonly Variable<unknown>[]): string {
  const cell = (content: string) => content.replaceAll("|", "\\|");
  const rows = variables.map(({ name, purpose, parser, defaultNote, fallback, defaultText }) => {
    const value = fallback ?? defaultText;
    const byDefault = defaultNote ?? (value === undefined ? "" : `\`${value}\``);
    return `| \`${name}\` | ${cell(purpose)} | ${cell(byDefault)} | ${cell(parser.allowed)} |`;
  });
  return ["| variable | what for | default | allowed |", "| --- | --- | --- | --- |", ...rows]
    .join("\n");
}

/** A decision record, as its head tells it. */
export interface Decision {
  file: string;
  number: string;
  title: string;
  date: string;
  status: string;
  /** The headings of the second level, in order. */
  sections: string[];
}

/** The records in the order of their numbers; what a head lacks is empty. */
export async function decisions(): Promise<Decision[]> {
  const found: Decision[] = [];
  const folder = new URL("docs/decisions/", root);
  for await (const { name: file } of Deno.readDir(folder)) {
    if (file === "README.md") continue;
    const text = await Deno.readTextFile(new URL(file, folder));
    const [, number = "", title = ""] = /^# (\d{4}): (.+)\n/.exec(text) ?? [];
    const [, date = "", status = ""] =
      /^# .+\n\n- Date: (\d{4}-\d{2}-\d{2})\n- Status: (.+)\n/.exec(text) ?? [];
    const sections = [...text.matchAll(/^## (.+)$/gm)].map(([, heading = ""]) => heading);
    found.push({ file, number, title, date, status, sections });
  }
  return found.sort((a, b) => a.file < b.file ? -1 : 1);
}

function decisionTable(records: readonly Decision[]): string {
  const rows = records.map(({ file, number, title, date, status }) =>
    `| [${number}](${file}) | ${title} | ${date} | ${status} |`
  );
  return ["| number | decision | date | status |", "| --- | --- | --- | --- |", ...rows].join("\n");
}
