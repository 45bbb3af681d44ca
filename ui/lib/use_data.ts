/// <reference lib="dom" />
/**
 * The data that a page shows: loaded when the page opens, and again when the service reports a change.
 * @module
 */

import { useEffect, useState } from "preact/hooks";
import { call } from "./api.ts";
import { listen, type Topic } from "./live.ts";
import type { List } from "./shapes.ts";

/** The least time between two loads, however fast messages arrive. */
const AT_MOST_EVERY_MS = 1_000;
/** The time after which data is loaded without a message. Not everything has messages, and the stream may be down. */
const ANYWAY_EVERY_MS = 15_000;

export interface Data<T> {
  data: T | null;
  error: Error | null;
  /** Loads it again at once. */
  again(): void;
}

/** Loads the path, and again after messages about these topics. Nothing is loaded if the path is null. */
export function useData<T>(path: string | null, topics: readonly Topic[] = []): Data<T> {
  return useReading(path, path, (path) => call<T>("GET", path), topics);
}

/** Like `useData`, for a path that depends on the present time. `key` changes when the question does. */
export function useFresh<T>(key: string, pathNow: () => string, topics: readonly Topic[] = []): Data<T> {
  return useReading(key, key, () => call<T>("GET", pathNow()), topics);
}

export interface ListData<T, L extends List<T>> extends Data<L> {
  /** Shows one more page; null if there is none. */
  more: (() => void) | null;
}

/**
 * A list, page by page. When something changes, all pages that are shown are loaded again. If topics is null, the list
 * stays as it is.
 */
export function useList<T, L extends List<T> = List<T>>(
  path: string | null,
  topics: readonly Topic[] | null = [],
): ListData<T, L> {
  const [asked, setAsked] = useState({ path, pages: 1 });
  const pages = asked.path === path ? asked.pages : 1;
  const reading = useReading(path, `${path} ${pages}`, (path) => readPages<T, L>(path, pages), topics);
  const hasMore = typeof reading.data?.next === "string";
  return { ...reading, more: hasMore ? () => setAsked({ path, pages: pages + 1 }) : null };
}

/** A whole list, however many pages it has. */
export function useWhole<T, L extends List<T> = List<T>>(path: string | null, topics: readonly Topic[] = []): Data<L> {
  return useReading(path, path, (path) => readPages<T, L>(path, Infinity), topics);
}

/** The first page, with the results of the following ones appended. */
async function readPages<T, L extends List<T>>(path: string, pages: number): Promise<L> {
  const whole = await call<L>("GET", path);
  for (let read = 1; read < pages && typeof whole.next === "string"; read++) {
    const page = await call<L>("GET", `${path}${path.includes("?") ? "&" : "?"}next=${encodeURIComponent(whole.next)}`);
    whole.results.push(...page.results);
    whole.next = page.next ?? null;
  }
  return whole;
}

/**
 * What is shown stays until it has been loaded for another `path`. A new `key` with the same path only loads it again.
 */
function useReading<T>(
  path: string | null,
  key: string | null,
  readOnce: (path: string) => Promise<T>,
  topics: readonly Topic[] | null,
): Data<T> {
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
      readOnce(path).then((found) => {
        if (over) return;
        setData(found);
        setError(null);
      }, (error) => over || setError(error));
    };
    read();
    if (topics === null) return () => over = true;
    const stop = listen(topics, () => due ??= setTimeout(read, AT_MOST_EVERY_MS));
    const timer = setInterval(read, ANYWAY_EVERY_MS);
    return () => {
      over = true;
      stop();
      clearTimeout(due);
      clearInterval(timer);
    };
  }, [key, topics?.join(), round]);
  return { data, error, again: () => setRound((round) => round + 1) };
}
