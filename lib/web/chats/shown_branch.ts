import { useEffect, useLayoutEffect } from "preact/hooks";
import type { UseChat } from "../../client/react/use_chat.ts";
import { readPersonal, writePersonal } from "../personal.ts";

const keyOf = (chatId: string): string => `branch:${chatId}`;

/**
 * Shows another branch, and again when the chat is come back to in this tab. Whoever asks something
 * is at the end of the chat, which every device knows.
 */
export function useShownBranch(chat: UseChat): (messageId: string) => void {
  const { id, saidHere } = chat;
  const isLoaded = chat.status !== "loading";
  useLayoutEffect(() => {
    const at = id === undefined || !isLoaded ? null : readPersonal(sessionStorage, keyOf(id));
    if (at !== null && chat.allMessages[at]) chat.show(at);
  }, [id, isLoaded]);
  useEffect(() => {
    if (id !== undefined && saidHere > 0) writePersonal(sessionStorage, keyOf(id), undefined);
  }, [id, saidHere]);
  return (messageId) => {
    chat.show(messageId);
    if (id !== undefined) writePersonal(sessionStorage, keyOf(id), messageId);
  };
}
