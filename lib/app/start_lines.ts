import type { Config } from "../config.ts";
import type { Role } from "../protocol/user.ts";
import { isKvFile } from "../state/granted_paths.ts";

/** What somebody wants to know who has just started a server: where things are, who answers, who gets in. */
export function startLines(
  config: Pick<
    Config,
    | "manager"
    | "kvPath"
    | "redisUrl"
    | "sentinelHosts"
    | "openaiBaseUrl"
    | "defaultUserRole"
    | "isSignupEnabled"
  >,
  { isEmpty }: { isEmpty: boolean },
): string[] {
  return [`everything is kept in ${storeOf(config)}`, modelOf(config), peopleOf(config, isEmpty)];
}

function storeOf(
  { manager, kvPath, redisUrl, sentinelHosts }: Parameters<typeof startLines>[0],
): string {
  if (manager === "redis") {
    const at = sentinelHosts ? ` behind the Sentinels ${sentinelHosts}` : ` at ${shown(redisUrl)}`;
    return `Redis${at}`;
  }
  if (kvPath === undefined) return "the platform's own Deno KV";
  if (kvPath === ":memory:") return "memory alone: it is gone with this process (DENO_KV_PATH)";
  if (!isKvFile(kvPath)) return `Deno KV at ${shown(kvPath)}`;
  return `the file ${kvPath} (DENO_KV_PATH)`;
}

function modelOf({ openaiBaseUrl }: Pick<Config, "openaiBaseUrl">): string {
  return openaiBaseUrl === undefined
    ? "only the built-in model echo answers: set OPENAI_API_BASE_URL for others (README, Start)"
    : `the models of ${shown(openaiBaseUrl)} answer`;
}

const LATER: Record<Role, string> = {
  pending: "who comes later waits until an admin lets them in",
  user: "who comes later gets in at once",
  admin: "who comes later is an admin, too (DEFAULT_USER_ROLE)",
};

function peopleOf(
  { defaultUserRole, isSignupEnabled }: Pick<Config, "defaultUserRole" | "isSignupEnabled">,
  isEmpty: boolean,
): string {
  const later = isSignupEnabled
    ? LATER[defaultUserRole]
    : "nobody else can sign up (ENABLE_SIGNUP)";
  return isEmpty ? `the first to sign up becomes the admin; ${later}` : later;
}

/** The address without what is secret in it. */
function shown(url: string | undefined): string {
  if (url === undefined || !URL.canParse(url)) return "the configured address";
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname === "/" ? "" : pathname}`;
}
