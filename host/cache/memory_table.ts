/**
 * Strings and lists by key with Redis' answers, errors included, for the commands that plugins have. Bounded in bytes;
 * when it is full, what was not used for longest goes first.
 * @module
 */

interface Entry {
  /** A list is kept back to front, so that its head, where plugins push and pop, is the cheap end of the array. */
  value: string | string[];
  expiresAt: number;
  bytes: number;
}

/** An error as Redis answers it, with the name that its client gives it. */
export class ReplyError extends Error {
  override name = "ReplyError";
}

/** What an entry and an element cost besides their characters. An estimate: the bound is not exact. */
const ENTRY_BYTES = 128;
const ELEMENT_BYTES = 32;

const MAX_INTEGER = 2n ** 63n - 1n;
const MIN_INTEGER = -(2n ** 63n);
/** What Redis takes for an integer: no sign but "-", no leading zeros, no spaces. */
const INTEGER = /^(0|-?[1-9]\d{0,18})$/;

/** The synchronous heart of the memory cache. */
export class MemoryTable {
  /** Least recently used first: a Map keeps the order in which keys were put. */
  readonly #entries = new Map<string, Entry>();
  readonly #maxBytes: number;
  readonly #now: () => number;
  #bytes = 0;

  constructor(maxBytes: number, now: () => number) {
    this.#maxBytes = maxBytes;
    this.#now = now;
  }

  set(key: string, value: string, ttlMs?: number): void {
    if (ttlMs !== undefined) {
      checkInteger(ttlMs);
      if (ttlMs <= 0) throw new ReplyError("ERR invalid expire time in 'set' command");
    }
    this.#put(key, value.toWellFormed(), ttlMs === undefined ? Infinity : this.#now() + ttlMs);
  }

  get(key: string): string | null {
    const entry = this.#use(key);
    if (!entry) return null;
    if (typeof entry.value !== "string") throw wrongType();
    return entry.value;
  }

  incr(key: string): number {
    const entry = this.#use(key);
    const text = entry ? entry.value : "0";
    if (typeof text !== "string") throw wrongType();
    const number = INTEGER.test(text) ? BigInt(text) : null;
    if (number === null || number > MAX_INTEGER || number < MIN_INTEGER) throw notAnInteger();
    if (number === MAX_INTEGER) throw new ReplyError("ERR increment or decrement would overflow");
    this.#put(key, String(number + 1n), entry?.expiresAt ?? Infinity);
    return Number(number + 1n);
  }

  expire(key: string, ttlMs: number): boolean {
    checkInteger(ttlMs);
    const entry = this.#use(key);
    if (!entry) return false;
    if (ttlMs <= 0) this.#delete(key, entry);
    else entry.expiresAt = this.#now() + ttlMs;
    return true;
  }

  lpush(key: string, elements: string[]): number {
    if (elements.length === 0) throw new ReplyError("ERR wrong number of arguments for 'lpush' command");
    const pushed = elements.map((element) => element.toWellFormed());
    const list = this.#useList(key);
    if (!list) {
      this.#put(key, pushed, Infinity);
      return pushed.length;
    }
    const bytes = bytesOfElements(pushed);
    if (list.entry.bytes + bytes > this.#maxBytes) throw outOfMemory();
    for (const element of pushed) list.value.push(element);
    this.#resize(list.entry, bytes);
    return list.value.length;
  }

  lrange(key: string, start: number, end: number): string[] {
    checkInteger(start);
    checkInteger(end);
    const list = this.#useList(key)?.value ?? [];
    const from = start < 0 ? Math.max(0, list.length + start) : start;
    const to = Math.min(list.length - 1, end < 0 ? list.length + end : end);
    return from > to ? [] : list.slice(list.length - 1 - to, list.length - from).reverse();
  }

  llen(key: string): number {
    return this.#useList(key)?.value.length ?? 0;
  }

  lrem(key: string, count: number, element: string): number {
    checkInteger(count);
    const list = this.#useList(key);
    if (!list) return 0;
    const wanted = element.toWellFormed();
    const places = list.value.flatMap((value, i) => value === wanted ? [i] : []);
    // From the head, which is the end of the array, unless the count is negative.
    const gone = new Set(count > 0 ? places.slice(-count) : count < 0 ? places.slice(0, -count) : places);
    if (gone.size === list.value.length) this.#delete(key, list.entry);
    else if (gone.size > 0) this.#put(key, list.value.filter((_, i) => !gone.has(i)), list.entry.expiresAt);
    return gone.size;
  }

  lpop(key: string, count: number): string[] | null {
    if (!isInteger(count) || count < 0) throw new ReplyError("ERR value is out of range, must be positive");
    const list = this.#useList(key);
    if (!list) return null;
    const taken = list.value.splice(Math.max(0, list.value.length - count), count).reverse();
    this.#resize(list.entry, -bytesOfElements(taken));
    // A list without elements is no key at all.
    if (list.value.length === 0) this.#delete(key, list.entry);
    return taken;
  }

  /** The entry that is there now, as the one used last. */
  #use(key: string): Entry | null {
    const entry = this.#entries.get(key);
    if (!entry) return null;
    if (entry.expiresAt <= this.#now()) {
      this.#delete(key, entry);
      return null;
    }
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  #useList(key: string): { entry: Entry; value: string[] } | null {
    const entry = this.#use(key);
    if (!entry) return null;
    if (typeof entry.value === "string") throw wrongType();
    return { entry, value: entry.value };
  }

  #put(key: string, value: string | string[], expiresAt: number): void {
    const bytes = ENTRY_BYTES + 2 * key.length + bytesOfElements(typeof value === "string" ? [value] : value);
    if (bytes > this.#maxBytes) throw outOfMemory();
    const old = this.#entries.get(key);
    if (old) this.#delete(key, old);
    const entry = { value, expiresAt, bytes: 0 };
    this.#entries.set(key, entry);
    this.#resize(entry, bytes);
  }

  /** Counts the entry's growth and makes room for it; the entry itself was used last and fits alone. */
  #resize(entry: Entry, bytes: number): void {
    entry.bytes += bytes;
    this.#bytes += bytes;
    for (const [oldest, entry] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#delete(oldest, entry);
    }
  }

  #delete(key: string, entry: Entry): void {
    if (this.#entries.delete(key)) this.#bytes -= entry.bytes;
  }
}

function bytesOfElements(elements: string[]): number {
  let bytes = 0;
  // Two bytes per character is what V8 needs at most.
  for (const element of elements) bytes += ELEMENT_BYTES + 2 * element.length;
  return bytes;
}

function outOfMemory(): ReplyError {
  return new ReplyError("OOM command not allowed when used memory > 'maxmemory'.");
}

function isInteger(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) < 2 ** 63;
}

function checkInteger(value: number): void {
  if (!isInteger(value)) throw notAnInteger();
}

function notAnInteger(): ReplyError {
  return new ReplyError("ERR value is not an integer or out of range");
}

function wrongType(): ReplyError {
  return new ReplyError("WRONGTYPE Operation against a key holding the wrong kind of value");
}
