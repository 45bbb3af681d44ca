/**
 * Keeps defects of Kafka's client from ending the host:
 *
 * - When a broker that it works with has left the cluster, it asks for a connection to nothing, and throws where nobody
 *   can catch it. It does the same for an address to which no connection can begin, and never answers whoever asks
 *   for that one again.
 * - It reports an error of a connection once, to a listener that is gone then, but a connection that is refused as it
 *   authenticates may be reset afterwards.
 * @module
 */

import { type Base, type Broker, type Connection, NetworkError } from "@platformatic/kafka";

type Callback = (error: Error | null, connection?: Connection) => void;

/** Returns the client, whose requests fail in such cases as those to a broker that refuses connections. */
export function guardClient<Client extends Pick<Base, "connections">>(client: Client): Client {
  const pool = client.connections;
  const get = pool.get.bind(pool) as (broker: Broker | undefined, callback?: Callback) => void;
  const impossible = new Map<string, Error>();
  pool.on("connecting", ({ connection }) => connection.on("error", () => {}));
  pool.get = ((broker: Broker | undefined, callback?: Callback) => {
    if (callback === undefined) return get(broker, callback);
    if (broker === undefined) return callback(new NetworkError("The broker has left the cluster"));
    const key = `${broker.host}:${broker.port}`;
    const known = impossible.get(key);
    if (known !== undefined) return callback(known);
    let answered = false;
    try {
      get(broker, (error, connection) => {
        answered = true;
        callback(error, connection);
      });
    } catch (error) {
      // Thrown by whoever asked.
      if (answered) throw error;
      const failure = new NetworkError(`Cannot connect to ${key}`, { cause: error as Error });
      impossible.set(key, failure);
      callback(failure);
    }
  }) as typeof pool.get;
  return client;
}
