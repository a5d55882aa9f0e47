import { type Attributes, type Span, SpanStatusCode, trace } from "@opentelemetry/api";

const tracer = trace.getTracer("webui-realtime");
/** Deno registers its exporter before the program starts (`OTEL_DENO=true`), so one look is enough. */
const isOn = isTracing();

function isTracing(): boolean {
  const provider = trace.getTracerProvider();
  if (!("getDelegate" in provider) || typeof provider.getDelegate !== "function") return true;
  return provider.getDelegate().constructor.name !== "NoopTracerProvider";
}

/**
 * Runs the work in a span that ends with it, or with its promise; what is thrown marks the span and
 * passes on.
 *
 * With OpenTelemetry off the work is called and nothing else happens. Never put secrets into attributes.
 */
export function withSpan<T>(name: string, attributes: Attributes, work: () => T): T {
  if (!isOn) return work();
  return tracer.startActiveSpan(name, { attributes }, (span) => ended(span, work));
}

function ended<T>(span: Span, work: () => T): T {
  let result: T;
  try {
    result = work();
  } catch (thrown) {
    fail(span);
    throw thrown;
  }
  if (!(result instanceof Promise)) {
    span.end();
    return result;
  }
  result.then(() => span.end(), () => fail(span));
  return result;
}

function fail(span: Span): void {
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}
