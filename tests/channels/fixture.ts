import type { Channel, ChannelEvent, ChannelMessage } from "../../lib/protocol/channel.ts";
import { type Client, connect, type Person } from "../support/server.ts";

/** A client that also keeps every `events:channel` it hears. */
export interface ChannelClient extends Client {
  heard: ChannelEvent[];
  /** Those of one type. */
  of(type: string): ChannelEvent[];
  /** Sends an event and gives the ack. */
  ask(event: string, payload: unknown): Promise<Record<string, unknown>>;
}

export async function connectToChannels(url: string, token: string): Promise<ChannelClient> {
  const client = await connect(url, token);
  const heard: ChannelEvent[] = [];
  client.socket.on("events:channel", (event: ChannelEvent) => heard.push(event));
  const ask: ChannelClient["ask"] = (event, payload) =>
    client.socket.timeout(30_000).emitWithAck(event, payload);
  // Resolves once all channels are joined.
  await ask("join-channels", { auth: { token } });
  return Object.assign(client, {
    heard,
    of: (type: string) => heard.filter(({ data }) => data.type === type),
    ask,
  });
}

const path = (channelId: string, rest = "") => `/api/v1/channels/${channelId}${rest}`;

export const makeGroup = (owner: Person, members: Person[], name = "team"): Promise<Channel> =>
  owner.json("POST", "/api/v1/channels/create", {
    type: "group",
    name,
    user_ids: members.map(({ id }) => id),
  });

export const post = (
  author: Person,
  channelId: string,
  content: string,
  more: Record<string, unknown> = {},
): Promise<ChannelMessage> =>
  author.json("POST", path(channelId, "/messages/post"), { content, ...more });

export const messagesOf = (reader: Person, channelId: string): Promise<ChannelMessage[]> =>
  reader.json("GET", path(channelId, "/messages"));

/** Status and code of a request that is refused. */
export async function refusal(
  person: Person,
  method: string,
  at: string,
  body?: unknown,
): Promise<string> {
  const response = await person.call(method, at, body);
  const answer = await response.json();
  return response.ok ? `${response.status}` : `${response.status} ${answer.code}`;
}
