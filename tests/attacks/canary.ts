/**
 * What waits behind the forbidden addresses: a server that counts who reaches it, and tells a secret.
 * @module
 */

/** What a plugin must never have read. */
export const CANARY_SECRET = "CANARY_SECRET_4711";

export interface Canary extends Disposable {
  readonly port: number;
  readonly connections: number;
  /** Where they led to, each as often as it was reached. */
  readonly reached: readonly Deno.NetAddr[];
}

/** Metadata services and databases are asked for at their own ports. */
const FIXED_PORTS = [80, 443, 5432, 6379];

/** @param atPort 0: any that is free */
export function startCanary(atPort = 0): Canary {
  const reached: Deno.NetAddr[] = [];
  // Listens on every address of both families.
  const [first, ...others] = [atPort, ...FIXED_PORTS].map((port) => Deno.listen({ hostname: "::", port }));
  const listeners = [first as Deno.TcpListener, ...others];
  const { port } = listeners[0]?.addr as Deno.NetAddr;
  for (const listener of listeners) void serve(listener, (address) => reached.push(address));
  return {
    port,
    get connections() {
      return reached.length;
    },
    reached,
    [Symbol.dispose]() {
      for (const listener of listeners) listener.close();
    },
  };
}

async function serve(listener: Deno.Listener, onConnection: (to: Deno.NetAddr) => void): Promise<void> {
  const answer =
    `HTTP/1.1 200 OK\r\ncontent-length: ${CANARY_SECRET.length}\r\nconnection: close\r\n\r\n${CANARY_SECRET}`;
  try {
    for await (const connection of listener) {
      onConnection(connection.localAddr as Deno.NetAddr);
      connection.write(new TextEncoder().encode(answer)).catch(() => {}).finally(() => connection.close());
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
