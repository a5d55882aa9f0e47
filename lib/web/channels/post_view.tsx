import { AnswerEnd, Pictures } from "../chats/answer_end.tsx";
import type { Post } from "../../client/channel_model.ts";
import { messageOf } from "../../client/errors.ts";
import type { AppSession } from "../app_session.ts";
import { Icon, type IconName } from "../ui/icons.tsx";
import { MarkdownView } from "../text/markdown_view.tsx";
import { authorOf } from "./channel_names.ts";
import { nameOf } from "./emoji.ts";
import { Face } from "./face.tsx";
import { messagePerson } from "./message_person.ts";
import { PostEditor } from "./post_editor.tsx";
import { timeOf } from "./post_times.ts";
import { memo } from "../ui/memo.tsx";
import { toast } from "../ui/toasts.tsx";

/** What one can do with a message; what is missing one may not do. The same from drawing to drawing. */
export interface PostActions {
  react?(post: Post, name: string): void;
  /** Asks which of all reactions it is to be. */
  pickReaction?(post: Post, opener: HTMLElement): void;
  openThread?(post: Post): void;
  pin?(post: Post, isPinned: boolean): void;
  beginEdit?(post: Post): void;
  endEdit?(): void;
  /** Rejects when it was not taken. */
  edit?(post: Post, content: string): Promise<void>;
  remove?(post: Post): void;
}

export interface PostViewProps {
  session: AppSession;
  post: Post;
  /** By the person of the message above, and soon after it. */
  isFollowing?: boolean;
  isEditing?: boolean;
  mayWrite: boolean;
  /** Whether one may delete what others say. */
  isManager: boolean;
  actions: PostActions;
}

async function message(session: AppSession, userId: string): Promise<void> {
  try {
    await messagePerson(session, userId);
  } catch (thrown) {
    toast(messageOf(thrown), "error");
  }
}

/** One message of a channel. */
export const PostView = memo(function PostView(props: PostViewProps) {
  const { session, post, isFollowing = false, isEditing = false, mayWrite, actions } = props;
  const { id: authorId, name } = authorOf(post);
  const meId = session.me.id;
  const { react, openThread, edit, endEdit } = actions;
  return (
    <article
      class={`post ${post.isPending ? "pending" : ""} ${isFollowing ? "following" : ""}`}
      aria-label={name}
      tabIndex={-1}
    >
      {isFollowing
        ? <Time seconds={post.created_at} />
        : <Face id={authorId} name={name} class="" />}
      <div>
        {!isFollowing && (
          <header>
            {post.user && authorId === post.user_id && authorId !== meId
              ? (
                <button
                  type="button"
                  class="author"
                  title={`Message ${name}`}
                  onClick={() => void message(session, authorId)}
                >
                  {name}
                </button>
              )
              : <strong>{name}</strong>}
            <Time seconds={post.created_at} />
            {post.is_pinned && <span class="hint">Pinned</span>}
          </header>
        )}
        {isEditing && edit && endEdit
          ? (
            <PostEditor
              session={session}
              content={post.content}
              onSave={(content) => edit(post, content)}
              onClose={endEdit}
            />
          )
          : <MarkdownView text={post.content} />}
        <Pictures files={post.data?.files} />
        {isEdited(post) && !isEditing && <span class="hint">(edited)</span>}
        <AnswerState post={post} />
        {(post.reactions?.length ?? 0) > 0 && (
          <div class="reactions">
            {post.reactions.map((reaction) => {
              const names = reaction.users.map((user) => user.name).join(", ");
              return (
                <button
                  key={reaction.name}
                  type="button"
                  title={names}
                  aria-label={`${nameOf(reaction.name)}, ${reaction.count}: ${names}`}
                  aria-pressed={reaction.users.some(({ id }) => id === meId)}
                  disabled={!mayWrite}
                  onClick={() => react?.(post, reaction.name)}
                >
                  {reaction.name} {reaction.count}
                </button>
              );
            })}
          </div>
        )}
        {openThread && post.reply_count > 0 && (
          <button
            type="button"
            class="replies"
            onClick={() => openThread(post)}
          >
            {post.reply_count} {post.reply_count === 1 ? "reply" : "replies"}
          </button>
        )}
      </div>
      {!post.isPending && !isEditing && <Acts {...props} />}
    </article>
  );
}, (a, b) =>
  a.post === b.post && a.isFollowing === b.isFollowing && a.isEditing === b.isEditing &&
  a.mayWrite === b.mayWrite && a.isManager === b.isManager && a.actions === b.actions);

function Acts({ session, post, mayWrite, isManager, actions }: PostViewProps) {
  const { pickReaction, openThread, pin, beginEdit, remove } = actions;
  const isOwn = post.user_id === session.me.id;
  const isModels = typeof post.meta?.model_id === "string";
  if (!mayWrite) return null;
  return (
    <div class="acts">
      {pickReaction && (
        <Act
          icon="smile"
          label="React"
          onClick={(opener) => pickReaction(post, opener)}
        />
      )}
      {openThread && (
        <Act
          icon="thread"
          label="Reply in a thread"
          onClick={() => openThread(post)}
        />
      )}
      {pin && (
        <Act
          icon="pin"
          label={post.is_pinned ? "Unpin" : "Pin"}
          isPressed={post.is_pinned}
          onClick={() => pin(post, !post.is_pinned)}
        />
      )}
      {beginEdit && isOwn && !isModels && (
        <Act
          icon="edit"
          label="Edit"
          onClick={() => beginEdit(post)}
        />
      )}
      {remove && (isOwn || isManager) && (
        <Act
          icon="trash"
          label="Delete"
          onClick={() => remove(post)}
        />
      )}
    </div>
  );
}

function Act({ icon, label, isPressed, onClick }: {
  icon: IconName;
  label: string;
  isPressed?: boolean;
  onClick: (opener: HTMLElement) => void;
}) {
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={label}
      aria-pressed={isPressed}
      title={label}
      onClick={(event) => onClick(event.currentTarget)}
    >
      <Icon name={icon} />
    </button>
  );
}

function Time({ seconds }: { seconds: number }) {
  const date = new Date(seconds * 1000);
  return <time dateTime={date.toISOString()} title={date.toLocaleString()}>{timeOf(seconds)}</time>;
}

/** A model's message changes as it grows; a person's, when they change it. */
const isEdited = ({ created_at, updated_at, meta }: Post): boolean =>
  typeof meta?.model_id !== "string" && updated_at > created_at;

/** How far a model has got, and how its answer ended. */
function AnswerState({ post: { content, meta, data } }: { post: Post }) {
  if (typeof meta?.model_id !== "string") return null;
  const files = Array.isArray(data?.files) ? data.files : undefined;
  if (meta.done !== false) return <AnswerEnd message={{ ...meta, content, files }} />;
  return content !== ""
    ? null
    : (
      <p class="waiting" role="status" aria-label="Waiting for the first words">
        <i></i>
        <i></i>
        <i></i>
      </p>
    );
}
