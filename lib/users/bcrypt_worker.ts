/** The thread in which one password is held against a hash of bcrypt; see `bcrypt.ts`. */
import { compareSync } from "bcryptjs";

export interface BcryptQuestion {
  password: string;
  hash: string;
}

export interface BcryptAnswer {
  isSame: boolean;
}

/** A worker's own globals, see `lib/openwebui/sqlite_worker.ts`. */
const scope = self as unknown as {
  onmessage: ((event: MessageEvent<BcryptQuestion>) => void) | null;
  postMessage(answer: BcryptAnswer): void;
};

scope.onmessage = ({ data: { password, hash } }) => {
  scope.postMessage({ isSame: compareSync(password, hash) });
};
