import { AnswerEnd, Pictures } from "../chats/answer_end.tsx";
import { colourOf, initialsOf } from "../ui/colours.ts";
import type { Post } from "../../client/channel_model.ts";
import { Icon } from "../ui/icons.tsx";
import { MarkdownView } from "../text/markdown_view.tsx";
import { authorOf } from "./channel_names.ts";
import { memo } from "../ui/memo.tsx";
import { when } from "../ui/times.ts";

export interface PostViewProps {
  post: Post;
  meId: string;
  onReact?: (name: string) => void;
  onThread?: (post: Post) => void;
  onRemove?: () => void;
}

/** What one can react with in one click. */
const QUICK = "👍";

/** One message of a channel. */
export const PostView = memo(function PostView(props: PostViewProps) {
  const { post, meId, onReact, onThread, onRemove } = props;
  const { id: authorId, name } = authorOf(post);
  const reactions = post.reactions ?? [];
  return (
    <article class={`post ${post.isPending ? "pending" : ""}`} aria-label={name}>
      <span class="avatar" aria-hidden="true" style={{ background: colourOf(authorId) }}>
        {initialsOf(name)}
      </span>
      <div>
        <header>
          <strong>{name}</strong>
          <time dateTime={new Date(post.created_at * 1000).toISOString()}>
            {when(post.created_at)}
          </time>
        </header>
        <MarkdownView text={post.content} />
        <Pictures files={post.data?.files} />
        <AnswerState post={post} />
        {reactions.length > 0 && (
          <div class="reactions">
            {reactions.map((reaction) => {
              const names = reaction.users.map((user) => user.name).join(", ");
              return (
                <button
                  key={reaction.name}
                  type="button"
                  title={names}
                  aria-label={`${reaction.name}, ${reaction.count}: ${names}`}
                  aria-pressed={reaction.users.some(({ id }) => id === meId)}
                  disabled={!onReact}
                  onClick={() => onReact?.(reaction.name)}
                >
                  {reaction.name} {reaction.count}
                </button>
              );
            })}
          </div>
        )}
        {onThread && post.reply_count > 0 && (
          <button
            type="button"
            class="replies"
            onClick={() => onThread(post)}
          >
            {post.reply_count} {post.reply_count === 1 ? "reply" : "replies"}
          </button>
        )}
      </div>
      {!post.isPending && (onReact || onThread || onRemove) && (
        <div class="acts">
          {onReact && (
            <Act
              icon="smile"
              label={`React with ${QUICK}`}
              onClick={() => onReact(QUICK)}
            />
          )}
          {onThread && (
            <Act
              icon="thread"
              label="Reply in a thread"
              onClick={() => onThread(post)}
            />
          )}
          {onRemove && <Act icon="trash" label="Delete" onClick={onRemove} />}
        </div>
      )}
    </article>
  );
}, (a, b) =>
  a.post === b.post && a.meId === b.meId && !a.onReact === !b.onReact &&
  !a.onRemove === !b.onRemove);

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

function Act(
  { icon, label, onClick }: {
    icon: "smile" | "thread" | "trash";
    label: string;
    onClick: () => void;
  },
) {
  return (
    <button type="button" class="icon-button" aria-label={label} title={label} onClick={onClick}>
      <Icon name={icon} />
    </button>
  );
}
