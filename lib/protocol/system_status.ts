/** A room with a name for people: a channel's own, or whose chat, note or session it is. */
export interface NamedRoom {
  /** The room, as Socket.IO knows it (docs/protocol.md, section 3). */
  name: string;
  /** What it is called. What somebody else's chats and notes are about is not told. */
  title: string;
}

/** An event that a session has sent. */
export interface PassingEvent {
  /** The instance that handled it. */
  instance_id: string;
  /** Rises with each event of the instance: what was shown before is told apart. */
  seq: number;
  /** When, in milliseconds since the epoch. */
  at: number;
  /** Its name on the wire. */
  event: string;
  /** Whose session it is. */
  user_name: string;
}

/** Somebody who is connected. */
export interface ConnectedPerson {
  /** The user's id. */
  id: string;
  /** The name that others see. */
  name: string;
  /** Each tab or device: where it is connected, since when (unix seconds), what it looks at. */
  tabs: { instance_id: string; since: number; rooms: NamedRoom[] }[];
  /** How many there are; not all may be listed. */
  tab_count: number;
}

/**
 * What an admin sees of the running system, at `GET /api/v1/live`: of all instances that answer within a
 * second. Times are unix seconds where nothing else is said.
 */
export interface SystemStatus {
  /** The instance that answered. */
  instance_id: string;
  /** When this was read, in milliseconds since the epoch: who asks often is answered with one reading. */
  read_at: number;
  /** The instances that live; `sessions` is `null` where one did not answer in time. */
  instances: {
    id: string;
    host: string | null;
    started_at: number;
    heartbeat_at: number;
    sessions: number | null;
  }[];
  /** How many sessions there are. */
  sessions: number;
  /** How many people have one. */
  users: number;
  /** Who is connected, those with most tabs first; 100 at most. */
  people: ConnectedPerson[];
  /** The largest rooms, with how many sockets each has; 20 at most. */
  rooms: (NamedRoom & { size: number })[];
  /** How many rooms there are; one that is on two instances counts twice. */
  room_count: number;
  /** The models that are in use right now. */
  models: string[];
  /** What runs; 100 at most. */
  tasks: {
    id: string;
    kind: string;
    user_id: string;
    /** `null`: there is no such user any more. */
    user_name: string | null;
    item_id: string;
    /** What it is for, in words. */
    title: string;
    /** Of an answer: the model that writes it. */
    model: string | null;
    /** Of an answer: how many pieces have come so far, each a token or a few. */
    pieces: number | null;
    instance_id: string;
    started_at: number;
  }[];
  /** Documents that are open. */
  documents: number;
  /** Answers that are kept for those who come back. */
  streams: number;
  /** Events handled since the instances started. */
  events: number;
  /** Packets to sockets since then. */
  packets_sent: number;
  /** Bytes to sockets since then. */
  bytes_sent: number;
  /** Round trips to the store since then. */
  store_round_trips: number;
  /** How late the event loops were: sum of milliseconds and count of samples since then. */
  lag: { sum_ms: number; count: number };
  /** The last events that were handled, oldest first: kept only while somebody looks. */
  passing: PassingEvent[];
}
