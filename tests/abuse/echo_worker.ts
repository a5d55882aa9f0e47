/** Another user: asks for an answer all the time, and keeps the longest it had to wait for. */
import { io } from "socket.io-client";

export interface EchoOrder {
  url: string;
  token: string;
}

/** The longest wait since the last report, in milliseconds. */
export interface EchoReport {
  longestMs: number;
}

const EVERY_MS = 10;

const scope = self as unknown as {
  onmessage: ((event: MessageEvent<EchoOrder | "report">) => void) | null;
  postMessage(report: EchoReport | "ready"): void;
};

let longestMs = 0;
let askedAtMs = 0;

function start({ url, token }: EchoOrder): void {
  const options = { path: "/ws/socket.io", transports: ["websocket"], auth: { token } };
  const socket = io(url, options);
  const ask = () => {
    askedAtMs = performance.now();
    socket.emit("heartbeat", {}, () => {
      longestMs = Math.max(longestMs, performance.now() - askedAtMs);
      setTimeout(ask, EVERY_MS);
    });
  };
  socket.once("connect", () => {
    ask();
    scope.postMessage("ready");
  });
}

scope.onmessage = ({ data }) => {
  if (data !== "report") return start(data);
  // What is still waited for counts, too.
  scope.postMessage({ longestMs: Math.max(longestMs, performance.now() - askedAtMs - EVERY_MS) });
  longestMs = 0;
};
