import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { messageOf } from "../client/errors.ts";
import { ChannelModel, type Post } from "./channel_model.ts";
import { Composer } from "./composer.tsx";
import { PostView } from "./post_view.tsx";
import type { AppSession } from "./app_session.ts";
import { Icon } from "./icons.tsx";
import { useFrames, useValue } from "./observable.ts";
import { EmptyState, ErrorState, Loading } from "./states.tsx";
import { toast } from "./toasts.tsx";

const NEAR_END = 80;

/** A channel, with a thread beside it when one is open. */
export function ChannelPage({ session, id }: { session: AppSession; id: string }) {
  const [thread, setThread] = useState<Post>();
  return (
    <main tabIndex={-1}>
      <div class={`split ${thread ? "has-thread" : ""}`}>
        <Conversation session={session} channelId={id} onThread={setThread} />
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
  onClose?: () => void;
}

function Conversation({ session, channelId, root, onThread, onClose }: ConversationProps) {
  const model = useMemo(
    () => new ChannelModel(session, channelId, root?.id),
    [session, channelId, root?.id],
  );
  useEffect(() => {
    void model.load();
    const onFocus = () => model.seen();
    addEventListener("focus", onFocus);
    return () => {
      removeEventListener("focus", onFocus);
      model[Symbol.dispose]();
    };
  }, [model]);
  useFrames(model.changed);
  const { state } = useValue(session.status);
  const scroll = useScroll(model);
  const { posts, channel, typists, loadError } = model;
  const name = root ? "Thread" : channel?.name ?? "";

  const attempt = (work: Promise<unknown>) =>
    void work.catch((thrown) => toast(messageOf(thrown), "error"));

  async function post(text: string) {
    try {
      await model.post(text);
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
            ? <ErrorState text={loadError} onRetry={() => void model.load()} />
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
                    onReact={(name) => attempt(model.react(post, name))}
                    {...(onThread && { onThread })}
                    {...(post.user_id === session.me.id &&
                      { onRemove: () => attempt(model.remove(post)) })}
                  />
                ))}
              </>
            )}
        </div>
      </div>
      <div class="dock">
        <p class="typing" role="status">{typingText(typists.map(({ name }) => name))}</p>
        <Composer
          label={root ? "Reply" : "Message"}
          placeholder={root ? "Reply" : `Write to ${name || "the channel"}`}
          draftKey={`${channelId}/${root?.id ?? ""}`}
          isDisabled={state !== "online"}
          onSend={post}
          onType={() => model.typing()}
        />
      </div>
    </section>
  );
}

function typingText(names: readonly string[]): string {
  if (names.length === 0) return "";
  if (names.length > 2) return `${names.length} people are typing…`;
  return `${names.join(" and ")} ${names.length === 1 ? "is" : "are"} typing…`;
}

/** Stays at the newest message unless one reads further up. */
function useScroll(model: ChannelModel) {
  const element = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  useEffect(() => {
    isAtEnd.current = true;
    const area = element.current;
    const onScroll = () => {
      if (!area) return;
      isAtEnd.current = area.scrollHeight - area.scrollTop - area.clientHeight < NEAR_END;
    };
    area?.addEventListener("scroll", onScroll, { passive: true });
    return () => area?.removeEventListener("scroll", onScroll);
  }, [model]);
  useEffect(() => {
    if (isAtEnd.current && element.current) {
      element.current.scrollTop = element.current.scrollHeight;
    }
  });
  return element;
}
