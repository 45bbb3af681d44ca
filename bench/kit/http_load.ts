/**
 * Many requests over few kept-alive connections, at the least cost to the machine that also runs what is measured: raw
 * sockets, requests made beforehand.
 * @module
 */

export interface HttpLoad {
  url: URL;
  /** Bodies taken in turn. */
  bodies: Uint8Array[];
  connections: number;
  seconds: number;
}

export interface HttpFigures {
  requestsPerSecond: number;
  /** Milliseconds from request to answer, one for each request. */
  latencies: number[];
}

/** Each connection sends its next request when the last one is answered. Throws on any answer but 200. */
export async function measureHttp({ url, bodies, connections, seconds }: HttpLoad): Promise<HttpFigures> {
  const requests = bodies.map((body) => requestOf(url, body));
  const latencies: number[] = [];
  const started = performance.now();
  const end = started + seconds * 1000;
  await Promise.all(Array.from({ length: connections }, async (_, index) => {
    using connection = await Deno.connect({ hostname: url.hostname, port: Number(url.port) });
    connection.setNoDelay(true);
    const answer = new Uint8Array(16_384);
    for (let turn = index; performance.now() < end; turn += connections) {
      const sent = performance.now();
      await writeAll(connection, requests[turn % requests.length]!);
      await readAnswer(connection, answer);
      latencies.push(performance.now() - sent);
    }
  }));
  return { requestsPerSecond: latencies.length / (performance.now() - started) * 1000, latencies };
}

function requestOf(url: URL, body: Uint8Array): Uint8Array {
  const head = new TextEncoder().encode(
    `POST ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`,
  );
  const request = new Uint8Array(head.length + body.length);
  request.set(head);
  request.set(body, head.length);
  return request;
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

async function readAnswer(connection: Deno.Conn, into: Uint8Array): Promise<void> {
  for (let length = 0;;) {
    const read = await connection.read(into.subarray(length));
    if (read === null) throw new Error("Cannot measure: the server closed the connection");
    length += read;
    const text = new TextDecoder().decode(into.subarray(0, length));
    const head = text.indexOf("\r\n\r\n");
    if (head < 0) continue;
    if (!text.startsWith("HTTP/1.1 200")) throw new Error(`Cannot measure: the server answered ${text}`);
    const body = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0);
    if (length >= head + 4 + body) return;
  }
}
