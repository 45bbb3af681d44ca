/**
 * A connection to the upstream, with a buffer of what was read from it but not yet used. Node's and Deno's own clients
 * either decompress answers or cost several times as much (docs/PERFORMANCE.md), and this room needs only a small part
 * of HTTP.
 * @module
 */

const BUFFER_BYTES = 16 * 1024;
const EMPTY = new Uint8Array();
const QUESTION_MARK = 0x3f;

export class Connection implements Disposable {
  readonly #socket: Deno.TcpConn | Deno.TlsConn;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  /** What is being written, because a buffer for each request costs more than filling it. */
  readonly #outgoing = new Uint8Array(BUFFER_BYTES);
  /** What was read but not yet used: a view into the buffer. */
  #rest: Uint8Array<ArrayBuffer> = EMPTY;
  /** A read that began while the connection was idle; the first read of the next answer takes it over. */
  #pending: Promise<number | null> | null = null;
  /** Null unless the connection is idle. */
  #onEnded: (() => void) | null = null;
  readonly #ended = (): void => {
    if (this.#onEnded === null) return;
    this[Symbol.dispose]();
    this.#onEnded();
  };
  #isClosed = false;

  constructor(socket: Deno.TcpConn | Deno.TlsConn) {
    this.#socket = socket;
  }

  static async open({ protocol, hostname, port }: URL): Promise<Connection> {
    const name = hostname.replace(/^\[|\]$/g, "");
    if (protocol === "https:") {
      return new Connection(await Deno.connectTls({ hostname: name, port: Number(port || 443) }));
    }
    const socket = await Deno.connect({ hostname: name, port: Number(port || 80) });
    socket.setNoDelay();
    return new Connection(socket);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether the upstream sent something that was not asked for. */
  get hasRest(): boolean {
    return this.#rest.byteLength > 0;
  }

  /**
   * Closes the connection, and calls `onEnded`, as soon as the upstream closes it or sends anything that nobody asked
   * for: it would be taken for the answer to the next request. An idle connection does not keep the process running.
   */
  idle(onEnded: () => void): void {
    this.#onEnded = onEnded;
    this.#socket.unref();
    this.#pending = this.#socket.read(this.#buffer);
    this.#pending.then(this.#ended, this.#ended);
  }

  /** Ends the idle time: what comes from now on is an answer. */
  wake(): void {
    this.#onEnded = null;
    this.#socket.ref();
  }

  /**
   * Writes text as Latin-1, as headers are encoded, and bytes after it in one piece. A character outside Latin-1
   * becomes `?`, never another character. A connection takes one call at a time.
   */
  async writeText(text: string, after: Uint8Array = EMPTY): Promise<void> {
    const length = text.length + after.byteLength;
    const bytes = length > BUFFER_BYTES ? new Uint8Array(length) : this.#outgoing.subarray(0, length);
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      bytes[at] = code > 0xff ? QUESTION_MARK : code;
    }
    bytes.set(after, text.length);
    await this.write(bytes);
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.byteLength;) at += await this.#socket.write(at === 0 ? bytes : bytes.subarray(at));
  }

  /** The next bytes, valid until the next read; null at the end of the stream. */
  async read(): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.#rest.byteLength > 0) {
      const rest = this.#rest;
      this.#rest = EMPTY;
      return rest;
    }
    const pending = this.#pending;
    this.#pending = null;
    const length = await (pending ?? this.#socket.read(this.#buffer));
    return length === null ? null : this.#buffer.subarray(0, length);
  }

  /** Puts back the tail of what was read last. */
  unread(bytes: Uint8Array<ArrayBuffer>): void {
    this.#rest = bytes;
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
  }
}
