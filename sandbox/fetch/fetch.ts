/**
 * `fetch` for plugins: node-fetch's. It goes to http and https addresses that the egress rules allow, also
 * behind redirects, and gives up before the plugin's deadline does.
 * @module
 */

import { Response } from "../walls/capture.ts";
import { chunksOf, contentIn, type NodeStream, toBytes } from "./fetch_body.ts";
import { AbortError, FetchError } from "./fetch_error.ts";
import { FetchHeaders } from "./fetch_headers.ts";
import { FetchRequest, type RequestOptions } from "./fetch_request.ts";
import { FetchResponse, HandedOver } from "./fetch_response.ts";
import { arrivingFrom, openTransfer, type Transfer } from "./fetch_transfer.ts";
import { sendOverHttp, type Sent } from "./http_transport.ts";

const REDIRECTS = [301, 302, 303, 307, 308];
const USER_AGENT = "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)";
/** Headers that must not be sent to another host than the one they were meant for. */
const SECRETS = ["authorization", "www-authenticate", "cookie", "cookie2"];

/** Fetches as node-fetch does, for the plugin with this index. */
export async function guardedFetch(
  plugin: number,
  input: unknown,
  options: RequestOptions = {},
): Promise<FetchResponse> {
  for (let request = new FetchRequest(input, options);;) {
    const transfer = openTransfer(request);
    const answer = await transfer.awaitAnswer(send(plugin, request, transfer));
    const headers = new FetchHeaders(answer.headers);
    const location = headers.get("location");
    if (isRedirect(answer.status)) {
      const target = location === null ? null : resolveLocation(location, request);
      if (target !== null && request.redirect === "manual") headers.set("location", target);
      const next = nextRequest(request, answer.status, target);
      if (next !== null) {
        await answer.body?.cancel();
        transfer.end();
        request = next;
        continue;
      }
    }
    return new FetchResponse(new HandedOver({ kind: "arriving", arriving: arrivingFrom(answer, transfer) }), {
      url: request.url,
      status: answer.status,
      statusText: answer.statusText,
      headers,
      size: request.size,
      timeout: request.timeout,
      counter: request.counter,
    });
  }
}

/** True for the statuses that lead elsewhere. */
export function isRedirect(status: number): boolean {
  return REDIRECTS.includes(status);
}

async function send(plugin: number, request: FetchRequest, { signal }: Transfer): Promise<Response> {
  if (signal.aborted) throw new AbortError("The user aborted a request.");
  const url = new URL(request.url);
  const headers = new Headers(request.headers);
  if (!headers.has("user-agent")) headers.set("user-agent", USER_AGENT);
  if (!headers.has("accept")) headers.set("accept", "*/*");
  if (!headers.has("accept-encoding")) {
    headers.set("accept-encoding", request.compress ? "gzip, deflate, br" : "identity");
  }
  if (url.username !== "" || url.password !== "") {
    const user = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    if (!headers.has("authorization")) headers.set("authorization", `Basic ${btoa(user)}`);
    url.username = url.password = "";
  }
  const body = await bodyOf(request, headers);
  return await sendOverHttp({ plugin, url, method: request.method, headers, body, signal });
}

/** Returns what is sent, and adds the headers that go without saying. */
async function bodyOf(request: FetchRequest, headers: Headers): Promise<Sent> {
  const content = contentIn(request);
  if (content.kind === "stream") return bytesOf(content.stream);
  // The real length replaces what the plugin said: a plugin that counted characters was wrong.
  if (content.kind !== "none") headers.delete("content-length");
  if (content.kind === "bytes") return content.bytes;
  if (content.kind !== "web") return null;
  const written = new Response(content.value);
  const type = written.headers.get("content-type");
  if (type !== null && !headers.has("content-type")) headers.set("content-type", type);
  return new Uint8Array(await written.arrayBuffer());
}

async function* bytesOf(stream: NodeStream): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunksOf(stream)) yield toBytes(chunk);
}

function resolveLocation(location: string, request: FetchRequest): string | null {
  if (URL.canParse(location, request.url)) return new URL(location, request.url).href;
  if (request.redirect === "manual") return null;
  throw new FetchError(`uri requested responds with an invalid redirect URL: ${location}`, "invalid-redirect");
}

/** The request that follows a redirect, or null when the redirect itself is the answer. */
function nextRequest(request: FetchRequest, status: number, target: string | null): FetchRequest | null {
  const { url, method, follow, counter } = request;
  if (request.redirect === "error") {
    throw new FetchError(
      `uri requested responds with a redirect, redirect mode is set to error: ${url}`,
      "no-redirect",
    );
  }
  if (request.redirect === "manual" || target === null) return null;
  if (counter >= follow) throw new FetchError(`maximum redirect reached at: ${url}`, "max-redirect");
  const headers = new FetchHeaders(request.headers);
  if (!mayKnowSecrets(url, target)) { for (const name of SECRETS) headers.delete(name); }
  const { signal, size, timeout, compress } = request;
  const rest = { headers, follow, counter: counter + 1, signal, size, timeout, compress };
  const content = contentIn(request);
  if (status !== 303 && content.kind === "stream") {
    throw new FetchError("Cannot follow redirect with body being a readable stream", "unsupported-redirect");
  }
  if (status === 303 || ((status === 301 || status === 302) && method === "POST")) {
    headers.delete("content-length");
    return new FetchRequest(target, { ...rest, method: "GET" });
  }
  return new FetchRequest(target, { ...rest, method, body: new HandedOver(content) });
}

/** The same host or one below it, by the same protocol. */
function mayKnowSecrets(from: string, to: string): boolean {
  const [known, next] = [new URL(from), new URL(to)];
  const below = next.hostname === known.hostname || next.hostname.endsWith(`.${known.hostname}`);
  return below && next.protocol === known.protocol;
}
