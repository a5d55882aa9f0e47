import {
  createContext,
  createElement,
  type ReactNode,
  useContext,
  useLayoutEffect,
  useRef,
} from "react";
import type { Api } from "../api.ts";
import type { ChatHooks } from "../chats.ts";
import type { Connection, ConnectionStatus, ConnectOptions } from "../connection.ts";
import { openRealtime, type Realtime } from "../realtime.ts";
import type { Token } from "../token_source.ts";
import { useOwned } from "./use_owned.ts";
import { useStore } from "./use_store.ts";

const Context = createContext<Realtime | undefined>(undefined);

/** Either `realtime`, which the program has opened itself, or what opens one: `token`, and `url`. */
export interface RealtimeProviderProps {
  /** What `openRealtime` has made; the provider leaves it open when it goes. */
  realtime?: Realtime | undefined;
  /** `https://host[:port]`. Default: where the page comes from. */
  url?: string | undefined;
  /** The token, or what gives one. A string that changes goes on without a break. */
  token?: Token | undefined;
  /** How else to connect; read once. */
  options?: Omit<ConnectOptions, "url" | "token"> | undefined;
  /** What the page does when the server asks or tells. */
  hooks?: ChatHooks | undefined;
  /** What may use the hooks. */
  children?: ReactNode;
}

/** Connects, and lets every hook below use the connection. Nothing below is drawn before. */
export function RealtimeProvider(props: RealtimeProviderProps): ReactNode {
  const { realtime, url, token, options, hooks, children } = props;
  const latest = useRef<{ token: Token | undefined; hooks: ChatHooks }>({ token, hooks: {} });
  useLayoutEffect(() => {
    const { current } = latest;
    current.token = token;
    for (const name of Object.keys(current.hooks)) delete current.hooks[name as keyof ChatHooks];
    Object.assign(current.hooks, hooks);
  });
  const isOpened = !realtime && token !== undefined;
  const opened = useOwned(() => {
    const { current } = latest;
    if (!isOpened) return undefined;
    const give = () => {
      const { token = "" } = current;
      return typeof token === "function" ? token() : token;
    };
    return openRealtime({ ...options, url, token: give }, current.hooks);
  }, [isOpened, url]);
  const isFirst = useRef(true);
  useLayoutEffect(() => {
    if (!isFirst.current && typeof token === "string") opened?.connection.useToken(token);
    isFirst.current = false;
  }, [typeof token === "string" ? token : ""]);
  const value = realtime ?? opened;
  return value ? createElement(Context.Provider, { value }, children) : null;
}

/**
 * The connection, chats and channels of the provider above.
 *
 * @throws {Error} when there is none
 */
export function useRealtime(): Realtime {
  const realtime = useContext(Context);
  if (!realtime) throw new Error("useRealtime: there is no RealtimeProvider above");
  return realtime;
}

/** The connection with its state. */
export interface UseConnection {
  /** The connection itself; the same for as long as the provider is there. */
  readonly connection: Connection;
  /** For calls of the HTTP API. */
  readonly api: Api;
  /** How the connection is, with the reason. */
  readonly status: ConnectionStatus;
  /** Whether events flow. */
  readonly isOnline: boolean;
}

/** The connection, and how it is. */
export function useConnection(): UseConnection {
  const { connection } = useRealtime();
  const status = useStore(connection);
  return { connection, api: connection.api, status, isOnline: status.state === "online" };
}
