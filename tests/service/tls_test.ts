/**
 * Proves that the service speaks HTTPS and HTTP/2 with a certificate of the settings, takes a new one without losing a
 * request, keeps the old one when the new one cannot be used, and says at the start when there is something wrong with
 * it.
 */

import assert from "node:assert/strict";
import { makeCertificates } from "../kit/certificates.ts";
import { eventually } from "../kit/eventually.ts";
import { runCommand } from "../kit/run_command.ts";
import { startTestService } from "../kit/service.ts";
import { temporaryFolder } from "../kit/temporary_folder.ts";

/** The files of the service, which are those of the first or second certificate. */
async function certificates() {
  const [folder, first, second] = [await temporaryFolder(), await temporaryFolder(), await temporaryFolder()];
  await Promise.all([makeCertificates(first.path), makeCertificates(second.path)]);
  const use = async (from: { file(name: string): string }, names = ["server.pem", "server.key"]) => {
    for (const name of names) await Deno.copyFile(from.file(name), folder.file(name));
  };
  await use(first);
  return {
    first,
    second,
    use,
    env: { HOGPEN_TLS_CERT: folder.file("server.pem"), HOGPEN_TLS_KEY: folder.file("server.key") },
    async [Symbol.asyncDispose]() {
      for (const each of [folder, first, second]) await each[Symbol.asyncDispose]();
    },
  };
}

Deno.test("HTTPS and HTTP/2 with a certificate that changes: no event is lost on the way", async () => {
  await using files = await certificates();
  await using service = await startTestService({ env: files.env });
  assert.match(service.output(), /listens at https:\/\//);
  const hostname = "localhost";
  const port = Number(new URL(service.url).port);
  const authority = async (of: { file(name: string): string }) => [await Deno.readTextFile(of.file("ca.pem"))];
  const [firstCa, secondCa] = [await authority(files.first), await authority(files.second)];

  {
    using connection = await Deno.connectTls({ hostname, port, caCerts: firstCa, alpnProtocols: ["h2"] });
    assert.equal((await connection.handshake()).alpnProtocol, "h2");
  }

  using both = Deno.createHttpClient({ caCerts: [...firstCa, ...secondCa] });
  const sent: string[] = [];
  const load = new AbortController();
  // As SDKs do, an event is sent again when it was not answered.
  async function sendInTurn(): Promise<void> {
    while (!load.signal.aborted) {
      const uuid = crypto.randomUUID();
      const body = JSON.stringify({ api_key: "phc_local", event: "hello", distinct_id: "me", uuid });
      const send = () => fetch(`https://${hostname}:${port}/capture`, { method: "POST", body, client: both });
      await eventually("the event is answered", () =>
        send().then(async (answer) => {
          await answer.body?.cancel();
          return answer.status === 200;
        }, () => false));
      sent.push(uuid);
    }
  }
  const senders = Promise.all([sendInTurn(), sendInTurn()]);

  const isTrustedBy = async (caCerts: string[]) => {
    try {
      using connection = await Deno.connectTls({ hostname, port, caCerts });
      await connection.handshake();
      return true;
    } catch {
      return false;
    }
  };
  assert.equal(await isTrustedBy(secondCa), false);
  await files.use(files.second, ["server.pem"]);
  await eventually("what does not fit together is told", () => /the key in .* is another one's/.test(service.output()));
  assert.equal(await isTrustedBy(firstCa), true, "the old certificate stays");
  await files.use(files.second);
  await eventually("the new certificate is served", () => isTrustedBy(secondCa));
  assert.match(service.output(), /The certificate was changed/);
  load.abort();
  await senders;

  using second = Deno.createHttpClient({ caCerts: secondCa });
  const kept = await eventually("every event is there", async () => {
    const answer = await fetch(`https://${hostname}:${port}/_hogpen/api/projects/1/events?limit=1000`, {
      client: second,
      headers: { Authorization: "Bearer hog_test" },
    });
    const { results } = await answer.json() as { results: { uuid: string }[] };
    return results.length >= Math.min(1000, sent.length) ? new Set(results.map(({ uuid }) => uuid)) : null;
  });
  assert.deepEqual(sent.slice(0, 1000).filter((uuid) => sent.length <= 1000 && !kept.has(uuid)), []);
});

Deno.test("a certificate that cannot be used is refused at the start, in words", async () => {
  await using files = await certificates();
  await using folder = await temporaryFolder();
  const start = (env: Record<string, string>) =>
    runCommand(["start", "--port", "0", "--data", folder.file("data")], { cwd: folder.path, env });

  const alone = await start({ HOGPEN_TLS_CERT: files.env.HOGPEN_TLS_CERT });
  assert.equal(alone.code, 2);
  assert.match(alone.err, /HOGPEN_TLS_KEY: found none, expected the file that belongs to HOGPEN_TLS_CERT/);

  const missing = await start({ ...files.env, HOGPEN_TLS_KEY: folder.file("none.key") });
  assert.equal(missing.code, 1);
  assert.match(missing.err, /^Cannot read the key in .*none\.key/m);

  await Deno.writeTextFile(folder.file("junk"), "no key");
  const junk = await start({ ...files.env, HOGPEN_TLS_KEY: folder.file("junk") });
  assert.match(junk.err, /^Cannot use the certificate in .*server\.pem with the key in .*junk: expected PEM/m);

  await files.use(files.second, ["server.key"]);
  const mismatch = await start(files.env);
  assert.equal(mismatch.code, 1);
  assert.match(
    mismatch.err,
    /^Cannot use the certificate in .*server\.pem: the key in .*server\.key is another one's/m,
  );
});
