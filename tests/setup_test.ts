/**
 * Proves that `deno task test` sees to what it needs: programs are found, installed where that is allowed, and named in
 * the words of this system where it is not.
 */

import assert from "node:assert/strict";
import { installPrograms, type Machine } from "./kit/setup/install_programs.ts";
import { installCommand, type Manager, MANAGERS, missingPrograms, PROGRAMS } from "./kit/setup/programs.ts";
import { slowestTests } from "./kit/setup/slowest_tests.ts";

const AWAY = PROGRAMS.filter(({ name }) => ["redis-server", "Chromium", "ip", "unshare"].includes(name));

async function see(machine: Partial<Machine>): Promise<{ isReady: boolean; ran: string[]; said: string }> {
  const ran: string[] = [];
  const said: string[] = [];
  const isReady = await installPrograms({
    missing: () => Promise.resolve(AWAY),
    manager: () => Promise.resolve("apt-get"),
    isRoot: true,
    say: (line) => said.push(line),
    run: (command) => {
      ran.push(command);
      return Promise.resolve(true);
    },
    ...machine,
  });
  return { isReady, ran, said: said.join("\n") };
}

Deno.test("the programs of this machine are found", async () => {
  assert.deepEqual(await missingPrograms(), []);
  const nowhere = { ...AWAY[0], places: () => ["/nowhere/redis-server"] } as typeof AWAY[0];
  assert.deepEqual(await missingPrograms([nowhere as NonNullable<typeof nowhere>]), [nowhere]);
});

Deno.test("when nothing is missing nothing is said", async () => {
  const { isReady, ran, said } = await see({ missing: () => Promise.resolve([]) });
  assert.deepEqual([isReady, ran, said], [true, [], ""]);
});

Deno.test("root with apt installs what is missing, and says so", async () => {
  const { isReady, ran, said } = await see({});
  assert.equal(isReady, true);
  assert.equal(ran.length, 1);
  assert.match(ran[0] ?? "", /^apt-get update .*&& apt-get install .* redis-server chromium iproute2 util-linux$/);
  assert.match(said, /^Installing .*redis-server, Chromium, ip, unshare/);
});

Deno.test("when apt fails the tests do not start, and the command is named", async () => {
  const { isReady, said } = await see({ run: () => Promise.resolve(false) });
  assert.equal(isReady, false);
  assert.match(said, /Cannot install them: apt-get install -y redis-server chromium iproute2 util-linux failed$/);
});

Deno.test("where they may not be installed, the one command for this system is printed", async () => {
  const commands: [Manager, string][] = [
    ["apt-get", "  sudo apt-get install -y redis-server chromium iproute2 util-linux\n"],
    ["dnf", "  sudo dnf install -y redis chromium iproute util-linux\n"],
    ["apk", "  sudo apk add redis chromium iproute2 util-linux\n"],
  ];
  for (const [manager, command] of commands) {
    const { isReady, ran, said } = await see({ manager: () => Promise.resolve(manager), isRoot: false });
    assert.deepEqual([isReady, ran], [false, []]);
    assert.ok(said.endsWith(command), said);
  }
  const unknown = await see({ manager: () => Promise.resolve(null) });
  assert.match(unknown.said, /^Cannot run the tests without redis-server, Chromium, ip, unshare\. Install them/);
});

Deno.test("every program has a package on every system where its tests run", () => {
  for (const program of PROGRAMS) {
    for (const manager of Object.keys(MANAGERS) as Manager[]) {
      if (program.onlyOnLinux && manager === "brew") continue;
      assert.notEqual(installCommand(manager, [program]), `${MANAGERS[manager]} `, program.name);
    }
  }
});

Deno.test("the slowest tests are listed with their files, longest first", () => {
  const report = `<testsuite name="./tests/a_test.ts" tests="2">
    <testcase name="a &lt;b&gt; &amp; &quot;c&quot;" classname="./tests/a_test.ts" time="0.250" line="1" col="1"></testcase>
    <testcase name="long" classname="./tests/b_test.ts" time="12.500" line="2" col="1"><failure message="x" /></testcase>
  </testsuite>`;
  assert.deepEqual(slowestTests(report), [
    "  12.5 s  tests/b_test.ts: long",
    '   0.3 s  tests/a_test.ts: a <b> & "c"',
  ]);
});
