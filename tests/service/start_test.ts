/**
 * Proves what the service does when it starts and stops: its defaults, the rights of its data folder, its messages and
 * its exit codes.
 */

import assert from "node:assert/strict";
import { delay } from "../kit/delay.ts";
import { eventually } from "../kit/eventually.ts";
import { HttpReceiver } from "../kit/servers/http_receiver.ts";
import { type ShownEvent, startTestService } from "../kit/service.ts";

Deno.test("the service runs its local project without any configuration", async () => {
  await using service = await startTestService();
  await service.capture({ api_key: "phc_local", event: "hello", distinct_id: "me", properties: { a: 1 } });
  const [event] = await service.events(1);
  assert.equal(event?.event, "hello");
  assert.equal(event.properties.hello, "world");
  assert.deepEqual(event.properties.$plugins_succeeded, ["Hello World (1)", "User agent (2)"]);
  assert.match(service.output(), /token phc_local/);
  assert.match(
    service.output(),
    /listens at http:\/\/127\.0\.0\.1:\d+ \(only this machine reaches it; HOGPEN_HOST=0\.0\.0\.0 /,
  );
  assert.match(service.output(), /Hello World \(1\): changes events before they are stored/);
});

Deno.test("who asks for events right after the first was sent gets it, even if its plugin takes a while", async () => {
  await using far = new HttpReceiver(async () => {
    await delay(300);
    return new Response("seen");
  });
  const inline = `export async function processEvent(event, { config }) {
    event.properties.far = await (await fetch(config.url)).text();
    return event;
  }`;
  const plugin = {
    id: 1,
    source: { inline, name: "asks" },
    config: { url: far.url },
    egress: { allow: ["127.0.0.1"] },
  };
  await using service = await startTestService({
    config: { projects: [{ id: 1, token: "phc_t", plugins: [plugin] }] },
  });
  await service.capture({ api_key: "phc_t", event: "first", distinct_id: "me", properties: {} });
  const { results } = await service.api<{ results: ShownEvent[] }>("/_hogpen/api/projects/1/events");
  assert.deepEqual(results.map(({ event, properties }) => [event, properties.far]), [["first", "seen"]]);
});

Deno.test("nobody but its owner can read the data folder, and what is not a terminal is not shown the token", async () => {
  await using service = await startTestService({ env: { HOGPEN_ADMIN_TOKEN: "" }, config: undefined });
  const data = `${service.folder}/data`;
  const token = (await Deno.readTextFile(`${data}/admin_token`)).trim();
  assert.match(service.output(), /The admin token lies in .*admin_token/);
  assert.equal(service.output().includes(token), false);
  const open: string[] = [];
  const walk = (folder: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(folder)) {
      const path = `${folder}/${name}`;
      if (((Deno.statSync(path).mode ?? 0) & 0o077) !== 0) open.push(path);
      if (isDirectory) walk(path);
    }
  };
  walk(data);
  assert.deepEqual(open, []);
  assert.equal((Deno.statSync(data).mode ?? 0) & 0o777, 0o700);
});

Deno.test("the service ends with code 0 after SIGTERM and has its events after the next start", async () => {
  await using service = await startTestService();
  await service.capture({ api_key: "phc_local", event: "kept", distinct_id: "me", properties: {} });
  assert.equal((await service.end("SIGTERM")).code, 0);
  await service.start();
  const [event] = await service.events(1);
  assert.equal(event?.event, "kept");
});

Deno.test("the service refuses a wrong configuration with code 2, the field, what was found and what was expected", async () => {
  await assert.rejects(
    startTestService({ config: { projects: [{ id: "one", token: "phc_x" }] } }),
    (error: Error) => /projects\[0\]\.id/.test(error.message) && /found "one"/.test(error.message),
  );
});

Deno.test("plugins that share a process are named at the start, and those of another egress have one of their own", async () => {
  const plugin = (id: number, allow: string[]) => ({
    id,
    source: new URL("../../plugins/hello_world", import.meta.url).pathname,
    cell: "x",
    egress: { allow },
  });
  const plugins = [plugin(1, []), plugin(2, []), plugin(3, ["127.0.0.1"])];
  await using service = await startTestService({
    config: { projects: [{ id: 1, name: "p", token: "phc_local", plugins }] },
  });
  assert.match(service.output(), /cell "x" is a trust boundary: the plugins 1, 2 share a process/);
});

Deno.test("the service says that others reach it when it listens for them", async () => {
  await using service = await startTestService({ env: { HOGPEN_HOST: "0.0.0.0" } });
  assert.match(
    service.output(),
    /listens at http:\/\/localhost:\d+ \(on every address of this machine \(0\.0\.0\.0\)\)/,
  );
});

Deno.test("names and errors of plugins cannot steer the terminal that the service was started in", async () => {
  const inline = (name: string, code: string) => ({ inline: code, name });
  await using service = await startTestService({
    config: {
      projects: [{
        id: 1,
        token: "phc_t",
        plugins: [
          { id: 1, source: inline("clear \x1b[2J\x9b2J", "exports.processEvent = (event) => event") },
          {
            id: 2,
            source: inline("late", "exports.setupPlugin = () => { throw new Error('title \\x1b]0;x\\x07\\rline') }"),
          },
        ],
      }],
    },
  });
  await eventually("the error is shown", () => service.output().includes("title \\u001b]0;x\\u0007\\u000dline"));
  assert.ok(service.output().includes("clear \\u001b[2J\\u009b2J"));
  // deno-lint-ignore no-control-regex -- they must not be there
  assert.doesNotMatch(service.output(), /[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
});
