/**
 * Keeps a defect of Kafka's client from ending the host: when a broker that it works with has left the cluster, it asks
 * for a connection to nothing, and throws where nobody can catch it.
 * @module
 */

import { type Base, type Connection, NetworkError } from "@platformatic/kafka";

type Callback = (error: Error | null, connection?: Connection) => void;

/** Returns the client, whose requests to a broker that is gone fail as those to one that refuses connections. */
export function guardClient<Client extends Pick<Base, "connections">>(client: Client): Client {
  const pool = client.connections;
  const get = pool.get.bind(pool) as (broker: unknown, callback?: Callback) => void;
  pool.get = ((broker: unknown, callback?: Callback) => {
    if (broker !== undefined || callback === undefined) return get(broker, callback);
    callback(new NetworkError("The broker has left the cluster"));
  }) as typeof pool.get;
  return client;
}
