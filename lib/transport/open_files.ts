/** More than that are not asked for: the kernel's own limit for one process. */
const MAX_PROBED = 1_048_576;

/**
 * How many files this process may have open at once, sockets included, or `undefined` when that
 * can't be found out. Where Linux' own table may not be read (Deno asks for all permissions then),
 * files are opened until there are `wanted`, or until no more can be: some 12 ms per thousand.
 */
export function maxOpenFiles(wanted: number, probe: URL): number | undefined {
  const told = limitOfLinux();
  return told ?? countOpenable(Math.min(wanted, MAX_PROBED), probe);
}

function limitOfLinux(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(Deno.readTextFileSync("/proc/self/limits")) ??
      [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}

function countOpenable(wanted: number, probe: URL): number | undefined {
  const files: Deno.FsFile[] = [];
  try {
    while (files.length < wanted) files.push(Deno.openSync(probe));
  } catch (thrown) {
    const isLimit = thrown instanceof Error && "code" in thrown && thrown.code === "EMFILE";
    if (!isLimit) return undefined;
  } finally {
    for (const file of files) file.close();
  }
  return files.length;
}
