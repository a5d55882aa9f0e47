/** What an admin sees of the running system, at `GET /api/v1/live`. Times are unix seconds. */
export interface SystemStatus {
  /** The instance that answered; `rooms`, `events` and `lag` are its own. */
  instance_id: string;
  /** The instances that live. */
  instances: { id: string; host: string | null; started_at: number; heartbeat_at: number }[];
  /** Of all instances. */
  sessions: number;
  /** Of all instances, whoever has a session. */
  users: number;
  /** Sessions of the instance that answered. */
  local_sessions: number;
  /** The largest rooms of the instance, with how many sockets each has. */
  rooms: { name: string; size: number }[];
  /** How many rooms the instance has. */
  room_count: number;
  /** The models that are in use right now, on all instances. */
  models: string[];
  /** What runs on all instances. */
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
  /** Documents that are open on the instance. */
  documents: number;
  /** Answers that the instance writes. */
  streams: number;
  /** Counted since the instance started. */
  events: number;
  /** Packets to sockets since the instance started. */
  packets_sent: number;
  /** Bytes to sockets since the instance started. */
  bytes_sent: number;
  /** Round trips to the store since the instance started. */
  store_round_trips: number;
  /** How late the event loop was: sum of milliseconds and count of samples since the start. */
  lag: { sum_ms: number; count: number };
}
