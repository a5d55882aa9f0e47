/** Writes what is generated from the table of variables: the README's table and the names the server may read. */
import {
  configurationTable,
  RETIRED_VARIABLES,
  type Variable,
  VARIABLES,
} from "../../lib/config/variables.ts";

const readmePath = new URL("../../README.md", import.meta.url);
const settingsPath = new URL("../../deno.json", import.meta.url);

const readme = await Deno.readTextFile(readmePath);
const markers = /(<!-- configuration:start -->)[\s\S]*(<!-- configuration:end -->)/;
if (!markers.test(readme)) throw new Error("Cannot write the table: README.md has no markers");
await Deno.writeTextFile(
  readmePath,
  readme.replace(markers, (_, start, end) => `${start}\n\n${configurationTable()}\n\n${end}`),
);

const settings = JSON.parse(await Deno.readTextFile(settingsPath));
settings.permissions.start.env.allow = [
  ...Object.values<Variable<unknown>>(VARIABLES).map(({ name }) => name),
  ...Object.keys(RETIRED_VARIABLES),
].sort();
await Deno.writeTextFile(settingsPath, JSON.stringify(settings, null, 2) + "\n");

const formatted = await new Deno.Command(Deno.execPath(), {
  args: ["fmt", "--quiet", readmePath.pathname, settingsPath.pathname],
}).output();
Deno.exitCode = formatted.code;
