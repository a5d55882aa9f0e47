import assert from "node:assert/strict";
import { createServer } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import type { Duplex } from "node:stream";
import { ProviderClient, type ProxyOptions } from "../../lib/completions/provider_client.ts";
import { aborted, pause } from "../../lib/common/pause.ts";
import { until } from "../support/until.ts";

const never = new AbortController().signal;
const encoder = new TextEncoder();

interface Origin extends AsyncDisposable {
  url: string;
  connections: Set<string>;
}

/** A server on a free port, which counts the connections that its requests come by. */
function origin(answer: (request: Request) => Response | Promise<Response>): Origin {
  const connections = new Set<string>();
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request, { remoteAddr }) => {
      connections.add(`${remoteAddr.port}`);
      return answer(request);
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}/v1/x?y=1`,
    connections,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** A proxy that keeps no secret: what it was asked for. */
async function startProxy() {
  const asked: string[] = [];
  const tunnels = new Set<Duplex>();
  const server = createServer(async (request, response) => {
    asked.push(`${request.method} ${new URL(request.url ?? "").pathname}`);
    response.end(await (await fetch(request.url ?? "")).text());
  });
  server.on("connect", (request, client: Duplex) => {
    asked.push(`${request.method}`);
    const [host, port] = (request.url ?? "").split(":");
    const target = connect(Number(port), host, () => {
      client.write("HTTP/1.1 200 OK\r\n\r\n");
      target.pipe(client).pipe(target);
    });
    for (const each of [client, target]) {
      tunnels.add(each);
      each.on("error", () => each.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    asked,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const each of tunnels) each.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function textOf(client: ProviderClient, url: string): Promise<string> {
  const answer = await client.request(url, { method: "GET", headers: {}, signal: never });
  const decoder = new TextDecoder();
  let text = "";
  await answer.read((bytes) => void (text += decoder.decode(bytes, { stream: true })));
  return `${answer.status} ${text}`;
}

Deno.test("a body is read whole, whatever its reader waits for, and its connection is kept", async () => {
  const pieces = Array.from({ length: 300 }, (_, at) => `piece ${at} ${"x".repeat(999)}\n`);
  await using server = origin(() =>
    new Response(ReadableStream.from(pieces.map((piece) => encoder.encode(piece))))
  );
  await using client = new ProviderClient();
  for (const waits of [false, true, false, true, false, true]) {
    const answer = await client.request(server.url, { method: "GET", headers: {}, signal: never });
    const decoder = new TextDecoder();
    let text = "";
    await answer.read((bytes) => {
      text += decoder.decode(bytes, { stream: true });
      if (waits) return Promise.resolve();
    });
    assert.equal(text, pieces.join(""));
  }
  assert.ok(server.connections.size < 20, `${server.connections.size} connections`);
});

/** One piece every few milliseconds, for a third of a second, or until nobody takes it: then `leave` is aborted. */
const dripping = (leave = new AbortController()) =>
  new ReadableStream<Uint8Array>({
    async start(controller) {
      for (let at = 0; at < 60 && !leave.signal.aborted; at++) {
        controller.enqueue(encoder.encode(`${at} `));
        await pause(5, leave.signal);
      }
      if (!leave.signal.aborted) controller.close();
    },
    cancel: () => leave.abort(),
  });

/** Reads, and rests for a quarter of a second after each turn in which something came. Says in how many turns it did. */
async function readAtRest(client: ProviderClient, url: string) {
  const answer = await client.request(url, { method: "GET", headers: {}, signal: never });
  const decoder = new TextDecoder();
  let [text, turns] = ["", 0];
  let isTurnOver = true;
  await answer.read((bytes) => {
    text += decoder.decode(bytes, { stream: true });
    if (!isTurnOver) return;
    isTurnOver = false;
    turns++;
    queueMicrotask(() => {
      isTurnOver = true;
      answer.rest(performance.now() + 250);
    });
  });
  return { text, turns };
}

Deno.test("while a body rests its bytes stay with the kernel, and come as one read", async () => {
  const all = Array.from({ length: 60 }, (_, at) => `${at} `).join("");
  let leave = new AbortController();
  await using server = origin(() => new Response(dripping(leave = new AbortController())));
  await using client = new ProviderClient();
  for (let round = 0; round < 3; round++) {
    const { text, turns } = await readAtRest(client, server.url);
    assert.equal(text, all);
    assert.ok(turns < 45, `60 pieces in ${turns} turns`);
  }
  assert.ok(server.connections.size < 3, `${server.connections.size} connections for 3 requests`);
  const controller = new AbortController();
  const { signal } = controller;
  const answer = await client.request(server.url, { method: "GET", headers: {}, signal });
  const reading = answer.read(() => {
    answer.rest(performance.now() + 60_000);
    queueMicrotask(() => controller.abort(new Error("enough of it")));
  });
  await assert.rejects(reading, /enough of it/);
  await aborted(leave.signal);
});

Deno.test("what is enough leaves the connection, what is cancelled ends it", async () => {
  const isOver = Promise.withResolvers<void>();
  await using server = origin((request) =>
    request.method === "GET" ? new Response("all there is") : new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(encoder.encode("on and on")),
        cancel: () => isOver.resolve(),
      }),
    )
  );
  await using client = new ProviderClient();
  const ask = async (method: "GET" | "POST") => {
    const answer = await client.request(server.url, { method, headers: {}, signal: never });
    await answer.read(() => "enough");
    answer.cancel();
  };
  for (let asked = 0; asked < 20; asked++) await ask("GET");
  assert.ok(server.connections.size < 20, `${server.connections.size} connections`);
  await ask("POST");
  await isOver.promise;
});

Deno.test("a signal ends a request before its head and within its body, with its reason", async () => {
  await using server = origin((request) =>
    request.method === "GET"
      ? new Promise((resolve) => {
        request.signal.addEventListener("abort", () => resolve(new Response()));
      })
      : new Response(new ReadableStream({ start: (c) => c.enqueue(encoder.encode("a")) }))
  );
  await using client = new ProviderClient();
  for (const method of ["GET", "POST"] as const) {
    const stop = new AbortController();
    let isBegun = method === "GET";
    const reading = (async () => {
      const answer = await client.request(server.url, {
        ...{ method, headers: {}, signal: stop.signal },
      });
      await answer.read(() => void (isBegun = true));
    })();
    reading.catch(() => {});
    await until(() => isBegun && server.connections.size > 0, { what: "the request" });
    const reason = new Error("stopped");
    stop.abort(reason);
    await assert.rejects(reading, reason);
  }
});

Deno.test("a kept connection that is closed under a request is no failure of the provider", async () => {
  let requests = 0;
  const server = createTcpServer((socket) => {
    let mine = 0;
    socket.on("error", () => {});
    socket.on("data", () => {
      requests++;
      if (++mine === 1) socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
      else socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  {
    await using client = new ProviderClient();
    // The connection is free a turn after its body has ended.
    await until(async () => {
      assert.equal(await textOf(client, url), "200 ok");
      return requests > 3;
    }, { what: "a request on a kept connection" });
  }
  await new Promise((resolve) => server.close(resolve));
});

/** undici's proxies share a timer of half a second, which nobody can end. */
const leavesTimer = { sanitizeOps: false, sanitizeResources: false };

Deno.test("HTTPS_PROXY and NO_PROXY: by the proxy, or past it", leavesTimer, async () => {
  await using server = origin(() => new Response("hello"));
  await using proxy = await startProxy();
  const ask = async (options?: ProxyOptions) => {
    await using client = new ProviderClient(options);
    return await textOf(client, server.url);
  };
  assert.equal(await ask({ url: proxy.url, except: undefined }), "200 hello");
  assert.deepEqual(proxy.asked.splice(0), ["GET /v1/x"]);
  assert.equal(await ask({ url: proxy.url, except: "127.0.0.1" }), "200 hello");
  assert.equal(await ask(), "200 hello");
  assert.deepEqual(proxy.asked, []);
});

/** Certificates are trusted as Deno is told, which it reads at its start. */
Deno.test(
  "TLS: by Deno's own certificates, through a proxy's tunnel too",
  leavesTimer,
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      await makeCertificates(folder);
      const [cert, key] = await Promise.all(
        ["cert.pem", "key.pem"].map((name) => Deno.readTextFile(`${folder}/${name}`)),
      );
      await using server = Deno.serve(
        { port: 0, hostname: "127.0.0.1", cert, key, onListen() {} },
        () => new Response(dripping()),
      );
      await using proxy = await startProxy();
      const program = `
      import { ProviderClient } from ${JSON.stringify(CLIENT)};
      const [url, proxy] = Deno.args;
      await using client = new ProviderClient(proxy && { url: proxy });
      const signal = AbortSignal.timeout(10_000);
      const answer = await client.request(url, { method: "GET", headers: {}, signal });
      let text = "", rests = 0, isResting = false;
      await answer.read((bytes) => {
        text += new TextDecoder().decode(bytes);
        if (isResting) return;
        isResting = true;
        rests++;
        queueMicrotask(() => {
          isResting = false;
          answer.rest(performance.now() + 250);
        });
      });
      console.log(text.trim().split(" ").length + (rests < 30 ? " in few reads" : " in " + rests));`;
      const run = async (args: string[], env: Record<string, string>) => {
        const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
          args: [
            "run",
            "-A",
            "--quiet",
            "--config",
            CONFIG,
            `data:text/javascript,${encodeURIComponent(program)}`,
            ...args,
          ],
          env,
        }).output();
        return new TextDecoder().decode(stdout).trim() || new TextDecoder().decode(stderr);
      };
      const url = `https://localhost:${server.addr.port}/`;
      const trusted = { DENO_CERT: `${folder}/ca.pem` };
      assert.equal(await run([url], trusted), "60 in few reads");
      assert.equal(await run([url, proxy.url], trusted), "60 in few reads");
      assert.deepEqual(proxy.asked, ["CONNECT"]);
      assert.match(await run([url], {}), /certificate/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

const CLIENT = new URL("../../lib/completions/provider_client.ts", import.meta.url).href;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

/** An authority, and what it says of `localhost`. */
async function makeCertificates(folder: string): Promise<void> {
  const names = `${folder}/names`;
  await Deno.writeTextFile(names, "subjectAltName=DNS:localhost");
  const at = (name: string) => `${folder}/${name}`;
  const make = ["-newkey", "rsa:2048", "-nodes", "-subj"];
  for (
    const args of [
      ["req", "-x509", ...make, "/CN=ca", "-keyout", at("ca.key"), "-out", at("ca.pem")],
      ["req", ...make, "/CN=localhost", "-keyout", at("key.pem"), "-out", at("request")],
      ["x509", "-req", "-in", at("request"), "-CA", at("ca.pem"), "-CAkey", at("ca.key")]
        .concat("-CAcreateserial", "-out", at("cert.pem"), "-days", "2", "-extfile", names),
    ]
  ) {
    const { success, stderr } = await new Deno.Command("openssl", { args }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  }
}
