import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Post } from "../../client/channel_model.ts";
import type { Writer } from "../../client/channel_writers.ts";
import { messageOf } from "../../client/errors.ts";
import { useConnection } from "../../client/react/context.ts";
import { useChannel } from "../../client/react/use_channel.ts";
import type { AppSession } from "../app_session.ts";
import { isInFront } from "../chats/chat_hooks.ts";
import { Composer } from "../chats/composer.tsx";
import { Here } from "../people/here.tsx";
import { addressOf } from "../route.ts";
import { confirm } from "../ui/dialogs.tsx";
import { Icon } from "../ui/icons.tsx";
import { useValue } from "../ui/observable.ts";
import { EmptyState, ErrorState, Loading } from "../ui/states.tsx";
import { toast } from "../ui/toasts.tsx";
import { useScroll } from "../ui/use_scroll.ts";
import { inShort, type Mentionable, withMentions } from "./channel_mentions.ts";
import { titleOf } from "./channel_names.ts";
import { AboutDialog } from "./about_dialog.tsx";
import { PinsDialog } from "./pins_dialog.tsx";
import { EmojiPicker } from "./emoji_picker.tsx";
import { MentionBox } from "./mention_box.tsx";
import { meet, mentionables } from "./mentionables.ts";
import { Older, PostList } from "./post_list.tsx";
import { type PostActions, PostView } from "./post_view.tsx";
import { useUnreadLine } from "./use_unread_line.ts";

interface ConversationProps {
  session: AppSession;
  channelId: string;
  /** The message whose thread this is. Default: this is the channel itself. */
  threadId?: string;
  /** The thread that stands beside the channel. */
  openThreadId?: string | undefined;
  onThread?: (post: Post) => void;
  onAnswered?: (question: Post) => void;
  onClose?: () => void;
}

/** What is said in a channel, or in a thread of it, and where one says something. */
export function Conversation(props: ConversationProps) {
  const { session, channelId, threadId, openThreadId, onThread, onAnswered, onClose } = props;
  const isThread = threadId !== undefined;
  const meId = session.me.id;
  const model = useChannel(channelId, { threadId, onAnswered });
  const { posts, root, channel, typists, writers, loadError, isGone } = model;
  useRead(session, channelId, isThread ? undefined : posts?.at(-1)?.id);
  const unreadFrom = useUnreadLine({
    channel: isThread ? undefined : channel,
    ...{ posts, hasMore: model.hasMore, meId },
    isInFront: () => isInFront("channel", channelId),
  });
  const { isOnline } = useConnection();
  const { area, isAway, toEnd } = useScroll(`${channelId}/${threadId ?? ""}`);
  const pane = useRef<HTMLElement>(null);
  const chosen = useRef<Mentionable[]>([]);
  const [editingId, setEditing] = useState<string>();
  const [picking, setPicking] = useState<{ post: Post; opener: HTMLElement }>();
  const [dialog, setShown] = useState<"about" | "pins">();
  const [firstModel] = useValue(session.models);
  const mayWrite = channel?.write_access !== false;
  const name = isThread ? "Thread" : channel ? titleOf(channel, meId) : "";

  const latest = useRef({ model, onThread });
  latest.current = { model, onThread };
  const actions = useMemo((): PostActions => ({
    react: (post, sign) => attempt(latest.current.model.react(post, sign)),
    pickReaction: (post, opener) => setPicking({ post, opener }),
    ...(!isThread && { openThread: (post) => latest.current.onThread?.(post) }),
    pin: (post, isPinned) => attempt(latest.current.model.pin(post, isPinned)),
    beginEdit: (post) => setEditing(post.id),
    endEdit() {
      setEditing(undefined);
      pane.current?.querySelector<HTMLElement>(".dock textarea")?.focus();
    },
    async edit(post, content) {
      try {
        await latest.current.model.edit(post, content);
      } catch (thrown) {
        toast(messageOf(thrown), "error");
        throw thrown;
      }
    },
    async remove(post) {
      const isSure = await confirm({
        title: "Delete this message?",
        message: inShort(post.content, 200),
        yes: "Delete",
        isDanger: true,
      });
      if (isSure) attempt(latest.current.model.remove(post));
    },
  }), [channelId, threadId]);

  async function post(text: string) {
    meet(session, (posts ?? []).flatMap(({ user }) => user ? [user] : []));
    toEnd();
    try {
      await model.post(withMentions(text, [...chosen.current, ...mentionables(session)]));
      chosen.current = [];
    } catch (thrown) {
      toast(messageOf(thrown), "error");
      throw thrown;
    }
  }

  /** The arrow up in an empty field changes what one said last. */
  function onKeyDown(event: KeyboardEvent) {
    const { target, key } = event;
    if (key !== "ArrowUp" || !(target instanceof HTMLTextAreaElement) || target.value) return;
    const last = posts?.findLast(({ user_id, meta, isPending }) =>
      user_id === meId && typeof meta?.model_id !== "string" && !isPending
    );
    if (!last) return;
    event.preventDefault();
    setEditing(last.id);
  }

  const shown = {
    ...{ session, mayWrite, actions, editingId, unreadFrom },
    isManager: channel?.is_manager === true,
  };
  return (
    <section
      ref={pane}
      class={`pane ${isThread ? "thread" : ""}`}
      aria-label={name || "Channel"}
    >
      <div class="bar">
        {isThread ? <h2>{name}</h2> : <h1>{name}</h1>}
        {channel && !isThread && !isGone && channel.description && (
          <span class="hint description">{channel.description}</span>
        )}
        <span class="spacer"></span>
        {!isThread && <Here place={channel && !isGone ? { channelId } : undefined} meId={meId} />}
        {channel && !isThread && !isGone && (
          <>
            <button
              type="button"
              class="icon-button"
              aria-label="Pinned messages"
              title="Pinned messages"
              onClick={() => setShown("pins")}
            >
              <Icon name="pin" />
            </button>
            <button
              type="button"
              class="icon-button"
              aria-label="About this channel"
              title="About this channel"
              onClick={() => setShown("about")}
            >
              <Icon name="people" />
            </button>
          </>
        )}
        {onClose && (
          <button type="button" class="icon-button" aria-label="Close the thread" onClick={onClose}>
            <Icon name="close" />
          </button>
        )}
      </div>
      <div class="scroll" ref={area} tabIndex={0} role="log" aria-label={`Messages: ${name}`}>
        <div class="column">
          {isGone
            ? <Gone isThread={isThread} onClose={onClose} />
            : loadError !== undefined
            ? <ErrorState text={loadError} onRetry={() => void model.reload()} />
            : posts === undefined
            ? <Loading what="messages" />
            : (
              <>
                {root && <PostView {...shown} post={root} isEditing={editingId === root.id} />}
                {posts.length === 0 && !isThread && (
                  <EmptyState icon="channel" title={`This is the beginning of ${name}`}>
                    <p>Say hello: everybody here sees it at once.</p>
                  </EmptyState>
                )}
                {model.hasMore && (
                  <Older
                    key={posts[0]?.id}
                    onSeen={() => attempt(model.loadOlder())}
                  />
                )}
                <PostList {...shown} posts={posts} />
              </>
            )}
        </div>
      </div>
      <div class="dock" onKeyDown={onKeyDown}>
        {isAway && (
          <button type="button" class="quiet to-newest" onClick={toEnd}>
            <Icon name="down" /> To the newest
          </button>
        )}
        <Writers
          writers={writers.filter((one) => isThread || one.threadId !== openThreadId)}
          mayStop={({ userId }) => userId === meId || channel?.is_manager === true}
          onStop={({ messageId }) => attempt(model.stop(messageId))}
        />
        <p class="typing" role="status">{typingText(typists.map(({ name }) => name))}</p>
        {mayWrite && !isGone && loadError === undefined && (
          <MentionBox
            session={session}
            onPick={(picked) => chosen.current.unshift(picked)}
          >
            <Composer
              label={isThread ? "Reply" : "Message"}
              placeholder={isThread ? "Reply" : `Write to ${name || "the channel"}` +
                (firstModel ? `, or ask @${firstModel.name}` : "")}
              draftKey={`${channelId}/${threadId ?? ""}`}
              isDisabled={!isOnline}
              onSend={post}
              onType={() => model.typing()}
            />
          </MentionBox>
        )}
        {!mayWrite && <p class="hint">You can read this channel.</p>}
      </div>
      {dialog === "about" && channel && !isGone && (
        <AboutDialog
          session={session}
          channel={channel}
          onClose={() => setShown(undefined)}
        />
      )}
      {dialog === "pins" && !isGone && (
        <PinsDialog
          {...{ session, channelId, mayWrite }}
          onClose={() => setShown(undefined)}
        />
      )}
      {picking && (
        <EmojiPicker
          key={picking.post.id}
          opener={picking.opener}
          onPick={(sign) => actions.react?.(picking.post, sign)}
          onClose={() => setPicking(undefined)}
        />
      )}
    </section>
  );
}

const attempt = (work: Promise<unknown>) =>
  void work.catch((thrown) => toast(messageOf(thrown), "error"));

/** What was there and is no more, or was never there for this person: no reason to be alarmed. */
function Gone({ isThread, onClose }: { isThread: boolean; onClose?: (() => void) | undefined }) {
  return isThread
    ? (
      <EmptyState icon="thread" title="This message is not here any more">
        <p>It has been deleted, with its thread.</p>
        <button type="button" class="quiet" onClick={onClose}>Close the thread</button>
      </EmptyState>
    )
    : (
      <EmptyState icon="channel" title="You are not in this channel">
        <p>It has been deleted, or is not open to you any more.</p>
        <a href={addressOf("chat")}>To your chats</a>
      </EmptyState>
    );
}

function Writers({ writers, mayStop, onStop }: {
  writers: readonly Writer[];
  mayStop: (writer: Writer) => boolean;
  onStop: (writer: Writer) => void;
}) {
  if (writers.length === 0) return null;
  return (
    <ul class="writers">
      {writers.map((writer) => (
        <li key={writer.messageId}>
          <span role="status">{writer.name} is writing…</span>
          {mayStop(writer) && (
            <button
              type="button"
              class="link"
              aria-label={`Stop ${writer.name}`}
              onClick={() => onStop(writer)}
            >
              Stop
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}

/** Who looks at the newest message has read the channel. */
function useRead({ channels, channelList }: AppSession, channelId: string, last?: string) {
  useEffect(() => {
    if (last === undefined) return;
    const look = () => {
      if (!isInFront("channel", channelId)) return;
      channels.markRead(channelId);
      channelList.seen(channelId);
    };
    look();
    addEventListener("focus", look);
    return () => removeEventListener("focus", look);
  }, [channels, channelId, last]);
}

function typingText(names: readonly string[]): string {
  if (names.length === 0) return "";
  if (names.length > 2) return `${names.length} people are typing…`;
  return `${names.join(" and ")} ${names.length === 1 ? "is" : "are"} typing…`;
}
