import assert from "node:assert/strict";
import { withSpan } from "../../lib/common/tracing.ts";

Deno.test("without OpenTelemetry the work is simply done", async () => {
  assert.equal(await withSpan("work", {}, () => Promise.resolve(3)), 3);
  await assert.rejects(withSpan("work", {}, () => Promise.reject(new Error("no"))), /no/);
});

Deno.test("with OTEL_DENO=true a span reaches an OTLP collector", async () => {
  const bodies: string[] = [];
  await using collector = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      const body = await request.text();
      if (new URL(request.url).pathname === "/v1/traces") bodies.push(body);
      return Response.json({});
    },
  );
  const tracing = new URL("../../lib/common/tracing.ts", import.meta.url).href;
  const program = `
    const { withSpan } = await import(${JSON.stringify(tracing)});
    await withSpan("span-of-the-test", { answer: 42 }, () => Promise.resolve());`;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", program],
    cwd: new URL("../..", import.meta.url).pathname,
    env: {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.addr.port}`,
    },
    signal: AbortSignal.timeout(20_000),
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  assert.match(bodies.join("\n"), /span-of-the-test/);
});
