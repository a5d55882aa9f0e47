/** What an operator's proxy does: the sockets' path to one service, everything else to the other. */
import http from "node:http";
import type { AddressInfo } from "node:net";
import net from "node:net";

const SOCKET_PATH = "/ws/socket.io";

export interface Proxy extends AsyncDisposable {
  readonly url: string;
  /** Where sockets go to, taken in turn; may change while it runs. */
  sockets: string[];
  /** Where everything else goes to, taken in turn. */
  pages: string[];
}

export async function startProxy(sockets: string[], pages: string[]): Promise<Proxy> {
  let turn = 0;
  const targets = { sockets, pages };
  const targetOf = (path: string): URL => {
    const all = path.startsWith(SOCKET_PATH) ? targets.sockets : targets.pages;
    return new URL(all[turn++ % all.length] ?? "");
  };
  const server = http.createServer((request, response) => {
    const { hostname, port } = targetOf(request.url ?? "/");
    const { method, url: path, headers } = request;
    const upstream = http.request({ hostname, port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    upstream.on(
      "error",
      () => response.headersSent ? response.destroy() : response.writeHead(502).end(),
    );
    response.on("close", () => upstream.destroy());
    request.pipe(upstream);
  });
  server.on("upgrade", (request, socket, head) => {
    const { hostname, port } = targetOf(request.url ?? "/");
    const upstream = net.connect(Number(port), hostname, () => {
      const lines = [`${request.method} ${request.url} HTTP/1.1`];
      const { rawHeaders } = request;
      for (let at = 0; at < rawHeaders.length; at += 2) {
        lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
      }
      upstream.write(lines.join("\r\n") + "\r\n\r\n");
      if (head.length > 0) upstream.write(head);
      socket.pipe(upstream).pipe(socket);
    });
    const end = () => {
      upstream.destroy();
      socket.destroy();
    };
    for (const side of [upstream, socket]) side.on("error", end).on("close", end);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(targets, {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  });
}
