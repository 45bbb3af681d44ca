export function contend(
  start: (
    sources: string[],
  ) => ((events: unknown[]) => Promise<unknown[]>) | Promise<(events: unknown[]) => Promise<unknown[]>>,
  options?: { batch?: number; inFlight?: number },
): Promise<void>;
