/**
 * A trusted Worker thread that owns a SQLite database, so that a sync to disk never stops the host's event loop: named calls with one
 * answer each, in order.
 * @module
 */

/** What a thread can do: method name → plain synchronous function. */
export type ThreadApi<Api> = { [Name in keyof Api]: (...args: never[]) => unknown };

/** Host to thread. */
export interface ThreadRequest {
  id: number;
  name: string;
  args: unknown[];
}

/** Thread to host. */
export type ThreadAnswer =
  | { id: number; ok: true; value: unknown }
  | { id: number; ok: false; name: string; message: string; code?: number };

/** An error of the thread: `code` is SQLite's extended result code where it has one. */
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

  /** Runs a function of the thread. Calls run one after the other, in the order of `call`. */
  call<Name extends keyof Api & string>(name: Name, ...args: Parameters<Api[Name]>): Promise<ReturnType<Api[Name]>> {
    if (this.#dead) return Promise.reject(this.#dead);
    const id = this.#nextId++;
    const call = Promise.withResolvers<unknown>();
    this.#calls.set(id, call);
    try {
      this.#worker.postMessage({ id, name, args } satisfies ThreadRequest);
    } catch (error) {
      // Something that cannot be copied to another thread, such as a function.
      this.#calls.delete(id);
      return Promise.reject(error);
    }
    return call.promise as Promise<ReturnType<Api[Name]>>;
  }

  /** Ends the thread at once; calls still open are rejected. The owner closes the database first. */
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
