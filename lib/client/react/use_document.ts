import { useEffect, useMemo, useState } from "react";
import { DocumentProvider } from "../document_provider.ts";
import type { DocumentStatus, KeptEdits } from "../document_status.ts";
import type { Readable } from "../store.ts";
import type { Awareness, Doc } from "../yjs_types.ts";
import { useRealtime } from "./context.ts";
import { useOwned } from "./use_owned.ts";
import { useStore } from "./use_store.ts";

/** How one is shown to the others. */
export interface UseDocumentOptions {
  /** Default: the id and name that the server knows, and a colour of the id's own. */
  user?: { id: string; name: string; color: string } | undefined;
  /** What {@linkcode DocumentProvider.keep} of an earlier page gave, as it is on the first drawing. */
  kept?: readonly KeptEdits[] | undefined;
}

/** A document: `undefined` on the first drawing, then the same for as long as the component is there. */
export interface UseDocument {
  /** What editors bind to; `undefined` on the first drawing. */
  readonly provider: DocumentProvider | undefined;
  /** The provider's Yjs document. */
  readonly doc: Doc | undefined;
  /** The provider's cursors and names. */
  readonly awareness: Awareness | undefined;
  /** Whether everything is at the server, and if not, why. */
  readonly status: DocumentStatus;
}

const CONNECTING: DocumentStatus = { state: "connecting" };
const NONE: Readable<DocumentStatus> = { snapshot: CONNECTING, subscribe: () => () => {} };

/** A Yjs document that others edit, too: `note:{id}` is that of a note. */
export function useDocument(
  documentId: string,
  { user, kept }: UseDocumentOptions = {},
): UseDocument {
  const { connection } = useRealtime();
  const provider = useOwned(() => {
    const { id = "", name = "" } = user ?? connection.user ?? {};
    const shown = { id, name, color: user?.color ?? colourOf(id) };
    return new DocumentProvider({ connection, documentId, user: shown, kept });
  }, [connection, documentId, user?.id, user?.name, user?.color]);
  const status = useStore<DocumentStatus>(
    useMemo(
      () =>
        provider
          ? {
            get snapshot() {
              return provider.status;
            },
            subscribe: provider.subscribe,
          }
          : NONE,
      [provider],
    ),
  );
  return { provider, doc: provider?.doc, awareness: provider?.awareness, status };
}

function colourOf(id: string): string {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 360;
  return `hsl(${sum} 55% 40%)`;
}

/** Somebody who has the document open. */
export interface Present {
  /** Yjs's number for this editor; one person has several with several tabs. */
  readonly clientId: number;
  /** Whether it is this editor. */
  readonly isMe: boolean;
  /** Who it is, as they call themselves. */
  readonly user: { readonly id?: string; readonly name: string; readonly color: string };
  /** All that they have told of themselves, their cursor among it. */
  readonly state: Readonly<Record<string, unknown>>;
}

/** Who has the document open, oneself included. */
export function usePresence(provider: DocumentProvider | undefined): readonly Present[] {
  const [people, setPeople] = useState<readonly Present[]>([]);
  useEffect(() => {
    if (!provider) return setPeople([]);
    const { awareness } = provider;
    const look = () =>
      setPeople([...awareness.getStates()].flatMap(([clientId, state]) => {
        const user: Present["user"] | undefined = state["user"];
        return user ? [{ clientId, isMe: clientId === awareness.clientID, user, state }] : [];
      }));
    look();
    awareness.on("change", look);
    return () => awareness.off("change", look);
  }, [provider]);
  return people;
}
