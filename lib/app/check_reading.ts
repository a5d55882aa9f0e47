import { SignJWT } from "jose";
import * as v from "valibot";
import { AppError, errorText } from "../common/errors.ts";
import { RoleSchema } from "../protocol/schemas/user.ts";
import type { Foundation } from "./foundation.ts";
import type { OpenWebUi } from "./open_webui_data.ts";

const TIMEOUT_MS = 5_000;
const TOKEN_SECONDS = 60;
const UNAUTHORIZED = 401;
const SomebodySchema = v.object({ id: v.string() });
const AnswerSchema = v.object({ id: v.string(), role: RoleSchema });

/**
 * With `OPEN_WEBUI_URL`, asks Open WebUI itself about one user and compares: a key or a database of
 * another Open WebUI would show only when nobody can sign in. One that does not answer delays nothing,
 * since it may start after this server.
 *
 * @throws {AppError} `unavailable` when both read the same token differently
 */
export async function checkReading(
  { config, logger }: Pick<Foundation, "config" | "logger">,
  { database, accounts, knowledge }: OpenWebUi,
): Promise<void> {
  const { openWebUiUrl: url, secretKey = "" } = config;
  if (url === undefined) return;
  const [row] = await database.query(
    `SELECT u.id FROM "user" u JOIN auth a ON a.id = u.id
     WHERE a.active AND u.role IN ('admin', 'user') ORDER BY u.role LIMIT 1`,
  );
  if (!row) return logger.info("Open WebUI has no users yet: nothing to compare");
  const { id } = v.parse(SomebodySchema, row);
  const stamp = (await accounts.find([id])).get(id)?.session_stamp;
  // As somebody who has signed in, with a second factor where one is asked for: no other token may ask.
  const token = await new SignJWT({
    ...{ id, typ: "session", session_stamp: stamp ?? null },
    ...{ auth_method: "password", mfa_verified: true },
  })
    .setProtectedHeader({ alg: "HS256" })
    .setIssuedAt()
    .setJti(crypto.randomUUID())
    .setExpirationTime(`${TOKEN_SECONDS}s`)
    .sign(new TextEncoder().encode(secretKey));
  const user = await reads(knowledge, token);
  const asked = await ask(url, token).catch((thrown) => {
    logger.warn("Open WebUI does not answer yet: its reading of a user is not compared", {
      error: errorText(thrown),
    });
  });
  if (!asked) return;
  const { status, body } = asked;
  if (status >= 500) return logger.warn("Open WebUI can't be compared with yet", { status });
  const read = v.safeParse(AnswerSchema, body);
  const isSame = read.success
    ? read.output.id === user?.id && read.output.role === user.role
    // Who must set a second factor up first is let in by neither.
    : user === undefined && status === UNAUTHORIZED;
  if (isSame) {
    return logger.info("Open WebUI and this server read the same user");
  }
  throw new AppError(
    "unavailable",
    `Open WebUI at OPEN_WEBUI_URL reads a user of its database differently (status ${status}): ` +
      "compare WEBUI_SECRET_KEY and OPEN_WEBUI_DATABASE_URL with its own.",
  );
}

/** `undefined` where the token does not count. */
async function reads(knowledge: OpenWebUi["knowledge"], token: string) {
  try {
    return (await knowledge.verify(token)).user;
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === "unauthenticated") return undefined;
    throw thrown;
  }
}

async function ask(url: string, token: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${url.replace(/\/$/, "")}/api/v1/auths/`, {
    headers: { authorization: `Bearer ${token}` },
    redirect: "error",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await response.text();
  return { status: response.status, body: response.ok ? JSON.parse(text) : undefined };
}
