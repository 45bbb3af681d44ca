import assert from "node:assert/strict";
import { helpText, parseArgs } from "../../../host/config/parse_args.ts";
import { flagOf, SETTINGS, type Settings, UsageError } from "../../../host/config/settings.ts";

function parse(args: string[], env: Record<string, string> = {}) {
  return parseArgs(args, (name) => env[name]);
}

function settings(args: string[], env: Record<string, string> = {}): Settings {
  const command = parse(args, env);
  assert.ok(command.command === "start");
  return command.settings;
}

function problems(args: string[], env: Record<string, string> = {}): string[] {
  try {
    parse(args, env);
  } catch (error) {
    assert.ok(error instanceof UsageError);
    return error.problems;
  }
  return [];
}

Deno.test("parseArgs() starts with defaults when nothing is said", () => {
  const command = parse([]);
  assert.ok(command.command === "start");
  assert.equal(command.configGiven, false);
  const { port, data, config, taskTimeout, redisUrl, logMaxBytes, watch } = command.settings;
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

Deno.test("parseArgs() lets a flag beat the variable and the variable beat the default", () => {
  const env = { HOGPEN_PORT: "1111", TASK_TIMEOUT: "0.5", REDIS_URL: "" };
  assert.deepEqual([settings([], env).port, settings(["--port", "2222"], env).port], [1111, 2222]);
  assert.deepEqual([settings([], env).taskTimeout, settings([], env).redisUrl], [0.5, null]);
});

Deno.test("parseArgs() reads --name value, --name=value and bare yes-or-no flags", () => {
  const read = settings(["start", "--port=1", "--cache-max-bytes", "1.5GB", "--watch-plugins", "--watch=no"]);
  assert.deepEqual([read.port, read.cacheMaxBytes, read.watchPlugins, read.watch], [1, 1.5 * 1024 ** 3, true, false]);
});

Deno.test("parseArgs() says whether the configuration was named", () => {
  for (const [args, env] of [[["--config", "a.json"], {}], [[], { HOGPEN_CONFIG: "a.json" }]] as const) {
    const command = parse([...args], env);
    assert.ok(command.command === "start");
    assert.deepEqual([command.configGiven, command.settings.config], [true, "a.json"]);
  }
});

Deno.test("parseArgs() names every wrong value, what was found and what was expected", () => {
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

Deno.test("parseArgs() refuses unknown commands, flags and further arguments", () => {
  assert.deepEqual(problems(["strat"]), [
    "strat: found an unknown command, expected start, check, bundle, help or version",
  ]);
  assert.deepEqual(problems(["start", "now", "--prot", "1"]), [
    "--prot: found an unknown flag, expected one of those in --help",
    "now: found a further argument, expected none after start",
    "1: found a further argument, expected none after start",
  ]);
  assert.deepEqual(problems(["--port"]), ["--port: found no value, expected one after it"]);
});

Deno.test("parseArgs() reads bundle, help and version", () => {
  assert.deepEqual(parse(["bundle", "dir", "--out", "x.js"]), { command: "bundle", folder: "dir", out: "x.js" });
  assert.deepEqual(parse(["bundle", "dir"]), { command: "bundle", folder: "dir", out: null });
  assert.deepEqual(problems(["bundle"]), ["bundle: found no folder, expected bundle <folder> [--out <file>]"]);
  for (const args of [["help"], ["--help"], ["-h"], ["start", "--port", "x", "--help"]]) {
    assert.deepEqual(parse(args), { command: "help" });
  }
  assert.deepEqual(parse(["--version"]), { command: "version" });
});

Deno.test("helpText() shows every setting with flag, variable and default", () => {
  const help = helpText();
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const line = help.split("\n").find((line) => line.includes(` ${setting.env} `));
    assert.ok(line?.includes(`${flagOf(name)} `), name);
    assert.ok(line?.endsWith(`(${setting.shownDefault})`), name);
  }
});

Deno.test("SETTINGS holds each variable once, and defaults that its own reader accepts", () => {
  const names = Object.values(SETTINGS).map(({ env }) => env);
  assert.equal(new Set(names).size, names.length);
  for (const [name, setting] of Object.entries(SETTINGS)) {
    if (setting.default === null || typeof setting.default === "boolean") continue;
    assert.deepEqual(setting.read(String(setting.default)), setting.default, name);
  }
});
