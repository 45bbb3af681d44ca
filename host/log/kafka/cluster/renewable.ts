/**
 * A client that is replaced after it failed. Kafka's clients do not recover from every outage by themselves, and one in
 * an unknown state must not be trusted with further work.
 * @module
 */

import { Consumer } from "@platformatic/kafka";

export interface Closable {
  close(): Promise<void>;
}

export class Renewable<Client extends Closable> implements AsyncDisposable {
  readonly #make: () => Promise<Client>;
  #current: Promise<Client> | null = null;
  #closed = false;

  /** @param make creates a client that is ready for use */
  constructor(make: () => Promise<Client>) {
    this.#make = make;
  }

  /** Runs the action with the client. After a failure, the next action gets a new client. */
  async use<T>(action: (client: Client) => Promise<T>): Promise<T> {
    if (this.#closed) throw new Error("Cannot use Kafka: the event log is closed");
    const current = this.#current ??= this.#make();
    try {
      return await action(await current);
    } catch (error) {
      this.#discard(current);
      throw error;
    }
  }

  /** Closes the current client; the next use creates a new one. */
  renew(): void {
    if (this.#current !== null) this.#discard(this.#current);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const current = this.#current;
    this.#current = null;
    await current?.then(closeQuietly, () => {});
  }

  #discard(client: Promise<Client>): void {
    if (this.#current === client) this.#current = null;
    client.then(closeQuietly, () => {});
  }
}

/** How long, in milliseconds, to wait for a broken client, which may hang or fail while it is closed. */
const CLOSE_MS = 3000;

export async function closeQuietly(client: Closable): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, CLOSE_MS));
  // A consumer would otherwise refuse to close while its group has work to do.
  const closing = client instanceof Consumer ? client.close(true) : client.close();
  await Promise.race([Promise.resolve(closing).catch(() => {}), late]);
  clearTimeout(timer);
}
