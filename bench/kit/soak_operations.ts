/**
 * What happens to a service in operation: one of its plugins loops now and then, a destination is slow, and the
 * configuration is changed every few minutes.
 * @module
 */

import { SOAK_TOKEN, type SoakConfig, type SoakScenario } from "./soak_scenario.ts";

const STEADY = 1;
const LOOPING = 2;
const CHANGED = 3;
/** About once in half a minute at 500 events a second. */
const LOOPS_EVERY = 15_000;
const CHANGES_EVERY_MINUTES = 5;
/** A webhook has a hundred events in a request, one request at a time: it just keeps up. */
const SLOW_MS = 150;

export function startOperations(): SoakScenario {
  const requests = { slow: 0, fast: 0 };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const isSlow = new URL(request.url).pathname === "/slow";
    requests[isSlow ? "slow" : "fast"]++;
    await request.body?.cancel();
    if (isSlow) await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
    return new Response("ok");
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  const secret = `whsec_${btoa("signed, as every webhook is")}`;
  let changes = 0;

  function config(): SoakConfig {
    const plugin = (id: number, name: string, inline: string, more = {}) => ({ id, source: { name, inline }, ...more });
    return {
      projects: [{
        id: 1,
        token: SOAK_TOKEN,
        plugins: [
          plugin(
            STEADY,
            "steady",
            "export function processEvent(event) { event.properties.steady = true; return event }",
          ),
          plugin(
            LOOPING,
            "looping",
            'export function processEvent(event) { if (event.event === "loop") for (;;); return event }',
            { timeoutSeconds: 1 },
          ),
          plugin(
            CHANGED,
            "changed",
            "export function processEvent(event, { config }) { event.properties.round = config.round; return event }",
            { config: { round: changes } },
          ),
        ],
        destinations: [
          { id: "slow", type: "webhook", url: `${url}/slow`, secret },
          { id: "fast", type: "webhook", url: `${url}/fast`, secret },
        ],
      }],
    };
  }

  return {
    config: config(),
    eventName: (number) => number % LOOPS_EVERY === LOOPS_EVERY - 1 ? "loop" : "hello",
    steady: new Map([[STEADY, "steady"]]),
    configAfter(minute) {
      if (minute % CHANGES_EVERY_MINUTES !== 0) return null;
      changes++;
      return config();
    },
    summary: () => `${changes} changes of the configuration, requests: ${JSON.stringify(requests)}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
