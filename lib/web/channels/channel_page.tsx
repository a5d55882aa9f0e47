import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "../../client/errors.ts";
import type { Post } from "../../client/channel_model.ts";
import { useChannel } from "../../client/react/use_channel.ts";
import { useConnection } from "../../client/react/context.ts";
import { titleOf } from "./channel_names.ts";
import { isInFront } from "../chats/chat_hooks.ts";
import { withMentions } from "./channel_mentions.ts";
import { Composer } from "../chats/composer.tsx";
import { PostView } from "./post_view.tsx";
import type { AppSession } from "../app_session.ts";
import { Icon } from "../ui/icons.tsx";
import { useValue } from "../ui/observable.ts";
import { EmptyState, ErrorState, Loading } from "../ui/states.tsx";
import { toast } from "../ui/toasts.tsx";

const NEAR_END = 80;

/** A channel, with a thread beside it when one is open. */
export function ChannelPage({ session, id }: { session: AppSession; id: string }) {
  const [thread, setThread] = useState<Post>();
  // An answer comes in a thread: who asked for it sees it come.
  const onAnswered = (question: Post) => setThread((open) => open ?? question);
  return (
    <main tabIndex={-1}>
      <div class={`split ${thread ? "has-thread" : ""}`}>
        <Conversation
          session={session}
          channelId={id}
          onThread={setThread}
          onAnswered={onAnswered}
        />
        {thread && (
          <Conversation
            key={thread.id}
            session={session}
            channelId={id}
            root={thread}
            onClose={() => setThread(undefined)}
          />
        )}
      </div>
    </main>
  );
}

interface ConversationProps {
  session: AppSession;
  channelId: string;
  /** The message whose thread this is. */
  root?: Post;
  onThread?: (post: Post) => void;
  onAnswered?: (question: Post) => void;
  onClose?: () => void;
}

function Conversation(props: ConversationProps) {
  const { session, channelId, root, onThread, onAnswered, onClose } = props;
  const model = useChannel(channelId, { threadId: root?.id, onAnswered });
  const { posts, channel, typists, loadError } = model;
  useRead(session, channelId, root ? undefined : posts?.at(-1)?.id);
  const models = useValue(session.models);
  const mayWrite = channel?.write_access !== false;
  const isManager = channel?.is_manager === true;
  const [firstModel] = models;
  const { isOnline } = useConnection();
  const scroll = useScroll(channelId);
  const name = root ? "Thread" : channel ? titleOf(channel, session.me.id) : "";

  const attempt = (work: Promise<unknown>) =>
    void work.catch((thrown) => toast(messageOf(thrown), "error"));

  async function post(text: string) {
    try {
      await model.post(withMentions(text, models));
    } catch (thrown) {
      toast(messageOf(thrown), "error");
      throw thrown;
    }
  }

  return (
    <section class={`pane ${root ? "thread" : ""}`} aria-label={name || "Channel"}>
      <div class="bar">
        {root ? <h2>{name}</h2> : <h1>{name}</h1>}
        <span class="spacer"></span>
        {onClose && (
          <button type="button" class="icon-button" aria-label="Close the thread" onClick={onClose}>
            <Icon name="close" />
          </button>
        )}
      </div>
      <div class="scroll" ref={scroll} tabIndex={0} role="log" aria-label={`Messages: ${name}`}>
        <div class="column">
          {root && <PostView post={root} meId={session.me.id} />}
          {loadError !== undefined
            ? <ErrorState text={loadError} onRetry={() => void model.reload()} />
            : posts === undefined
            ? <Loading what="messages" />
            : posts.length === 0 && !root
            ? (
              <EmptyState icon="channel" title={`This is the beginning of ${name}`}>
                <p>Say hello: everybody here sees it at once.</p>
              </EmptyState>
            )
            : (
              <>
                {model.hasMore && (
                  <button
                    type="button"
                    class="quiet"
                    onClick={() => attempt(model.loadOlder())}
                  >
                    Show what was said before
                  </button>
                )}
                {posts.map((post) => (
                  <PostView
                    key={post.id}
                    post={post}
                    meId={session.me.id}
                    {...(mayWrite && { onReact: (name) => attempt(model.react(post, name)) })}
                    {...(onThread && (mayWrite || post.reply_count > 0) && { onThread })}
                    {...(mayWrite && (post.user_id === session.me.id || isManager) &&
                      { onRemove: () => attempt(model.remove(post)) })}
                  />
                ))}
              </>
            )}
        </div>
      </div>
      <div class="dock">
        <p class="typing" role="status">{typingText(typists.map(({ name }) => name))}</p>
        {mayWrite && loadError === undefined && (
          <Composer
            label={root ? "Reply" : "Message"}
            placeholder={root ? "Reply" : `Write to ${name || "the channel"}` +
              (firstModel ? `, or ask @${firstModel.name}` : "")}
            draftKey={`${channelId}/${root?.id ?? ""}`}
            isDisabled={!isOnline}
            onSend={post}
            onType={() => model.typing()}
          />
        )}
        {!mayWrite && <p class="hint">You can read this channel.</p>}
      </div>
    </section>
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

/**
 * Stays at the newest message unless one reads further up; there, what is read stays where it is,
 * whatever comes or goes above it.
 */
function useScroll(channelId: string) {
  const element = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const place = useRef<{ post: Element; top: number }>(undefined);
  useEffect(() => {
    isAtEnd.current = true;
    const area = element.current;
    const onScroll = () => {
      if (!area) return;
      isAtEnd.current = area.scrollHeight - area.scrollTop - area.clientHeight < NEAR_END;
      place.current = firstInView(area);
    };
    area?.addEventListener("scroll", onScroll, { passive: true });
    return () => area?.removeEventListener("scroll", onScroll);
  }, [channelId]);
  useLayoutEffect(() => {
    const area = element.current;
    if (!area) return;
    const { post, top } = place.current ?? {};
    if (isAtEnd.current) area.scrollTop = area.scrollHeight;
    // Nothing, where the browser has kept the place by itself.
    else if (post?.isConnected && top !== undefined) area.scrollTop += topOf(post) - top;
    place.current = firstInView(area);
  });
  return element;
}

const topOf = (element: Element) => element.getBoundingClientRect().top;

function firstInView(area: Element): { post: Element; top: number } | undefined {
  const top = topOf(area);
  for (const post of area.querySelectorAll(".post")) {
    if (post.getBoundingClientRect().bottom > top) return { post, top: topOf(post) };
  }
}
