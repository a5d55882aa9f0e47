/** What authors and channels are called. */
import type { ChannelMessage } from "../../protocol/channel.ts";

export interface Author {
  id: string;
  name: string;
}

/**
 * Who says what a message says. An answer belongs to the person who asked for it, so that they may
 * delete it; the model in its `meta` wrote it.
 */
export function authorOf({ user_id, user, meta }: ChannelMessage): Author {
  const modelId = meta?.model_id;
  if (typeof modelId !== "string") return { id: user_id, name: user?.name ?? "Somebody" };
  const name = meta?.model_name;
  return { id: modelId, name: typeof name === "string" && name !== "" ? name : modelId };
}

/** Whom one talks to in a direct channel of two. */
export function otherIn(
  { type, users }: { type: string | null; users?: { id: string }[] | null },
  meId: string,
): string | undefined {
  const others = type === "dm" ? users?.filter(({ id }) => id !== meId) ?? [] : [];
  return others.length === 1 ? others[0]?.id : undefined;
}

/** What a channel is called; a direct one by the others in it. */
export function titleOf(
  { name, users }: { name: string; users?: { id: string; name: string }[] | null },
  meId: string,
): string {
  const others = users?.filter(({ id }) => id !== meId).map((user) => user.name);
  return name || others?.join(", ") || "Direct message";
}
