/**
 * A name server that answers with a public address when it is asked for the check, and with a private one when it is
 * asked for the connection: no way that a plugin has of connecting may fall for it.
 */

import assert from "node:assert/strict";
import { temporaryFolder } from "../../kit/temporary_folder.ts";

const PROGRAM = new URL("./rebinding_program.ts", import.meta.url).pathname;

/**
 * Private networks are routed to this machine, not addresses of an interface: that is how they look to a plugin in a
 * data centre.
 */
const SCRIPT = `set -e
ip link set lo up
ip addr add 127.0.0.53/32 dev lo 2>/dev/null || true
ip -6 route add local fdaa::/16 dev lo
mount --bind "$RESOLV_CONF" /etc/resolv.conf
exec "$@"`;

async function connectByName(egress: string[]): Promise<{ reached: string[]; said: Record<string, string[]> }> {
  await using folder = await temporaryFolder();
  const resolv = folder.file("resolv.conf");
  await Deno.writeTextFile(resolv, "nameserver 127.0.0.53\noptions timeout:1 attempts:1\n");
  const program = [Deno.execPath(), "run", "-A", PROGRAM, ...egress];
  const { stdout, stderr } = await new Deno.Command("unshare", {
    args: ["--net", "--mount", "--kill-child", "--fork", "sh", "-c", SCRIPT, "namespace", ...program],
    env: { RESOLV_CONF: resolv },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert.ok(text.startsWith("{"), text + new TextDecoder().decode(stderr));
  const answer = JSON.parse(text);
  assert.equal(answer.error, undefined);
  return answer;
}

const options = { ignore: Deno.build.os !== "linux" || Deno.uid() !== 0 };

Deno.test("a name that leads elsewhere after it was checked leads nowhere", options, async () => {
  const { reached, said } = await connectByName([]);
  assert.deepEqual(reached, []);
  assert.equal(Object.keys(said).length, 8);
  for (const [way, words] of Object.entries(said)) {
    assert.ok(!words.includes("connected"), way);
    // Half of the answers were private: the plugin is told so, and not which address it was.
    assert.ok(words.some((word) => /is not public/.test(word)), `${way}: ${words}`);
    assert.ok(!words.some((word) => /127\.0\.0\.1|fdaa/.test(word)), `${way}: ${words}`);
  }
});

Deno.test("an address that is opened for one port is closed for the others", options, async () => {
  const { reached } = await connectByName(["127.0.0.1:9", "[fdaa::5]:9"]);
  assert.deepEqual(reached, []);
});

Deno.test("an address that is opened is reached by name, in every way", options, async () => {
  const { reached } = await connectByName(["127.0.0.1:8099", "[fdaa::5]:8099"]);
  assert.ok(reached.length >= 8, `only ${reached.length} connections`);
});
