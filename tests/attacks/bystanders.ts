/**
 * A steady stream of events of another project, to see whether it notices anything.
 * @module
 */

import type { AttackedService } from "./attacked_service.ts";

/**
 * Often enough for a bound of seconds; more would only take the processor from the attacks that run at the same time.
 */
const EVERY_MS = 100;
const POLL_MS = 50;
/** How long the last ones may take. */
const LAST_MS = 5_000;

export interface Bystanders {
  /** Ends the stream and waits for the last events. `ok`: came out clean. */
  stop(): Promise<{ sent: number; ok: number; worstMs: number }>;
}

export function startBystanders(service: AttackedService, project: number, token: string): Bystanders {
  const sentAt = new Map<string, number>();
  let sent = 0;
  let ok = 0;
  let worstMs = 0;
  let cursor = "";
  let stopping = false;

  function send(): void {
    const uuid = crypto.randomUUID();
    sent++;
    sentAt.set(uuid, performance.now());
    service.post(token, { event: "bystander", distinct_id: `by-${sent % 7}`, uuid, properties: { n: sent } }).catch(
      () => {},
    );
  }

  async function poll(): Promise<void> {
    const { events, next } = await service.read(project, cursor);
    cursor = next;
    for (const { uuid, properties } of events) {
      const start = sentAt.get(uuid);
      if (start === undefined) continue;
      sentAt.delete(uuid);
      worstMs = Math.max(worstMs, performance.now() - start);
      if (properties["$observer"] === "clean") ok++;
    }
  }

  async function watch(): Promise<void> {
    for (let until = Infinity; performance.now() < until && (sentAt.size > 0 || !stopping);) {
      if (stopping && until === Infinity) until = performance.now() + LAST_MS;
      await poll().catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      if (!service.alive()) return;
    }
  }

  const timer = setInterval(send, EVERY_MS);
  const watching = watch();
  return {
    async stop() {
      clearInterval(timer);
      stopping = true;
      await watching;
      return { sent, ok, worstMs };
    },
  };
}
