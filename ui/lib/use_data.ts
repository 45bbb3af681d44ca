/// <reference lib="dom" />
/**
 * What a page shows: read when it opens, and again when the service says that it changed.
 * @module
 */

import { useEffect, useState } from "preact/hooks";
import { call } from "./api.ts";
import { listen, type Topic } from "./live.ts";

/** However fast messages come. */
const AT_MOST_EVERY_MS = 1_000;
/** For what no message is about, and while the stream is away. */
const ANYWAY_EVERY_MS = 15_000;

export interface Data<T> {
  data: T | null;
  error: Error | null;
  /** Reads it at once. */
  again(): void;
}

/** Reads the path, and again after messages of these topics. A null path reads nothing. */
export function useData<T>(path: string | null, topics: readonly Topic[] = []): Data<T> {
  const [data, setData] = useState<T | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [round, setRound] = useState(0);
  useEffect(() => setData(null), [path]);
  useEffect(() => {
    if (path === null) return;
    let over = false;
    let due: ReturnType<typeof setTimeout> | undefined;
    const read = () => {
      due = undefined;
      call<T>("GET", path).then((found) => {
        if (over) return;
        setData(found);
        setError(null);
      }, (error) => over || setError(error));
    };
    read();
    const stop = listen(topics, () => due ??= setTimeout(read, AT_MOST_EVERY_MS));
    const timer = setInterval(read, ANYWAY_EVERY_MS);
    return () => {
      over = true;
      stop();
      clearTimeout(due);
      clearInterval(timer);
    };
  }, [path, topics.join(), round]);
  return { data, error, again: () => setRound((round) => round + 1) };
}
