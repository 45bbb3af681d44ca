/// <reference lib="dom" />
/**
 * What a page shows: read when it opens, and again when the service says that it changed.
 * @module
 */

import { useEffect, useState } from "preact/hooks";
import { call } from "./api.ts";
import { listen, type Topic } from "./live.ts";
import type { List } from "./shapes.ts";

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
  return useReading(path, path, (path) => call<T>("GET", path), topics);
}

/** Like `useData`, for a path that depends on the moment; `key` says when it is another question. */
export function useFresh<T>(key: string, pathNow: () => string, topics: readonly Topic[] = []): Data<T> {
  return useReading(key, key, () => call<T>("GET", pathNow()), topics);
}

export interface ListData<T, L extends List<T>> extends Data<L> {
  /** Shows a further page; null when there is none. */
  more: (() => void) | null;
}

/**
 * A list page by page: as many as were asked for, all of them read again when something changes. Without topics, that is null, it
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

/** A list as a whole, however many pages it has. */
export function useWhole<T, L extends List<T> = List<T>>(path: string | null, topics: readonly Topic[] = []): Data<L> {
  return useReading(path, path, (path) => readPages<T, L>(path, Infinity), topics);
}

/** The first page with the results of those that follow. */
async function readPages<T, L extends List<T>>(path: string, pages: number): Promise<L> {
  const whole = await call<L>("GET", path);
  for (let read = 1; read < pages && typeof whole.next === "string"; read++) {
    const page = await call<L>("GET", `${path}${path.includes("?") ? "&" : "?"}next=${encodeURIComponent(whole.next)}`);
    whole.results.push(...page.results);
    whole.next = page.next ?? null;
  }
  return whole;
}

/** What is shown stays until it is read anew for another `path`; another `key` of the same path only reads again. */
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
