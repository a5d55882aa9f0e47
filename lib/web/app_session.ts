import type { ModelList } from "../protocol/model_list.ts";
import type { Api } from "../client/api.ts";
import { ChannelList } from "../client/channel_list.ts";
import { channelEventHandler } from "../client/channels.ts";
import { ChatList } from "../client/chat_list.ts";
import type { AskedModel } from "../client/chat_snapshot.ts";
import { chatEventHandler } from "../client/chats.ts";
import { connect } from "../client/connect.ts";
import type { Realtime } from "../client/realtime.ts";
import type { SignedIn } from "../protocol/http_routes.ts";
import { BASE_URL } from "./base.ts";
import { tellOfMessage } from "./channels/channel_news.ts";
import { chatHooks, isInFront, python } from "./chats/chat_hooks.ts";
import { PeopleList } from "./people/people_list.ts";
import { Observable } from "./ui/observable.ts";
import { keptEdits } from "./personal_database.ts";
import { settings } from "./settings.ts";
import { checkVersion } from "./version.ts";

/** Who is signed in, as far as the page needs to know. */
export type Me =
  & Pick<SignedIn, "token" | "id" | "name" | "email" | "role">
  & Partial<Pick<SignedIn, "profile_image_url">>;

export interface Model extends AskedModel {
  name: string;
}

/** What tells a model from all others: one's own may have the id of one of the server's. */
export const choiceOf = ({ id, isDirect }: Model): string => isDirect ? `mine:${id}` : id;

/** Everything that lives as long as somebody is signed in. */
export interface AppSession extends Realtime, Disposable {
  me: Me;
  api: Api;
  channelList: ChannelList;
  chatList: ChatList;
  /** One's name and picture of now, whichever tab has changed them. */
  profile: Observable<{ name: string; picture: string | undefined }>;
  /** For admins alone. */
  people: PeopleList | undefined;
  models: Observable<readonly Model[]>;
  /** The server has been asked for its models, and has answered or failed to. */
  areModelsKnown: Observable<boolean>;
  /** Only the built-in model answers, which says what it was told. */
  isEchoOnly: Observable<boolean>;
  /** Why models of the server are missing. */
  modelProblem: Observable<string | undefined>;
  reloadModels(): Promise<void>;
}

/**
 * Opens what a signed-in person works with. `onSignedOut`: the server says that the session has ended;
 * `onProfile`: the person has another name or picture.
 */
export function openAppSession(
  me: Me,
  { onSignedOut, onProfile }: {
    onSignedOut(): void;
    onProfile(profile: { name: string; picture: string | undefined }): void;
  },
): AppSession {
  const connection = connect({ url: BASE_URL, token: me.token });
  const { api } = connection;
  const chats = chatEventHandler(connection, chatHooks(connection));
  const channels = channelEventHandler(connection, { userId: me.id });
  const channelList = new ChannelList(channels, {
    isInFront: (channelId) => isInFront("channel", channelId),
    onMessage: (said) => tellOfMessage(said, me.id),
  });
  const chatList = new ChatList(chats);
  const people = me.role === "admin" ? new PeopleList(connection) : undefined;
  const models = new Observable<readonly Model[]>([]);
  const areModelsKnown = new Observable(false);
  const isEchoOnly = new Observable(false);
  const profile = new Observable({ name: me.name, picture: me.profile_image_url });
  const modelProblem = new Observable<string | undefined>(undefined);
  const reloadModels = async () => {
    const found = await api("GET /api/models").catch((): ModelList => ({ data: [] }));
    modelProblem.value = found.error?.content;
    const own = settings.value.direct?.models ?? [];
    const isBuiltIn = ({ owned_by }: ModelList["data"][number]) => owned_by === "built-in";
    isEchoOnly.value = own.length === 0 && found.data.length > 0 && found.data.every(isBuiltIn);
    models.value = [
      ...found.data,
      ...own.map((id) => ({ id, name: `${id} (mine)`, isDirect: true })),
    ];
    areModelsKnown.value = true;
  };
  /** What was written into notes without a connection; hardly ever anything. */
  const deliverKeptEdits = async () => {
    if ((await keptEdits(me.id)).length === 0) return;
    const { deliverEdits } = await import("./notes/deliver_edits.ts");
    await deliverEdits({ me, connection });
  };
  const ends = [
    connection.onStatus(({ state }) => {
      if (state === "signed_out") onSignedOut();
    }),
    connection.onOnline(() => {
      void reloadModels();
      // A server that came back may be a newer one.
      void checkVersion();
      void deliverKeptEdits();
    }),
    settings.subscribe(() => void reloadModels()),
    connection.on("events:users", ({ type, user }) => {
      if (type !== "updated" || user.id !== me.id) return;
      // A picture that is too long to be told is seen at the next start.
      const picture = user.profile_image_url || profile.value.picture;
      profile.value = { name: user.name, picture };
      // Others hear the new name from this session, too.
      connection.useToken(me.token);
    }),
    profile.subscribe(() => onProfile(profile.value)),
  ];
  void chatList.reload();
  void people?.reload();
  void reloadModels();
  void channelList.reload();
  return {
    ...{ me, api, connection, chats, channels, channelList, chatList, models, modelProblem },
    ...{ people, areModelsKnown, isEchoOnly, profile, reloadModels },
    [Symbol.dispose]() {
      for (const end of ends) end();
      people?.[Symbol.dispose]();
      chatList[Symbol.dispose]();
      chats[Symbol.dispose]();
      channelList[Symbol.dispose]();
      channels[Symbol.dispose]();
      python.stop();
      connection.close();
    },
  };
}
