/**
 * Tells when certain events have come out of a service: it receives them from a webhook destination that wants no
 * others.
 * @module
 */

export const SENTINEL = "sentinel";

export interface SentinelReceiver extends AsyncDisposable {
  /** The destination for the service's configuration. */
  destination: Record<string, unknown>;
  /** Resolves with the time (of performance.now) at which the event came out. */
  seen(uuid: string): Promise<number>;
}

export function receiveSentinels(): SentinelReceiver {
  const waiting = new Map<string, PromiseWithResolvers<number>>();
  const waiterOf = (uuid: string) => {
    const waiter = waiting.get(uuid) ?? Promise.withResolvers<number>();
    waiting.set(uuid, waiter);
    return waiter;
  };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const now = performance.now();
    for (const [uuid] of (await request.text()).matchAll(/(?<="uuid":")[^"]+/g)) waiterOf(uuid).resolve(now);
    return new Response("ok");
  });
  return {
    destination: {
      id: "sentinels",
      type: "webhook",
      url: `http://127.0.0.1:${server.addr.port}/`,
      secret: `whsec_${btoa("sentinels of a benchmark")}`,
      batch: { max_wait_ms: 0 },
      filter: { events: [SENTINEL] },
    },
    seen: (uuid) => waiterOf(uuid).promise,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
