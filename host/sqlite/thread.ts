/**
 * A trusted Worker thread that owns a SQLite database, so that a sync to disk never blocks the host's event loop. The
 * host makes named calls, which are answered in order.
 * @module
 */

/** What a thread can do: plain synchronous functions by name. */
export type ThreadApi<Api> = { [Name in keyof Api]: (...args: never[]) => unknown };

/** Sent by the host to the thread. */
export interface ThreadRequest {
  id: number;
  name: string;
  args: unknown[];
}

/** Sent by the thread to the host. */
export type ThreadAnswer =
  | { id: number; ok: true; value: unknown }
  | { id: number; ok: false; name: string; message: string; code?: number };

/** An error in the thread. `code` is SQLite's extended result code, if it has one. */
export class ThreadError extends Error {
  constructor(name: string, message: string, readonly code?: number) {
    super(message);
    this.name = name;
  }
}

/** The host's side of a thread. */
export class Thread<Api extends ThreadApi<Api>> implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #calls = new Map<number, PromiseWithResolvers<unknown>>();
  #nextId = 1;
  #dead: Error | null = null;

  constructor(entry: URL, name: string) {
    this.#worker = new Worker(entry, { type: "module", name });
    this.#worker.onmessage = ({ data }: MessageEvent<ThreadAnswer>) => this.#settle(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#end(new Error(`Cannot go on with ${name}: its thread ended: ${event.message}`));
    };
  }

  /** Runs a function in the thread. Calls run one after the other, in the order in which they were made. */
  call<Name extends keyof Api & string>(name: Name, ...args: Parameters<Api[Name]>): Promise<ReturnType<Api[Name]>> {
    if (this.#dead) return Promise.reject(this.#dead);
    const id = this.#nextId++;
    const call = Promise.withResolvers<unknown>();
    this.#calls.set(id, call);
    try {
      this.#worker.postMessage({ id, name, args } satisfies ThreadRequest);
    } catch (error) {
      // The arguments cannot be copied to another thread, for example because one is a function.
      this.#calls.delete(id);
      return Promise.reject(error);
    }
    return call.promise as Promise<ReturnType<Api[Name]>>;
  }

  /** Ends the thread at once and rejects the calls that were not answered. The owner closes the database first. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#end(new Error("Cannot use the database: it is closed"));
    this.#worker.terminate();
    return Promise.resolve();
  }

  #settle(answer: ThreadAnswer): void {
    const call = this.#calls.get(answer.id);
    if (!call) return;
    this.#calls.delete(answer.id);
    if (answer.ok) call.resolve(answer.value);
    else call.reject(new ThreadError(answer.name, answer.message, answer.code));
  }

  #end(reason: Error): void {
    this.#dead ??= reason;
    for (const call of this.#calls.values()) call.reject(this.#dead);
    this.#calls.clear();
  }
}
