/** Says which dependencies are behind their latest version (`deno outdated`), and ends with 1 if any is. */
const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
  args: ["outdated", "--latest", ...Deno.args],
  env: { NO_COLOR: "1" },
  stdin: "null",
}).output();
await Deno.stdout.write(stdout);
await Deno.stderr.write(stderr);
// The command itself ends with 0 whatever it finds (Deno 2.9).
const isBehind = new TextDecoder().decode(stdout).trim() !== "";
const verdict = isBehind ? "\nThese are behind.\n" : "Nothing is behind.\n";
if (code === 0) await Deno.stdout.write(new TextEncoder().encode(verdict));
Deno.exit(code !== 0 ? code : isBehind ? 1 : 0);
