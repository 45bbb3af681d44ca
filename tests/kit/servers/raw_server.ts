/**
 * Servers that answer with texts as they are, byte by byte, and requests forwarded to them.
 * @module
 */

import { forward, type Forwarded } from "../../../host/upstream/forward.ts";

/**
 * A server that answers each request with the next of these texts, by one connection as long as the client keeps it.
 * `|` is a pause between two pieces, and CLOSE ends the connection.
 */
export function serveRaw(...answers: string[]) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const seen: string[] = [];
  let connections = 0;
  const open = new Set<Deno.Conn>();
  const decoder = new TextDecoder();

  async function talk(connection: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    try {
      while (true) {
        const length = await connection.read(buffer);
        if (length === null) break;
        seen.push(decoder.decode(buffer.subarray(0, length)));
        const answer = answers.shift();
        if (answer === undefined) break;
        for (const piece of answer.split("|")) {
          if (piece === "CLOSE") return;
          await connection.write(new TextEncoder().encode(piece));
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
      }
    } catch {
      // The client has closed it.
    } finally {
      open.delete(connection);
      try {
        connection.close();
      } catch {
        // It is closed already.
      }
    }
  }

  const listening = (async () => {
    for await (const connection of listener) {
      connections++;
      open.add(connection);
      void talk(connection);
    }
  })();
  return {
    host: `http://127.0.0.1:${listener.addr.port}`,
    seen,
    connections: () => connections,
    /** How many connections are open. */
    open: () => open.size,
    /** Sends this by so many open connections, without having been asked; CLOSE ends the server's half of each. */
    async push(text: string, most = Infinity) {
      for (const connection of [...open].slice(0, most)) {
        await (text === "CLOSE" ? connection.closeWrite() : connection.write(new TextEncoder().encode(text)));
      }
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of open) connection.close();
      await listening;
    },
  };
}

/** A GET for flags that may be repeated, unless something else is given. */
export function ask(host: string, given: Partial<Forwarded> = {}): Promise<Response> {
  return forward({
    host,
    path: "/flags/?v=2",
    method: "GET",
    headers: [],
    body: null,
    length: 0,
    timeoutMs: 500,
    isRepeatable: true,
    ...given,
  });
}
