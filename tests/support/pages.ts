/** The pages, built once for a whole run of tests. */

export const ROOT = new URL("../../", import.meta.url);

/** Set by the runner of all tests, which has built them. */
export const PAGES_ARE_BUILT = "TEST_PAGES_ARE_BUILT";

let building: Promise<void> | undefined;

/** Builds the pages, unless that has been done for this run. */
export function buildPages(): Promise<void> {
  return building ??= (async () => {
    if (Deno.env.has(PAGES_ARE_BUILT)) return;
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["task", "--quiet", "build"],
      cwd: ROOT,
      stderr: "piped",
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  })();
}
