/**
 * node-fetch's Response.
 * @module
 */

import { type Content, contentOf, copyContent, FetchBody } from "./fetch_body.ts";
import { FetchHeaders, type HeadersSource } from "./fetch_headers.ts";

/** What a response is made with. */
export interface ResponseOptions {
  url?: string;
  status?: number;
  statusText?: string;
  headers?: HeadersSource;
  size?: number;
  timeout?: number;
  /** Redirects that led to it. */
  counter?: number;
}

const STATUS_TEXTS: Record<number, string> = {
  200: "OK",
  201: "Created",
  202: "Accepted",
  204: "No Content",
  301: "Moved Permanently",
  302: "Found",
  304: "Not Modified",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  409: "Conflict",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/** A body that the sandbox hands over as it is. */
export class HandedOver {
  constructor(readonly content: Content) {}
}

/** The class that plugins find as `Response`. */
export class FetchResponse extends FetchBody {
  readonly status: number;
  readonly statusText: string;
  readonly headers: FetchHeaders;
  readonly #url: string;
  readonly #counter: number;

  constructor(body?: unknown, options: ResponseOptions = {}) {
    const { content, type } = body instanceof HandedOver ? { content: body.content, type: null } : contentOf(body);
    super(content, options);
    this.status = options.status || 200;
    this.statusText = options.statusText || (STATUS_TEXTS[this.status] ?? "");
    this.headers = new FetchHeaders(options.headers);
    this.#url = options.url ?? "";
    this.#counter = options.counter ?? 0;
    if (type !== null && !this.headers.has("content-type")) this.headers.append("content-type", type);
  }

  override get url(): string {
    return this.#url;
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  get redirected(): boolean {
    return this.#counter > 0;
  }

  clone(): FetchResponse {
    const { url, status, statusText, headers, size, timeout } = this;
    const options = { url, status, statusText, headers, size, timeout, counter: this.#counter };
    return new FetchResponse(new HandedOver(copyContent(this)), options);
  }

  get [Symbol.toStringTag](): string {
    return "Response";
  }
}
