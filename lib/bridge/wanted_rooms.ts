import type { Listening } from "../bus/bus.ts";

interface Room {
  listening: Listening | undefined;
  isOpen: boolean;
  isWanted: boolean;
}

/**
 * Rooms of which Python is heard only while somebody here wants that: what it says there is a copy of
 * what the others in the room are told elsewhere, and a large one.
 */
export class WantedRooms {
  readonly #listen: (room: string) => Listening;
  readonly #rooms = new Map<string, Room>();

  constructor(listen: (room: string) => Listening) {
    this.#listen = listen;
  }

  /** The room has somebody in it, until the answer's `stop`. */
  listenTo(room: string): Listening {
    const state = this.#of(room);
    state.isOpen = true;
    this.#follow(room, state);
    return {
      live: state.listening?.live ?? Promise.resolve(),
      stop: () => {
        state.isOpen = false;
        this.#follow(room, state);
      },
    };
  }

  want(room: string, isWanted: boolean): void {
    const state = this.#of(room);
    state.isWanted = isWanted;
    this.#follow(room, state);
  }

  #of(room: string): Room {
    const state = this.#rooms.get(room) ?? { listening: undefined, isOpen: false, isWanted: false };
    this.#rooms.set(room, state);
    return state;
  }

  #follow(room: string, state: Room): void {
    if (state.isOpen && state.isWanted) state.listening ??= this.#listen(room);
    else {
      state.listening?.stop();
      state.listening = undefined;
    }
    if (!state.isOpen && !state.isWanted) this.#rooms.delete(room);
  }
}
