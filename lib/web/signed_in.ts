import { createApi } from "../client/api.ts";
import { type AppSession, type Me, openAppSession } from "./app_session.ts";
import { BASE_URL } from "./base.ts";
import { closeDialogs, confirm } from "./ui/dialogs.tsx";
import { Observable } from "./ui/observable.ts";
import { keptEdits } from "./personal_database.ts";
import { forgetPerson } from "./personal.ts";
import { go } from "./route.ts";
import { useSettingsOf } from "./settings.ts";
import { closeToasts } from "./ui/toasts.tsx";

const TOKEN = "token";
const ME = "me";
/** Who has signed out last: their other tabs forget them, too. */
const SIGNED_OUT = "signed_out";
/** Answers that the service worker has kept for reading offline. */
const READ = "read";

export type { Me };

/** `undefined`: nobody is signed in; `"unknown"`: it is being found out. */
export const session = new Observable<AppSession | undefined | "unknown">("unknown");

/** Somebody has an account, and an admin has not let them in yet. There is no session then. */
export const waiting = new Observable<Me | undefined>(undefined);

/** An API without a token, for signing in. */
export const openApi = createApi({ url: BASE_URL });

/** Whose token the browser has kept. Without a connection, who it was the last time. */
export async function restore(): Promise<void> {
  const token = localStorage.getItem(TOKEN);
  if (token === null) return void (session.value = undefined);
  const kept = keptMe();
  // Whether somebody who waited is in by now is the server's to say.
  if (kept && kept.role !== "pending") open({ ...kept, token });
  const api = createApi({ url: BASE_URL, token, onSignedOut: () => end(token) });
  try {
    const me = await api("GET /api/v1/auths/");
    if (localStorage.getItem(TOKEN) !== token) return;
    if (me.role === "pending") return wait({ ...me, token });
    keep({ ...me, token });
    if (!kept || kept.role === "pending") open({ ...me, token });
    else if (me.role !== kept.role || me.id !== kept.id) location.reload();
    else if (typeof session.value === "object") {
      session.value.profile.value = { name: me.name, picture: me.profile_image_url };
    }
  } catch {
    // Offline: the page works with what is kept. A refused token has ended the session above.
    if (kept?.role === "pending") return wait({ ...kept, token });
    if (!kept && session.value === "unknown") session.value = undefined;
  }
}

export function signedIn(me: Me): void {
  if (me.role === "pending") return wait(me);
  if (keptMe()?.id !== me.id) forgetAnswers();
  keep(me);
  if (localStorage.getItem(SIGNED_OUT) === me.id) localStorage.removeItem(SIGNED_OUT);
  open(me);
}

function wait(me: Me): void {
  const before = session.value;
  if (typeof before === "object") before[Symbol.dispose]();
  keep(me);
  session.value = undefined;
  waiting.value = me;
}

/** Opens the page for somebody who has been let in meanwhile. Never rejects. */
export async function askWhetherIn(me: Me): Promise<void> {
  const { token } = me;
  const api = createApi({ url: BASE_URL, token, onSignedOut: () => end(token) });
  const now = await api("GET /api/v1/auths/").catch(() => undefined);
  if (!now || now.role === "pending" || waiting.value?.token !== token) return;
  signedIn({ ...now, token });
}

/** Ends the session here and in the person's other tabs; nothing of them stays in this browser. */
export async function signOut({ isEverywhere = false } = {}): Promise<void> {
  const current = session.value;
  const me = typeof current === "object" ? current.me : waiting.value;
  if (!me) return;
  const { id, token } = me;
  if (!await mayForget(id)) return;
  const api = createApi({ url: BASE_URL, token });
  // Said before: the server ends the sockets of the session, and each tab then knows why.
  localStorage.setItem(SIGNED_OUT, id);
  go("chat");
  const everywhere = isEverywhere ? "/everywhere" as const : "" as const;
  await api(`POST /api/v1/auths/signout${everywhere}`).catch(() => undefined);
  end(token);
}

/** Whether what is nowhere but in this browser may go: its person is asked, if there is any. */
async function mayForget(personId: string): Promise<boolean> {
  const kept = await keptEdits(personId);
  if (kept.length === 0) return true;
  const titles = [...new Set(kept.map(({ title }) => `“${title || "Untitled"}”`))].join(", ");
  const message = `Edits of ${titles} have not reached the server. They are lost then.`;
  return await confirm({ title: "Sign out all the same?", message, yes: "Sign out" });
}

/**
 * Ends the session of this token in this tab. What belongs to whoever has signed in meanwhile, in
 * another tab, is left alone: their session is the one of this browser then, and so of this tab.
 */
function end(token: string): void {
  const kept = localStorage.getItem(TOKEN);
  if (waiting.value?.token === token) waiting.value = undefined;
  if (kept === token) {
    localStorage.removeItem(TOKEN);
    localStorage.removeItem(ME);
    forgetAnswers();
  }
  const current = session.value;
  if (typeof current === "object" && current.me.token === token) {
    current[Symbol.dispose]();
    closeDialogs();
    closeToasts();
    useSettingsOf(undefined);
    session.value = undefined;
    if (localStorage.getItem(SIGNED_OUT) === current.me.id) forgetPerson(current.me.id);
  } else if (current === "unknown") {
    session.value = undefined;
  }
  if (kept !== null && kept !== token) void restore();
}

function open(me: Me): void {
  const before = session.value;
  if (typeof before === "object") before[Symbol.dispose]();
  waiting.value = undefined;
  useSettingsOf(me.id);
  session.value = openAppSession(me, {
    onSignedOut: () => end(me.token),
    onProfile: ({ name, picture: profile_image_url }) => {
      if (localStorage.getItem(TOKEN) === me.token) keep({ ...me, name, profile_image_url });
    },
  });
}

function keep(me: Me): void {
  localStorage.setItem(TOKEN, me.token);
  localStorage.setItem(ME, JSON.stringify({ ...me, token: undefined }));
}

function keptMe(): Omit<Me, "token"> | undefined {
  try {
    return JSON.parse(localStorage.getItem(ME) ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}

function forgetAnswers(): void {
  void globalThis.caches?.delete(READ);
}

// A tab that could not hear the server end its session hears of it from the tab that ended it.
addEventListener("storage", ({ key, newValue }) => {
  const current = session.value;
  if (key === SIGNED_OUT && typeof current === "object" && newValue === current.me.id) {
    end(current.me.token);
  }
  // Who signs in at one tab has signed in at those that wait for somebody.
  if (key === TOKEN && newValue !== null && current === undefined) void restore();
});
