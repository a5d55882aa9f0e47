import type { AppSession } from "../app_session.ts";
import { goToThread, route } from "../route.ts";
import { useValue } from "../ui/observable.ts";
import { Conversation } from "./conversation.tsx";

/** A channel, with a thread beside it when its address names one. */
export function ChannelPage({ session, id }: { session: AppSession; id: string }) {
  const { threadId } = useValue(route);
  const open = (messageId: string | undefined) => goToThread(id, messageId);
  return (
    <main tabIndex={-1}>
      <div class={`split ${threadId ? "has-thread" : ""}`}>
        <Conversation
          session={session}
          channelId={id}
          openThreadId={threadId}
          onThread={(post) => open(post.id)}
          // An answer comes in a thread: who asked for it sees it come.
          onAnswered={(question) => {
            if (route.value.threadId === undefined) open(question.id);
          }}
        />
        {threadId && (
          <Conversation
            key={threadId}
            session={session}
            channelId={id}
            threadId={threadId}
            onClose={() => open(undefined)}
          />
        )}
      </div>
    </main>
  );
}
