/**
 * Changes the code a little and runs the tests that should notice: in a copy, never in place.
 *
 * - `deno task mutate [--only words]`: the named mutants of `mutants.ts`, each with the tests that hold it.
 * - `deno task mutate lib/tasks/task_registry.ts [--tests tests/tasks/] [--max 20] [--seed 1]`: a sample of
 *   the mutations of these files, with the tests of their room.
 *
 * Ends with a list of survivors, and fails when there are any.
 */
import { MUTANTS } from "./mutants.ts";
import { mutated, mutationsOf } from "./mutations.ts";

const root = new URL("../../", import.meta.url);
const decoder = new TextDecoder();
/** A mutant that makes its tests hang counts as noticed. */
const LIMIT_MS = 180_000;

interface Mutant {
  file: string;
  name: string;
  /** The whole file, changed. */
  text: string;
  tests: readonly string[];
}

const say = (line: string) => Deno.stdout.write(new TextEncoder().encode(`${line}\n`));

/** The files that git knows, and the built pages, in a folder of their own. */
async function copyOfRepository(): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir({ prefix: "mutants-" });
  const { stdout } = await new Deno.Command("git", {
    args: ["ls-files", "--cached", "--others", "--exclude-standard"],
    cwd: root,
  }).output();
  const files = decoder.decode(stdout).trim().split("\n");
  for (const file of files) await copy(file, path);
  for await (const { name } of readDirIfThere("lib/web/dist")) {
    await copy(`lib/web/dist/${name}`, path);
  }
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

async function copy(file: string, to: string): Promise<void> {
  const target = `${to}/${file}`;
  await Deno.mkdir(target.slice(0, target.lastIndexOf("/")), { recursive: true });
  await Deno.copyFile(new URL(file, root), target).catch((thrown) => {
    // Deleted, and not committed yet.
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  });
}

async function* readDirIfThere(folder: string): AsyncGenerator<Deno.DirEntry> {
  try {
    for await (const entry of Deno.readDir(new URL(folder, root))) if (entry.isFile) yield entry;
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}

/** Whether the tests pass in the copy. */
async function passes(cwd: string, tests: readonly string[]): Promise<boolean> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["test", "--quiet", "--no-prompt", "--no-check", "-A", "--fail-fast"],
      ...["--sanitize-ops", "--sanitize-resources", "--preload", "tests/tools/time_limit.ts"],
      ...tests,
    ],
    cwd,
    stdin: "null",
    stdout: "null",
    stderr: "null",
    signal: AbortSignal.timeout(LIMIT_MS),
  }).output();
  return success;
}

async function named(only = ""): Promise<Mutant[]> {
  const chosen = MUTANTS.filter(({ name }) => name.includes(only));
  return await Promise.all(chosen.map(async ({ name, file, search, replace, tests }) => {
    const source = await Deno.readTextFile(new URL(file, root));
    if (source.split(search).length !== 2) {
      throw new Error(`Cannot make the mutant "${name}": ${file} has not once: ${search}`);
    }
    return { file, name, text: source.replace(search, () => replace), tests };
  }));
}

/** `--name value` among the arguments. */
function option(args: readonly string[], name: string): string | undefined {
  const at = args.indexOf(`--${name}`);
  return at < 0 ? undefined : args[at + 1];
}

async function sampled(args: readonly string[]): Promise<Mutant[]> {
  const files = args.filter((arg) => arg.startsWith("lib/"));
  const max = Number(option(args, "max") ?? 20);
  let seed = Number(option(args, "seed") ?? Math.floor(Math.random() * 2 ** 31));
  await say(`seed ${seed}`);
  const all: Mutant[] = [];
  for (const file of files) {
    const source = await Deno.readTextFile(new URL(file, root));
    const tests = option(args, "tests")?.split(",") ?? [`tests/${file.split("/")[1]}/`];
    for (const mutation of mutationsOf(source)) {
      const { line, before, after } = mutation;
      const name = `${file}:${line}\n  - ${before.trim()}\n  + ${after.trim()}`;
      all.push({ file, name, text: mutated(source, mutation), tests });
    }
  }
  while (all.length > max) {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    all.splice(seed % all.length, 1);
  }
  return all;
}

const mutants = Deno.args.some((arg) => arg.startsWith("lib/"))
  ? await sampled(Deno.args)
  : await named(option(Deno.args, "only"));
await using folder = await copyOfRepository();
for (const tests of new Set(mutants.map(({ tests }) => tests.join(" ")))) {
  if (await passes(folder.path, tests.split(" "))) continue;
  await say(`Failing without any change: ${tests}`);
  Deno.exit(1);
}
const survivors: Mutant[] = [];
for (const mutant of mutants) {
  const path = `${folder.path}/${mutant.file}`;
  const original = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, mutant.text);
  const hasSurvived = await passes(folder.path, mutant.tests);
  await Deno.writeTextFile(path, original);
  if (hasSurvived) survivors.push(mutant);
  await say(`${hasSurvived ? "SURVIVED" : "noticed "} ${mutant.name}`);
}
await say(`${mutants.length - survivors.length} noticed, ${survivors.length} survived`);
for (const { name } of survivors) await say(`  ${name}`);
Deno.exitCode = survivors.length === 0 ? 0 : 1;
