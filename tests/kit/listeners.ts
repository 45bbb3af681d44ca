/**
 * Who listens, on Linux.
 * @module
 */

/** How many sockets of IPv4 listen on the port. */
export async function listenersOn(port: string): Promise<number> {
  const table = await Deno.readTextFile("/proc/net/tcp");
  const address = `:${Number(port).toString(16).toUpperCase().padStart(4, "0")}`;
  return table.split("\n").filter((line) => {
    const [, local = "", , state] = line.trim().split(/\s+/);
    return local.endsWith(address) && state === "0A";
  }).length;
}
