/** Proves that a cell's network flag denies every private network, except exactly what `egress.allow` opens. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { DENIED_NETWORKS, denyNetFlag } from "../../../../host/cells/egress/egress.ts";
import { excludeNetwork, formatNetwork, parseNetwork } from "../../../../host/cells/egress/ipv4_network.ts";

const NAMES: Record<string, string[]> = { localhost: ["127.0.0.1", "::1"], "db.internal": ["10.9.8.7"] };
const SOURCES = {
  resolve: (name: string) => NAMES[name] ? Promise.resolve(NAMES[name]) : Promise.reject(new Error("no such name")),
  ownIpv6: ["2001:db8::7"],
};

async function denied(address: string, allow: string[]): Promise<boolean> {
  const flag = await denyNetFlag(allow, SOURCES);
  return flag.split(",").some((entry) => {
    if (entry.startsWith("[")) return entry === `[${address}]`;
    const network = parseNetwork(entry);
    const single = parseNetwork(address);
    return network !== null && single !== null && excludeNetwork(single, network).length === 0;
  });
}

Deno.test("denyNetFlag() denies every private network and this machine's own addresses by default", async () => {
  const flag = await denyNetFlag([], SOURCES);
  assert.equal(flag, [...DENIED_NETWORKS, "[::1]", "[::]", "[fd00:ec2::254]", "[2001:db8::7]"].join(","));
});

const HOLES: [string, string, string][] = [
  ["10.1.2.3:5432", "10.1.2.3", "10.1.2.4"],
  ["10.0.0.0/8", "10.200.1.1", "172.16.0.1"],
  ["192.168.7.0/24", "192.168.7.255", "192.168.8.0"],
  ["localhost:5432", "127.0.0.1", "127.0.0.2"],
  ["[::1]:8080", "::1", "127.0.0.1"],
  ["[FD00:EC2:0::254]", "fd00:ec2::254", "::1"],
  ["db.internal:5432", "10.9.8.7", "10.9.8.8"],
  ["*.internal.example", "192.168.1.1", "127.0.0.1"],
  ["*.internal.example", "10.1.1.1", "169.254.169.254"],
  ["168.63.129.16:80", "168.63.129.16", "169.254.169.254"],
];

for (const [entry, open, closed] of HOLES) {
  Deno.test(`denyNetFlag() opens ${open} and keeps ${closed} closed for "${entry}"`, async () => {
    assert.ok(await denied(open, []));
    assert.ok(!await denied(open, [entry]));
    assert.ok(await denied(closed, [entry]));
  });
}

Deno.test("denyNetFlag() opens nothing for a name without address", async () => {
  assert.equal(await denyNetFlag(["nowhere.example:80"], SOURCES), await denyNetFlag([], SOURCES));
});

Deno.test("excludeNetwork() takes out exactly the hole", () => {
  const network = fc.tuple(fc.nat({ max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 32 })).map(([address, bits]) =>
    parseNetwork(`${formatNetwork({ base: address, bits: 32 })}/${bits}`)!
  );
  fc.assert(fc.property(network, network, fc.nat({ max: 2 ** 32 - 1 }), (whole, hole, address) => {
    const holds = ({ base, bits }: { base: number; bits: number }) =>
      address >= base && address < base + 2 ** (32 - bits);
    assert.equal(excludeNetwork(whole, hole).some(holds), holds(whole) && !holds(hole));
  }));
});
