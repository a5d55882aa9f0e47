import { Fragment } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Post } from "../../client/channel_model.ts";
import type { AppSession } from "../app_session.ts";
import { authorOf } from "./channel_names.ts";
import { dayOf, isSameDay } from "./post_times.ts";
import { type PostActions, PostView } from "./post_view.tsx";

interface PostListProps {
  session: AppSession;
  posts: readonly Post[];
  /** The first message that was not read: a line stands above it. */
  unreadFrom: string | undefined;
  editingId: string | undefined;
  mayWrite: boolean;
  isManager: boolean;
  actions: PostActions;
}

/** Messages of one person within so many seconds stand together. */
const TOGETHER_SECONDS = 300;

/** The messages, oldest first, by day; those of one person together. */
export function PostList(props: PostListProps) {
  const { session, posts, unreadFrom, editingId, mayWrite, isManager, actions } = props;
  return (
    <>
      {posts.map((post, at) => {
        const before = posts[at - 1];
        const isNewDay = !before || !isSameDay(before.created_at, post.created_at);
        const isUnread = post.id === unreadFrom;
        return (
          <Fragment key={post.id}>
            {isNewDay && <p class="day-line">{dayOf(post.created_at)}</p>}
            {isUnread && <p class="unread-line">New</p>}
            <PostView
              session={session}
              post={post}
              isFollowing={!isNewDay && !isUnread && isTogether(before, post)}
              isEditing={post.id === editingId}
              mayWrite={mayWrite}
              isManager={isManager}
              actions={actions}
            />
          </Fragment>
        );
      })}
    </>
  );
}

function isTogether(before: Post, post: Post): boolean {
  return authorOf(before).id === authorOf(post).id && !post.is_pinned &&
    post.created_at - before.created_at < TOGETHER_SECONDS;
}

/** The beginning of what was loaded: what was said before comes when one gets there, or asks for it. */
export function Older({ onSeen }: { onSeen: () => void }) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const watch = new IntersectionObserver(([seen]) => {
      if (!seen?.isIntersecting) return;
      watch.disconnect();
      onSeen();
    }, { root: button.current?.closest(".scroll") ?? null, rootMargin: "200px 0px 0px 0px" });
    if (button.current) watch.observe(button.current);
    return () => watch.disconnect();
  }, []);
  return (
    <button ref={button} type="button" class="quiet" onClick={onSeen}>
      Show what was said before
    </button>
  );
}
