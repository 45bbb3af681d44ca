/**
 * Proves which addresses, networks, ports and names an entry of `egress.allow` opens, and that a refusal names the
 * setting.
 */

import assert from "node:assert/strict";
import { createEgressRules, parseAddress, refusalMessage } from "../../../sandbox/walls/egress_rules.ts";

const PRIVATE = [
  "0.0.0.0",
  "0.1.2.3",
  "10.0.0.1",
  "100.64.0.1",
  "100.127.255.255",
  "127.0.0.1",
  "127.255.255.254",
  "168.63.129.16",
  "169.254.169.254",
  "172.16.0.1",
  "172.31.255.255",
  "192.0.0.8",
  "192.168.1.1",
  "198.18.0.1",
  "198.19.255.255",
  "203.0.113.9",
  "224.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "::ffff:127.0.0.1",
  "::ffff:7f00:1",
  "::127.0.0.1",
  "0:0:0:0:0:ffff:a00:1",
  "64:ff9b::10.0.0.1",
  "64:ff9b::a9fe:a9fe",
  "64:ff9b:1::1",
  "2002:7f00:1::",
  "2002:a00:1::5",
  "100::1",
  "2001::1",
  "2001:db8::1",
  "3fff::1",
  "fc00::1",
  "fd00:ec2::254",
  "fdff:ffff::1",
  "fe80::1",
  "fe80::1%eth0",
  "febf::1",
  "fec0::1",
  "ff02::1",
  "[::1]",
];

const PUBLIC = [
  "1.1.1.1",
  "8.8.8.8",
  "168.63.129.15",
  "168.63.129.17",
  "100.63.255.255",
  "100.128.0.1",
  "172.15.0.1",
  "172.32.0.1",
  "192.0.1.1",
  "198.17.255.255",
  "198.20.0.1",
  "223.255.255.255",
  "2606:4700:4700::1111",
  "2a00:1450:4001::1",
  "::ffff:8.8.8.8",
  "64:ff9b::8.8.8.8",
  "2002:808:808::1",
];

Deno.test("without rules, public addresses are allowed and no others", () => {
  const rules = createEgressRules([]);
  for (const address of PRIVATE) assert.equal(rules.allowsAddress(address, 443), false, address);
  for (const address of PUBLIC) assert.equal(rules.allowsAddress(address, 443), true, address);
  for (
    const text of [
      "",
      "example.com",
      "8.8.8.8%x.example.com",
      "8.8.8.8%eth0",
      "1.2.3",
      "1.2.3.4.5",
      "256.1.1.1",
      "1:2",
      "::1::",
    ]
  ) {
    assert.equal(rules.allowsAddress(text, 443), false, text);
    assert.equal(parseAddress(text), undefined, text);
  }
});

Deno.test("an entry opens the address, network and port it says", () => {
  const rules = createEgressRules([
    "10.1.2.3:5432",
    "192.168.0.0/16",
    "[fd00::5]:443",
    "[fd12::]/16",
    "fe80::/10",
    "127.0.0.1",
  ]);
  const open: [string, number][] = [
    ["10.1.2.3", 5432],
    ["192.168.7.7", 1],
    ["fd00::5", 443],
    ["fd00:0::0:5", 443],
    ["fe80::1234", 80],
    ["127.0.0.1", 9999],
    ["::ffff:10.1.2.3", 5432],
  ];
  const closed: [string, number][] = [["10.1.2.3", 5433], ["10.1.2.4", 5432], ["fd00::5", 80], ["fd00::6", 443], [
    "127.0.0.2",
    1,
  ]];
  for (const [address, port] of open) assert.equal(rules.allowsAddress(address, port), true, `${address} ${port}`);
  for (const [address, port] of closed) assert.equal(rules.allowsAddress(address, port), false, `${address} ${port}`);
});

Deno.test("an entry opens the name it says", () => {
  const rules = createEgressRules(["db", "DB.internal:5432", "*.internal.example", "*.ported.example:8443"]);
  const open: [string, number][] = [
    ["db", 1],
    ["DB", 2],
    ["db.internal", 5432],
    ["a.internal.example", 80],
    ["a.b.internal.example.", 80],
    ["x.ported.example", 8443],
  ];
  const closed: [string, number][] = [
    ["db2", 1],
    ["db.internal", 80],
    ["internal.example", 80],
    ["evilinternal.example", 80],
    ["a.internal.example.evil", 80],
    ["x.ported.example", 80],
  ];
  for (const [name, port] of open) assert.equal(rules.allowsName(name, port), true, `${name} ${port}`);
  for (const [name, port] of closed) assert.equal(rules.allowsName(name, port), false, `${name} ${port}`);
});

Deno.test("a refusal names the address and the setting", () => {
  assert.equal(
    refusalMessage("db", 5432),
    'Cannot connect to db:5432: the address is not public, "egress": {"allow": [...]} of the plugin config opens it',
  );
  assert.match(refusalMessage("fd00::1", 443), /^Cannot connect to \[fd00::1\]:443: /);
});

Deno.test("an address that systems read differently is none", () => {
  const { allowsAddress } = createEgressRules([]);
  for (const address of ["0177.0.0.1", "8.8.8.010", "8.8.8", "8.8.8.8.8", "8..8.8", "256.8.8.8"]) {
    assert.equal(allowsAddress(address, 80), false, address);
  }
  assert.equal(allowsAddress("8.8.8.10", 80), true);
});
