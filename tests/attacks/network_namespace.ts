/**
 * A network of its own for one attack: nothing but a loopback that carries the private and metadata addresses, so that
 * a hole in the wall reaches the canary behind them and nothing else. Names are served in it too.
 * @module
 */

import { NAME_SERVER } from "./name_server.ts";

/** Every address that an attack may aim at, besides 127.0.0.0/8 and ::1. */
const ADDRESSES = [
  "10.0.0.1/8",
  "10.1.2.3/8",
  "100.64.0.1/10",
  "100.100.100.200/32",
  "168.63.129.16/32",
  "169.254.0.1/16",
  "169.254.169.254/32",
  "169.254.170.2/32",
  "172.16.0.1/12",
  "172.17.0.1/32",
  "192.0.0.192/32",
  "192.168.0.1/16",
  "192.168.1.1/32",
  "198.18.0.1/15",
  "fe80::1/64",
];

/**
 * Routed here, but no interface's own address: the service would know those of this machine and deny them one by one.
 */
const ROUTES = ["fc00::/7", "fec0::/10", "64:ff9b::/96"];

const SCRIPT = [
  "set -e",
  "ip link set lo up",
  ...ADDRESSES.map((address) => `ip addr add ${address} dev lo${address.includes(":") ? " nodad" : ""}`),
  ...ROUTES.map((network) => `ip -6 route add local ${network} dev lo`),
  // Names are asked of whoever serves them in here.
  `names=$(mktemp) && printf 'nameserver ${NAME_SERVER}\noptions timeout:1 attempts:1\n' > "$names"`,
  'mount --bind "$names" /etc/resolv.conf && rm "$names"',
  'exec "$@"',
].join("\n");

/** Command and arguments that run a program in a namespace of its own; it is killed with the runner. */
export function inNamespace(program: string[]): { command: string; args: string[] } {
  // Who is not root may make one where the system lets users be root of their own namespaces.
  const user = Deno.uid() === 0 ? [] : ["--user", "--map-root-user"];
  const options = [...user, "--net", "--mount", "--kill-child", "--fork"];
  return { command: "unshare", args: [...options, "sh", "-c", SCRIPT, "namespace", ...program] };
}

/** Rejects in words when this machine cannot make one: an attack is never run outside. */
export async function checkNamespaces(): Promise<void> {
  const { command, args } = inNamespace(["true"]);
  const output = await new Deno.Command(command, { args, stdout: "null", stderr: "piped" }).output()
    .catch((cause) => {
      throw new Error("Cannot run attacks: there is no unshare (util-linux) on this machine", { cause });
    });
  if (output.success) return;
  const reason = new TextDecoder().decode(output.stderr).trim();
  throw new Error(
    `Cannot run attacks: no network namespace could be made (${reason}). It takes unshare (util-linux), ip (iproute2), and root or a system that allows user namespaces`,
  );
}
