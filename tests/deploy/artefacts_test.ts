/**
 * Proves of what lies in deploy/ that it names settings, paths and files that exist, that the image's health check
 * tells a service that answers from one that does not, and that the unit of systemd is valid and closed.
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { SETTINGS } from "../../host/config/settings.ts";
import { makeCertificates } from "../kit/certificates.ts";
import { freePort, onPath } from "../kit/servers/server_process.ts";
import { startTestService } from "../kit/service.ts";
import { temporaryFolder } from "../kit/temporary_folder.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string) => Deno.readTextFile(`${ROOT}deploy/${path}`);
const ARTEFACTS = ["Dockerfile", "compose.yaml", "systemd/hogpen.service", "kubernetes/hogpen.yaml"];
const hasSystemd = onPath("systemd-analyze").some((path) => {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
});

Deno.test("every variable of ours that an artefact sets is a setting, and takes the value", async () => {
  const known = new Map(Object.values(SETTINGS).map((setting) => [setting.env, setting]));
  let seen = 0;
  for (const path of ARTEFACTS) {
    const text = await read(path);
    const given = text.matchAll(/\b(HOGPEN_[A-Z_]+|REDIS_URL|DATABASE_URL)(?:=|: |, value: )"?([^\s"}]+)/g);
    for (const [, name = "", value = ""] of given) {
      const setting = known.get(name);
      assert(setting, `${path} sets ${name}, which is no setting`);
      if (/^[\w./:]+$/.test(value)) assert.doesNotThrow(() => setting.read(value), `${path}: ${name}`);
      seen++;
    }
  }
  assert(seen > 8, "hardly any variable was found: the pattern is wrong");
});

Deno.test("the modules that the image compiles in advance exist", async () => {
  const modules = Array.from(
    (await read("Dockerfile")).matchAll(/\b((?:host|sandbox)\/[\w/]+\.ts)\b/g),
    ([path]) => path,
  );
  assert(modules.length > 5);
  for (const path of modules) assert((await Deno.stat(ROOT + path)).isFile, path);
});

Deno.test("the probes' paths answer", async () => {
  await using service = await startTestService();
  const paths = Array.from(
    (await read("kubernetes/hogpen.yaml")).matchAll(/httpGet: \{ path: (\S+),/g),
    ([, path = ""]) => path,
  );
  assert.equal(paths.length, 3);
  for (const path of paths) {
    const answer = await fetch(service.url + path);
    await answer.body?.cancel();
    assert.equal(answer.status, 200, path);
  }
});

Deno.test("the image's health check tells a service from none, over TLS as well", async () => {
  await using service = await startTestService();
  await using certificates = await temporaryFolder();
  await makeCertificates(certificates.path);
  const env = { HOGPEN_TLS_CERT: certificates.file("server.pem"), HOGPEN_TLS_KEY: certificates.file("server.key") };
  await using closed = await startTestService({ env });
  const [, list = ""] = /HEALTHCHECK [\s\S]*?CMD (\[.*\])/.exec(await read("Dockerfile")) ?? [];
  const [, ...args] = JSON.parse(list) as string[];
  const check = async (port: number | string, more: Record<string, string> = {}) => {
    const asked = { args, env: { HOGPEN_PORT: `${port}`, ...more }, stdout: "null", stderr: "null" } as const;
    return (await new Deno.Command(Deno.execPath(), asked).output()).success;
  };
  assert.equal(await check(new URL(service.url).port), true);
  assert.equal(await check(new URL(closed.url).port, env), true);
  assert.equal(await check(freePort()), false);
});

Deno.test({
  name: "systemd takes the unit, and its exposure is below 3",
  ignore: !hasSystemd,
  async fn() {
    await using folder = await temporaryFolder();
    const unit = folder.file("hogpen.service");
    // Where deno lies on the machine that tests is not where the unit has it.
    await Deno.writeTextFile(
      unit,
      (await read("systemd/hogpen.service")).replace("/usr/local/bin/deno", Deno.execPath()),
    );
    const analyze = async (...args: string[]) => {
      const { success, stdout, stderr } = await new Deno.Command("systemd-analyze", { args }).output();
      const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      assert(success, said);
      return said;
    };
    assert.doesNotMatch(await analyze("verify", unit), /hogpen\.service/);
    await analyze("security", "--offline=true", "--threshold=30", unit);
  },
});
