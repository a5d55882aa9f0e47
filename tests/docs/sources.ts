/** Files of the repository, as the tests of its documents read them. */
const root = new URL("../../", import.meta.url);

/** A file's text, by its path from the top of the repository. */
export const text = (path: string): Promise<string> => Deno.readTextFile(new URL(path, root));

/** Paths and texts of TypeScript and Markdown below a folder, which ends in a slash; built files aside. */
export async function readRepository(folder: string): Promise<[path: string, text: string][]> {
  const found: [string, string][] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, root))) {
    if (isDirectory && name !== "dist") found.push(...await readRepository(`${folder}${name}/`));
    else if (/\.(tsx?|md)$/.test(name)) found.push([folder + name, await text(folder + name)]);
  }
  return found.sort(([a], [b]) => a < b ? -1 : 1);
}

export async function sourcesUnder(...folders: string[]): Promise<[path: string, text: string][]> {
  return (await Promise.all(folders.map(readRepository))).flat();
}
