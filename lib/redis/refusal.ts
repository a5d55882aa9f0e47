import { deadline } from "../common/deadline.ts";
import type { RedisTarget } from "./options.ts";

const TIMEOUT_MS = 1_000;

/**
 * What Redis says to whom it refuses before the first command, as in protected mode. The client takes
 * that for the answer to a command of its own and loses it (ioredis 6.0).
 */
export async function refusalOf({ nodes: [node], tls }: RedisTarget): Promise<string | undefined> {
  if (node === undefined || tls) return undefined;
  let connection: Deno.TcpConn | undefined;
  const read = async () => {
    connection = await Deno.connect({ hostname: node.host, port: node.port });
    const bytes = new Uint8Array(1_024);
    const length = await connection.read(bytes);
    return new TextDecoder().decode(bytes.subarray(0, length ?? 0));
  };
  try {
    const said = await deadline(read(), TIMEOUT_MS, "Redis");
    return said.startsWith("-") ? said.slice(1).trim() : undefined;
  } catch {
    return undefined;
  } finally {
    connection?.close();
  }
}
