/**
 * Proves that OpenTelemetry's exporter gets the whole way of an event as one trace, from the request of the SDK that
 * began it to the request that delivers it; that what the sampler leaves out is not sent; and that log lines have their
 * level.
 */

import assert from "node:assert/strict";
import { eventually } from "../kit/eventually.ts";
import { HttpReceiver } from "../kit/servers/http_receiver.ts";
import { type ReceivedSpan, startOtlpReceiver } from "../kit/servers/otlp_receiver.ts";
import { type RunningService, startTestService } from "../kit/service.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SDK_SPAN = "b7ad6b7169203331";
const TRACEPARENT = `00-${TRACE}-${SDK_SPAN}-01`;

const KEEPS = "export function processEvent(event) { event.properties.seen = true; return event }";
const FAILS = "export function processEvent(event) { throw new TypeError('no ' + event.event) }";

function configOf(url: string) {
  return {
    projects: [{
      id: 1,
      token: "phc_local",
      plugins: [
        { id: 1, order: 1, source: { inline: KEEPS, name: "keeps" } },
        { id: 2, order: 2, source: { inline: FAILS, name: "fails" } },
      ],
      destinations: [{
        id: "hook",
        type: "webhook",
        url,
        secret: `whsec_${btoa("only a test, of 24 bytes and more")}`,
      }],
    }],
  };
}

async function send(service: RunningService, event: string, headers: Record<string, string> = {}): Promise<void> {
  const answer = await fetch(`${service.url}/capture`, {
    method: "POST",
    headers,
    body: JSON.stringify({ api_key: "phc_local", event, distinct_id: "me", properties: {} }),
  });
  assert.equal(answer.status, 200, await answer.text());
}

Deno.test("an event's way is one trace, from the SDK's request to the destination's", async () => {
  await using otlp = startOtlpReceiver();
  await using hook = new HttpReceiver(() => new Response());
  // Nothing is sampled but what comes with a trace of its own.
  const env = { ...otlp.env, OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0" };
  await using service = await startTestService({ config: configOf(hook.url), env });
  await send(service, "not sampled");
  await eventually("it is delivered", () => hook.requests.length === 1);
  await send(service, "sampled", { traceparent: TRACEPARENT });
  await eventually("both are delivered", () => hook.requests.length === 2);
  const named = (name: string): ReceivedSpan | undefined => otlp.spans.find((span) => span.name === name);
  await eventually("the delivery is told of", () => named("deliver destination:1/hook"));
  await service.end("SIGTERM");

  const request = named("POST /capture");
  assert(request, otlp.spans.map(({ name }) => name).join());
  assert.equal(request.parentSpanId, SDK_SPAN);
  assert.equal(request.attributes["http.route"], "/capture");
  const parentOf = (name: string) => otlp.spans.find(({ spanId }) => spanId === named(name)?.parentSpanId)?.name;
  assert.deepEqual(
    ["intake", "route", "plugin 1", "plugin 2", "outbox", "deliver destination:1/hook"].map(parentOf),
    ["POST /capture", "intake", "route", "route", "route", "route"],
  );
  for (const span of otlp.spans) {
    assert.equal(span.traceId, TRACE, `${span.name} belongs to a trace that was not sampled`);
    assert(span.endTimeUnixNano >= span.startTimeUnixNano, span.name);
  }
  assert.deepEqual([named("plugin 1")?.attributes["hogpen.outcome"], named("plugin 2")?.attributes["hogpen.outcome"]], [
    "ok",
    "failed",
  ]);
  assert.deepEqual(named("plugin 2")?.status, { code: 2, message: "TypeError: no sampled" });

  const delivery = named("deliver destination:1/hook");
  const [version, trace, parent, flags] = hook.requests[1]?.headers.get("traceparent")?.split("-") ?? [];
  assert.deepEqual([version, trace, flags], ["00", TRACE, "01"]);
  const client = otlp.spans.find(({ spanId }) => spanId === parent);
  assert.equal(client?.parentSpanId, delivery?.spanId, "the request belongs to the delivery");
  assert.equal(hook.requests[0]?.headers.get("traceparent")?.endsWith("-00") ?? true, true);
});

Deno.test("log lines are exported with their level, and requests by the patterns of their paths", async () => {
  await using otlp = startOtlpReceiver();
  await using hook = new HttpReceiver(() => new Response("", { status: 500 }));
  await using service = await startTestService({ config: configOf(hook.url), env: otlp.env });
  await service.api("/_hogpen/api/plugin_configs/1");
  await send(service, "hello");
  await eventually("the failure is told of", () => otlp.lines.some(({ severityText }) => severityText === "WARN"));
  await service.end("SIGTERM");

  const levelOf = (words: RegExp) => otlp.lines.find(({ body }) => words.test(body.stringValue))?.severityText;
  assert.equal(levelOf(/loading → running/), "INFO");
  assert.equal(levelOf(/Consumer destination:1\/hook/), "WARN");
  assert(otlp.spans.some(({ name }) => name === "GET /_hogpen/api/plugin_configs/:id"));
  const failed = otlp.spans.find(({ name }) => name === "deliver destination:1/hook");
  assert.equal(failed?.status?.code, 2);
});
