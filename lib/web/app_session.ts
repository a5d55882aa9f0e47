import { type Api, createApi } from "../client/api.ts";
import { type ChannelEventHandler, channelEventHandler } from "../client/channels.ts";
import { type ChatEventHandler, chatEventHandler } from "../client/chats.ts";
import { connect, type Connection, type ConnectionStatus } from "../client/connection.ts";
import type { ChatSummary } from "../protocol/chat.ts";
import type { Role } from "../protocol/user.ts";
import { ChannelList } from "./channel_list.ts";
import { chatHooks } from "./chat_hooks.ts";
import { Observable } from "./observable.ts";
import { settings } from "./settings.ts";

/** Who is signed in, as the server answers it. */
export interface Me {
  token: string;
  id: string;
  name: string;
  email: string;
  role: Role;
}

export interface Model {
  id: string;
  name: string;
  /** It runs in this browser, with the person's own key. */
  isDirect?: boolean;
}

const TOKEN = "token";
const ME = "me";

/** Everything that lives as long as somebody is signed in. */
export interface AppSession extends Disposable {
  me: Me;
  api: Api;
  connection: Connection;
  status: Observable<ConnectionStatus>;
  chats: ChatEventHandler;
  channels: ChannelEventHandler;
  channelList: ChannelList;
  /** `undefined`: not loaded yet. */
  chatList: Observable<readonly ChatSummary[] | undefined>;
  models: Observable<readonly Model[]>;
  reloadChats(): Promise<void>;
  reloadModels(): Promise<void>;
}

/** `undefined`: nobody is signed in; `"unknown"`: it is being found out. */
export const session = new Observable<AppSession | undefined | "unknown">("unknown");

/** An API without a token, for signing in. */
export const openApi = createApi({ token: () => undefined });

/** Whose token the browser has kept. Without a connection, who it was the last time. */
export async function restore(): Promise<void> {
  const token = localStorage.getItem(TOKEN);
  if (token === null) return void (session.value = undefined);
  const kept = localStorage.getItem(ME);
  if (kept !== null) session.value = open({ ...JSON.parse(kept), token });
  const api = createApi({ token: () => token, onSignedOut: signedOut });
  try {
    const me = await api<Me>("GET", "/api/v1/auths/");
    localStorage.setItem(ME, JSON.stringify({ ...me, token: undefined }));
    if (kept === null) session.value = open({ ...me, token });
    else if (me.role !== (JSON.parse(kept) as Me).role) location.reload();
  } catch {
    // Offline: the page works with what is kept. A refused token has ended the session above.
    if (kept === null && session.value === "unknown") session.value = undefined;
  }
}

export function signedIn(me: Me): void {
  localStorage.setItem(TOKEN, me.token);
  localStorage.setItem(ME, JSON.stringify({ ...me, token: undefined }));
  session.value = open(me);
}

export async function signOut(): Promise<void> {
  const current = session.value;
  if (typeof current === "object") {
    await current.api("POST", "/api/v1/auths/signout").catch(() => undefined);
  }
  signedOut();
}

/** Nothing of what was read stays behind. */
function signedOut(): void {
  const current = session.value;
  localStorage.removeItem(TOKEN);
  localStorage.removeItem(ME);
  void globalThis.caches?.delete("read");
  session.value = undefined;
  if (typeof current === "object") current[Symbol.dispose]();
}

function open(me: Me): AppSession {
  const api = createApi({ token: () => me.token, onSignedOut: signedOut });
  const connection = connect({ token: me.token });
  const status = new Observable<ConnectionStatus>(connection.status);
  const chats = chatEventHandler(connection, chatHooks(connection));
  const channels = channelEventHandler(connection, { userId: me.id });
  const channelList = new ChannelList(api, channels);
  const chatList = new Observable<readonly ChatSummary[] | undefined>(undefined);
  const models = new Observable<readonly Model[]>([]);
  const reloadChats = async () => {
    const found = await api<ChatSummary[]>("GET", "/api/v1/chats/").catch(() => undefined);
    chatList.value = found ?? chatList.value ?? [];
  };
  const reloadModels = async () => {
    const found = await api<{ data: Model[] }>("GET", "/api/models").catch(() => ({ data: [] }));
    const own = settings.value.direct?.models ?? [];
    models.value = [
      ...found.data,
      ...own.map((id) => ({ id, name: `${id} (mine)`, isDirect: true })),
    ];
  };
  const ends = [
    connection.onStatus((now) => {
      status.value = now;
      if (now.state === "signed_out") signedOut();
    }),
    connection.onOnline(() => {
      void reloadChats();
      void reloadModels();
      void channelList.reload();
    }),
    chats.onEvent(({ type }) => {
      if (type === "chat:title" || type === "chat:list" || type === "chat:tags") void reloadChats();
    }),
    settings.subscribe(() => void reloadModels()),
  ];
  void reloadChats();
  void reloadModels();
  void channelList.reload();
  return {
    ...{ me, api, connection, status, chats, channels, channelList, chatList, models },
    reloadChats,
    reloadModels,
    [Symbol.dispose]() {
      for (const end of ends) end();
      chats[Symbol.dispose]();
      channelList[Symbol.dispose]();
      channels[Symbol.dispose]();
      connection.close();
    },
  };
}
