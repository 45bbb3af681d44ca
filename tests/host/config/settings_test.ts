/**
 * Proves how settings are read from flags, environment variables and files, which of these wins, and how a wrong value
 * is reported.
 */

import assert from "node:assert/strict";
import { Command } from "commander";
import { addSettings, type GivenSettings, givenSettings } from "../../../host/commands/program/settings_options.ts";
import { UsageError } from "../../../host/config/read_settings.ts";
import { flagOf, SETTINGS, type Settings } from "../../../host/config/settings.ts";
import { temporaryFolder } from "../../kit/temporary_folder.ts";

/** The settings of `start` with these arguments. */
function given(args: string[], env: Record<string, string> = {}): GivenSettings {
  const command = addSettings(new Command()).exitOverride().configureOutput({ writeErr: () => {} });
  command.parse(args, { from: "user" });
  return givenSettings(command.opts(), (name) => env[name]);
}

function settings(args: string[], env: Record<string, string> = {}): Settings {
  return given(args, env).settings;
}

function problems(args: string[], env: Record<string, string> = {}): string[] {
  try {
    given(args, env);
  } catch (error) {
    assert.ok(error instanceof UsageError);
    return error.problems;
  }
  return [];
}

Deno.test("givenSettings() starts with defaults when nothing is said", () => {
  assert.equal(given([]).configGiven, false);
  const { port, data, config, taskTimeout, redisUrl, logMaxBytes, watch } = settings([]);
  assert.deepEqual(
    { port, data, config, taskTimeout, redisUrl, logMaxBytes, watch },
    {
      port: 8000,
      data: "./data",
      config: "hogpen.json",
      taskTimeout: 30,
      redisUrl: null,
      logMaxBytes: 10 * 1024 ** 3,
      watch: true,
    },
  );
});

Deno.test("givenSettings() lets a flag beat the variable and the variable beat the default", () => {
  const env = { HOGPEN_PORT: "1111", TASK_TIMEOUT: "0.5", REDIS_URL: "" };
  assert.deepEqual([settings([], env).port, settings(["--port", "2222"], env).port], [1111, 2222]);
  assert.deepEqual([settings([], env).taskTimeout, settings([], env).redisUrl], [0.5, null]);
});

Deno.test("givenSettings() reads --name value, --name=value and bare yes-or-no flags", () => {
  const read = settings(["--port=1", "--cache-max-bytes", "1.5GB", "--watch-plugins", "--watch=no"]);
  assert.deepEqual([read.port, read.cacheMaxBytes, read.watchPlugins, read.watch], [1, 1.5 * 1024 ** 3, true, false]);
  for (const args of [["--trust-proxy", "no", "--watch", "no"], ["--trust-proxy=no", "--watch=no"]]) {
    const { trustProxy, watch, adminPort, pathPrefix } = settings([...args, "--admin-port", "9", "--path-prefix=/a/"]);
    assert.deepEqual([trustProxy, watch, adminPort, pathPrefix], ["no", false, 9, "/a"]);
  }
});

Deno.test("givenSettings() says whether the configuration was named", () => {
  for (const [args, env] of [[["--config", "a.json"], {}], [[], { HOGPEN_CONFIG: "a.json" }]] as const) {
    const { configGiven, settings } = given([...args], env);
    assert.deepEqual([configGiven, settings.config], [true, "a.json"]);
  }
});

Deno.test("givenSettings() names every wrong value, what was found and what was expected", () => {
  assert.deepEqual(
    problems(["--port", "70000", "--sync=never", "--watch=perhaps"], {
      TASK_TIMEOUT: "soon",
      HOGPEN_LOG_MAX_BYTES: "10 parsecs",
      DATABASE_URL: "mysql://root:password@x",
    }),
    [
      '--port: found "70000", expected a whole number from 0 to 65535',
      '--watch: found "perhaps", expected yes or no',
      'TASK_TIMEOUT: found "soon", expected a number of seconds from 0.05 to 3600',
      "DATABASE_URL: found a text of 23 characters, expected an address that starts with postgres:// or postgresql://",
      '--sync: found "never", expected full or normal',
      'HOGPEN_LOG_MAX_BYTES: found "10 parsecs", expected a number of bytes such as 1048576, 512KB, 20MB or 10GB',
    ],
  );
});

Deno.test("the help shows every setting with flag, variable and default", () => {
  const help = addSettings(new Command()).configureHelp({ helpWidth: 1000 }).helpInformation();
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const line = help.split("\n").find((line) => line.includes(`[${setting.env}]`));
    assert.ok(line?.includes(`${flagOf(name)} `), name);
    assert.ok(line?.endsWith(`(${setting.shownDefault})`), name);
  }
});

Deno.test("givenSettings() reads secrets, and nothing else, from files that variables with _FILE name", async () => {
  await using folder = await temporaryFolder();
  await Deno.writeTextFile(folder.file("token"), "hog_from_file\n");
  await Deno.writeTextFile(folder.file("port"), "9000");
  const env = { HOGPEN_ADMIN_TOKEN_FILE: folder.file("token"), HOGPEN_PORT_FILE: folder.file("port") };
  assert.equal(settings([], env).adminToken, "hog_from_file");
  assert.equal(settings([], env).port, 8000);
  assert.equal(settings([], { ...env, HOGPEN_ADMIN_TOKEN: "hog_from_variable" }).adminToken, "hog_from_variable");

  await Deno.writeTextFile(folder.file("url"), "hunter2");
  const [missing, wrong] = problems([], {
    HOGPEN_ADMIN_TOKEN_FILE: folder.file("none"),
    REDIS_URL_FILE: folder.file("url"),
  });
  assert.match(missing ?? "", /^HOGPEN_ADMIN_TOKEN_FILE: cannot read .*none: /);
  assert.match(wrong ?? "", /^REDIS_URL_FILE: found a text of 7 characters, expected an address/);
});

Deno.test("every flag takes its value after a space as well as after =", () => {
  let tried = 0;
  for (const [name, { default: preset }] of Object.entries(SETTINGS)) {
    if (preset === null || preset === "") continue;
    const value = typeof preset === "boolean" ? preset ? "no" : "yes" : String(preset);
    const flag = flagOf(name);
    assert.deepEqual(settings([flag, value]), settings([`${flag}=${value}`]), flag);
    tried++;
  }
  assert.ok(tried > 20, "hardly any flag was tried");
});
