import type { ModelList } from "../protocol/model_list.ts";
import { type Api, createApi } from "../client/api.ts";
import { type ChannelEventHandler, channelEventHandler } from "../client/channels.ts";
import { type ChatEventHandler, chatEventHandler } from "../client/chats.ts";
import { connect, type Connection, type ConnectionStatus } from "../client/connection.ts";
import type { Role } from "../protocol/user.ts";
import { BASE_URL } from "./base.ts";
import { ChannelList } from "./channel_list.ts";
import { chatHooks, python } from "./chat_hooks.ts";
import { ChatList } from "./chat_list.ts";
import { Observable } from "./observable.ts";
import { settings } from "./settings.ts";
import { checkVersion } from "./version.ts";

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

/** What tells a model from all others: one's own may have the id of one of the server's. */
export const choiceOf = ({ id, isDirect }: Model): string => isDirect ? `mine:${id}` : id;

/** Everything that lives as long as somebody is signed in. */
export interface AppSession extends Disposable {
  me: Me;
  api: Api;
  connection: Connection;
  status: Observable<ConnectionStatus>;
  chats: ChatEventHandler;
  channels: ChannelEventHandler;
  channelList: ChannelList;
  chatList: ChatList;
  models: Observable<readonly Model[]>;
  /** Why models of the server are missing. */
  modelProblem: Observable<string | undefined>;
  reloadModels(): Promise<void>;
}

/** Opens what a signed-in person works with. `onSignedOut`: the server says that the session has ended. */
export function openAppSession(me: Me, onSignedOut: () => void): AppSession {
  const api = createApi({ url: BASE_URL, token: () => me.token, onSignedOut });
  const connection = connect({ url: BASE_URL, token: me.token });
  const status = new Observable<ConnectionStatus>(connection.status);
  const chats = chatEventHandler(connection, chatHooks(connection));
  const channels = channelEventHandler(connection, { userId: me.id });
  const channelList = new ChannelList(api, channels);
  const chatList = new ChatList(api);
  const models = new Observable<readonly Model[]>([]);
  const modelProblem = new Observable<string | undefined>(undefined);
  const reloadModels = async () => {
    const found = await api<ModelList>("GET", "/api/models").catch((): ModelList => ({ data: [] }));
    modelProblem.value = found.error?.content;
    const own = settings.value.direct?.models ?? [];
    models.value = [
      ...found.data,
      ...own.map((id) => ({ id, name: `${id} (mine)`, isDirect: true })),
    ];
  };
  const ends = [
    connection.onStatus((now) => {
      status.value = now;
      if (now.state === "signed_out") onSignedOut();
    }),
    connection.onOnline(() => {
      void chatList.reload();
      void reloadModels();
      void channelList.reload();
      // A server that came back may be a newer one.
      void checkVersion();
    }),
    chats.onEvent(({ type, chatId }) => {
      const isListed = type === "chat:title" || type === "chat:list" || type === "chat:tags";
      if (isListed) void chatList.changed(chatId);
    }),
    settings.subscribe(() => void reloadModels()),
  ];
  void chatList.reload();
  void reloadModels();
  void channelList.reload();
  return {
    ...{
      me,
      api,
      connection,
      status,
      chats,
      channels,
      channelList,
      chatList,
      models,
      modelProblem,
    },
    reloadModels,
    [Symbol.dispose]() {
      for (const end of ends) end();
      chats[Symbol.dispose]();
      channelList[Symbol.dispose]();
      channels[Symbol.dispose]();
      python.stop();
      connection.close();
    },
  };
}
