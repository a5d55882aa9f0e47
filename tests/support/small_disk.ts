/** A disk of some megabytes, in memory, which can be full. */
import { tempFolder } from "./temp_folder.ts";

async function run(command: string, ...args: string[]): Promise<boolean> {
  const { success } = await new Deno.Command(command, { args, stdout: "null", stderr: "null" })
    .output().catch(() => ({ success: false }));
  return success;
}

export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  /** @throws {Error} when the kernel will not have it */
  resize(megabytes: number): Promise<void>;
}

/** Mounts one. @throws {Error} where that is not allowed */
export async function smallDisk(megabytes: number): Promise<SmallDisk> {
  const folder = await tempFolder();
  const options = `size=${megabytes}m`;
  if (!await run("mount", "-t", "tmpfs", "-o", options, "tmpfs", folder.path)) {
    await folder[Symbol.asyncDispose]();
    throw new Error("Cannot mount a small disk: it needs root, and a kernel that lets it");
  }
  return {
    path: folder.path,
    async resize(megabytes) {
      if (await run("mount", "-o", `remount,size=${megabytes}m`, folder.path)) return;
      throw new Error(`Cannot give the small disk ${megabytes} MB`);
    },
    async [Symbol.asyncDispose]() {
      await run("umount", "--lazy", folder.path);
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Whether one can be mounted here. */
export async function canMount(): Promise<boolean> {
  if (Deno.uid() !== 0) return false;
  try {
    await using _ = await smallDisk(1);
    return true;
  } catch {
    return false;
  }
}
