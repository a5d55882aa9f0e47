/** What an admin sees of the running system, at `GET /api/v1/live`. Times are unix seconds. */
export interface SystemStatus {
  /** The instance that answered; `rooms`, `events` and `lag` are its own. */
  instance_id: string;
  instances: { id: string; host: string | null; started_at: number; heartbeat_at: number }[];
  /** Of all instances. */
  sessions: number;
  /** Of all instances, whoever has a session. */
  users: number;
  local_sessions: number;
  rooms: { name: string; size: number }[];
  room_count: number;
  models: string[];
  tasks: {
    id: string;
    kind: string;
    user_id: string;
    /** `null`: there is no such user any more. */
    user_name: string | null;
    item_id: string;
    instance_id: string;
    started_at: number;
  }[];
  documents: number;
  streams: number;
  /** Counted since the instance started. */
  events: number;
  packets_sent: number;
  bytes_sent: number;
  store_round_trips: number;
  /** How late the event loop was: sum of milliseconds and count of samples since the start. */
  lag: { sum_ms: number; count: number };
}
