import { useEffect, useState } from "preact/hooks";
import { messageOf } from "../../client/errors.ts";
import type { ChannelMessage } from "../../protocol/channel.ts";
import type { AppSession } from "../app_session.ts";
import { goToThread } from "../route.ts";
import { MarkdownView } from "../text/markdown_view.tsx";
import { Icon } from "../ui/icons.tsx";
import { Modal } from "../ui/modal.tsx";
import { EmptyState, Loading } from "../ui/states.tsx";
import { when } from "../ui/times.ts";
import { toast } from "../ui/toasts.tsx";
import { authorOf } from "./channel_names.ts";

interface PinsDialogProps {
  session: AppSession;
  channelId: string;
  mayWrite: boolean;
  onClose(): void;
}

/** What somebody found worth keeping at hand, the last pinned first; each leads to its thread. */
export function PinsDialog({ session, channelId, mayWrite, onClose }: PinsDialogProps) {
  const { api, channels } = session;
  const [pins, setPins] = useState<readonly ChannelMessage[]>();

  useEffect(() => {
    let isWanted = true;
    const load = async () => {
      const found: ChannelMessage[] = [];
      const route = "GET /api/v1/channels/{id}/messages/pinned";
      for await (const page of api.pages(route, { params: { id: channelId } })) found.push(...page);
      if (isWanted) setPins(found);
    };
    const attempt = () => void load().catch((thrown) => toast(messageOf(thrown), "error"));
    attempt();
    const end = channels.onChange((change) => {
      if (change.channelId === channelId && ["changed", "deleted"].includes(change.type)) attempt();
    });
    return () => {
      isWanted = false;
      end();
    };
  }, [api, channels, channelId]);

  const unpin = (message: ChannelMessage) =>
    api("POST /api/v1/channels/{id}/messages/{message_id}/pin", {
      params: { id: channelId, message_id: message.id },
      body: { is_pinned: false },
    }).catch((thrown) => toast(messageOf(thrown), "error"));

  return (
    <Modal label="Pinned messages" class="about" onClose={onClose}>
      <div class="about-head">
        <h2>Pinned messages</h2>
        <button type="button" class="icon-button" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      {pins === undefined && <Loading what="pinned messages" />}
      {pins?.length === 0 && (
        <EmptyState icon="pin" title="Nothing is pinned">
          <p>A pin keeps a message at hand, for everybody here.</p>
        </EmptyState>
      )}
      <ul class="pins">
        {pins?.map((message) => (
          <li key={message.id}>
            <header>
              <strong>{authorOf(message).name}</strong> <small>{when(message.created_at)}</small>
            </header>
            <MarkdownView text={message.content} />
            <div class="buttons">
              {mayWrite && (
                <button type="button" class="quiet" onClick={() => void unpin(message)}>
                  Unpin
                </button>
              )}
              <button
                type="button"
                class="quiet"
                onClick={() => {
                  onClose();
                  goToThread(channelId, message.parent_id ?? message.id);
                }}
              >
                Go to it
              </button>
            </div>
          </li>
        ))}
      </ul>
    </Modal>
  );
}
