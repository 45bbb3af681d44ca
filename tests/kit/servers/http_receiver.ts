/**
 * An HTTP server on loopback that keeps what it was sent.
 * @module
 */

import { gunzipSync } from "node:zlib";

export interface ReceivedRequest {
  path: string;
  headers: Headers;
  /** Decompressed. */
  text: string;
}

/** Answers by `answer`, which a test may change at any time. */
export class HttpReceiver implements AsyncDisposable {
  readonly requests: ReceivedRequest[] = [];
  answer: (request: ReceivedRequest) => Response | Promise<Response>;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(answer: (request: ReceivedRequest) => Response | Promise<Response>, port = 0) {
    this.answer = answer;
    this.#server = Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, async (request) => {
      const bytes = new Uint8Array(await request.arrayBuffer());
      const isGzip = request.headers.get("content-encoding") === "gzip";
      const received = {
        path: new URL(request.url).pathname,
        headers: request.headers,
        text: new TextDecoder().decode(isGzip ? gunzipSync(bytes) : bytes),
      };
      this.requests.push(received);
      return await this.answer(received);
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
