export function contend(
  start: (
    sources: string[],
  ) => ((events: unknown[]) => Promise<unknown[]>) | Promise<(events: unknown[]) => Promise<unknown[]>>,
): Promise<void>;
