/**
 * node-fetch's Request.
 * @module
 */

import { type Content, contentOf, copyContent, FetchBody } from "./fetch_body.ts";
import { FetchHeaders, type HeadersSource } from "./fetch_headers.ts";
import { HandedOver } from "./fetch_response.ts";

/** What `fetch` and `Request` take as second argument. */
export interface RequestOptions {
  method?: unknown;
  headers?: HeadersSource;
  body?: unknown;
  redirect?: unknown;
  signal?: unknown;
  /** Redirects to follow; default 20. */
  follow?: number;
  /** Milliseconds, for the answer and again for its body; 0 is the sandbox's own limit. */
  timeout?: number;
  /** Largest body in bytes; 0 is any. */
  size?: number;
  /** False: asks for an answer that is not compressed. */
  compress?: boolean;
  /** Redirects followed so far. */
  counter?: number;
}

/** The class that plugins find as `Request`. */
export class FetchRequest extends FetchBody {
  readonly method: string;
  readonly headers: FetchHeaders;
  readonly redirect: string;
  readonly signal: AbortSignal | null;
  readonly follow: number;
  readonly compress: boolean;
  readonly counter: number;
  readonly #url: string;

  constructor(input: unknown, options: RequestOptions = {}) {
    const from = input instanceof FetchRequest ? input : undefined;
    const method = String(options.method ?? from?.method ?? "GET").toUpperCase();
    const { content, type } = readBody(options, from);
    if (content.kind !== "none" && (method === "GET" || method === "HEAD")) {
      throw new TypeError("Request with GET/HEAD method cannot have body");
    }
    super(content, {
      size: Number(options.size ?? from?.size ?? 0),
      timeout: Number(options.timeout ?? from?.timeout ?? 0),
    });
    this.method = method;
    this.#url = from?.url ?? readUrl(input);
    this.headers = new FetchHeaders(options.headers ?? from?.headers);
    if (type !== null && !this.headers.has("content-type")) this.headers.append("content-type", type);
    this.redirect = String(options.redirect ?? from?.redirect ?? "follow");
    this.signal = readSignal("signal" in options ? options.signal : from?.signal);
    this.follow = Number(options.follow ?? from?.follow ?? 20);
    this.compress = options.compress ?? from?.compress ?? true;
    this.counter = options.counter ?? from?.counter ?? 0;
  }

  override get url(): string {
    return this.#url;
  }

  clone(): FetchRequest {
    return new FetchRequest(this);
  }

  get [Symbol.toStringTag](): string {
    return "Request";
  }
}

function readBody(options: RequestOptions, from: FetchRequest | undefined): { content: Content; type: string | null } {
  const { body } = options;
  if (body instanceof HandedOver) return { content: body.content, type: null };
  if (body !== undefined && body !== null) return contentOf(body);
  return { content: from === undefined ? { kind: "none" } : copyContent(from), type: null };
}

function readUrl(input: unknown): string {
  const text = typeof input === "object" && input !== null && "href" in input ? String(input.href) : String(input);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new TypeError("Only absolute URLs are supported");
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new TypeError("Only HTTP(S) protocols are supported");
  }
  return url.href;
}

/** AbortSignal or a package's stand-in for it. */
function readSignal(signal: unknown): AbortSignal | null {
  if (signal === undefined || signal === null) return null;
  if (typeof signal === "object" && "aborted" in signal && "addEventListener" in signal) return signal as AbortSignal;
  throw new TypeError("Expected signal to be an instanceof AbortSignal");
}
