import { type AccessChange, accessChanges } from "../auth/access_changes.ts";
import type { Subscription, Topics } from "../bus/topics.ts";
import type { Connections } from "./connections.ts";

export interface SessionAccessOptions {
  topics: Topics;
  connections: Pick<Connections, "closeUser" | "recheck">;
  /** What was remembered of the user is no longer believed; without an id, of all. */
  forgetUser(userId?: string): void;
  /** The user is gone: nothing of theirs runs on. */
  stopUser(userId: string): void;
  /** A room was joined or left. */
  moved(change: Extract<AccessChange, { room: string }>): void;
}

/** Ends the sessions whose access changes, wherever the change was made. */
export function followSessionAccess(options: SessionAccessOptions): Subscription {
  const { topics, connections, forgetUser } = options;
  return topics.subscribe(accessChanges, {
    onMessage(change) {
      const { user_id } = change;
      forgetUser(user_id);
      switch (change.type) {
        case "token_revoked":
          return connections.closeUser(
            user_id,
            "You have signed out.",
            ({ token }) => token.jti === change.jti,
          );
        case "user_revoked":
          return connections.closeUser(user_id, "Your sessions were ended: sign in again.");
        case "role_changed":
          return connections.closeUser(user_id, "Your role has changed: sign in again.");
        case "user_deleted":
          options.stopUser(user_id);
          return connections.closeUser(user_id, "This account no longer exists.");
        case "room_left":
        case "room_joined":
          return options.moved(change);
      }
    },
    onGap() {
      forgetUser();
      // It asks until it knows of every session; after another gap all are asked for anew at once.
      void connections.recheck();
    },
  });
}
