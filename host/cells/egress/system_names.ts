/**
 * What the system knows of names and of its own addresses, for the flags of a cell.
 * @module
 */

import { lookup } from "node:dns/promises";
import type { EgressSources } from "./egress.ts";

/** As the system's resolver answers now, /etc/hosts included. */
export function systemNames(): EgressSources {
  return {
    async resolve(name) {
      return (await lookup(name, { all: true })).map(({ address }) => address);
    },
    ownIpv6: Deno.networkInterfaces().flatMap(({ family, address }) => family === "IPv6" ? [address] : []),
  };
}
