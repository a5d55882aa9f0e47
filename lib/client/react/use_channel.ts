import { useLayoutEffect, useMemo, useRef } from "react";
import { ChannelList, type ChannelListSnapshot } from "../channel_list.ts";
import { ChannelModel, type ChannelSnapshot, type Post } from "../channel_model.ts";
import { ClientError } from "../errors.ts";
import type { Readable } from "../store.ts";
import { useRealtime } from "./context.ts";
import { useOwned } from "./use_owned.ts";
import { useFrames, useStore } from "./use_store.ts";

/** What else there is to say of a channel. */
export interface UseChannelOptions {
  /** The message whose thread is meant. Default: the channel itself. */
  threadId?: string | undefined;
  /** A model begins to answer, in a thread, what was said here. */
  onAnswered?: ((question: Post) => void) | undefined;
}

/** A channel, and what one can do in it. The functions stay the same from one drawing to the next. */
export interface UseChannel extends ChannelSnapshot {
  /** Shows the text at once, and says it. Rejects when it could not be said. */
  post(text: string): Promise<void>;
  /** Gives a reaction, or takes it back. */
  react(post: Post, name: string): Promise<void>;
  /** Changes what a message says. */
  edit(post: Post, content: string): Promise<void>;
  /** Deletes a message. */
  remove(post: Post): Promise<void>;
  /** Puts a message among the pinned ones, or takes it out. */
  pin(post: Post, isPinned: boolean): Promise<void>;
  /** Stops the model that writes the message; what there is of it stays. */
  stop(messageId: string): Promise<void>;
  /** Reads what was said before. */
  loadOlder(): Promise<void>;
  /** Says that one is typing; call it at each key. */
  typing(): void;
  /** Notes that everything here has been seen. */
  markRead(): void;
  /** Reads it again. */
  reload(): Promise<void>;
}

const NOTHING: ChannelSnapshot = {
  ...{ channel: undefined, root: undefined, posts: undefined, loadError: undefined },
  ...{ hasMore: false, typists: [], writers: [], isGone: false },
};
const LOADING: Readable<ChannelSnapshot> = { snapshot: NOTHING, subscribe: () => () => {} };

/** A channel, or a thread of it: its messages, and who is typing. */
export function useChannel(
  channelId: string,
  { threadId, onAnswered }: UseChannelOptions = {},
): UseChannel {
  const { channels } = useRealtime();
  const answered = useRef(onAnswered);
  const latest = useRef<ChannelModel>(undefined);
  const model = useOwned(() => {
    const opened = new ChannelModel(channels, {
      ...{ channelId, threadId },
      onAnswered: (question) => answered.current?.(question),
    });
    void opened.load();
    return opened;
  }, [channels, channelId, threadId]);
  useLayoutEffect(() => {
    answered.current = onAnswered;
    latest.current = model;
  });
  const snapshot = useFrames<ChannelSnapshot>(model ?? LOADING);
  const calls = useMemo(() => {
    const open = (): ChannelModel => {
      if (!latest.current) throw new ClientError("unavailable", "The channel is not open.");
      return latest.current;
    };
    return {
      post: async (text: string) => await open().post(text),
      react: async (post: Post, name: string) => await open().react(post, name),
      edit: async (post: Post, content: string) => await open().edit(post, content),
      remove: async (post: Post) => await open().remove(post),
      pin: async (post: Post, isPinned: boolean) => await open().pin(post, isPinned),
      stop: async (messageId: string) => await open().stop(messageId),
      loadOlder: async () => await latest.current?.loadOlder(),
      typing: () => latest.current?.typing(),
      markRead: () => channels.markRead(channelId),
      reload: async () => void await latest.current?.load(),
    };
  }, [channels, channelId]);
  return { ...snapshot, ...calls };
}

const NO_LIST: Readable<ChannelListSnapshot> = {
  snapshot: { channels: undefined, unread: new Map() },
  subscribe: () => () => {},
};

/** One's channels, with what has not been read in each. */
export function useChannels(): ChannelListSnapshot {
  const { channels } = useRealtime();
  const list = useOwned(() => {
    const opened = new ChannelList(channels);
    void opened.reload();
    return opened;
  }, [channels]);
  return useStore<ChannelListSnapshot>(list ?? NO_LIST);
}
