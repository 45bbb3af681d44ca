/** Proves that `hogpen validate` gives each of its messages for the plugin it is meant for, and for no other. */

import assert from "node:assert/strict";
import { findProblems } from "../../../../host/commands/authors/validate.ts";
import { type ProblemCode, SEVERITIES } from "../../../../host/loader/validate/problem.ts";
import { pluginFolder } from "../../../kit/plugin_folder.ts";
import { runCommand } from "../../../kit/run_command.ts";

const MANIFEST = '{"name":"Fixture"}';
const CODE = "export function processEvent(event) { return event }";

interface Fixture {
  files: Record<string, string>;
  /** `file:line:column message` */
  says: string[];
}

/** A plugin for each message, and what is said of it. */
const FIXTURES: Record<ProblemCode, Fixture> = {
  "manifest-missing": {
    files: { "index.js": CODE },
    says: ['plugin.json:1:1 There is no plugin.json: the plugin has no configuration, and is called "NAME"'],
  },
  "manifest-not-json": {
    files: { "plugin.json": '{\n  "name": "Fixture",\n}', "index.js": CODE },
    says: ["plugin.json:3:1 Cannot read plugin.json as JSON: Property Name Expected"],
  },
  "manifest-wrong": {
    files: { "plugin.json": '{"name":"Fixture",\n"schedule":{"sync":"often"}}', "index.js": CODE },
    says: [
      "plugin.json:2:20 schedule.sync: found \"often\", expected a cron expression (CronPattern: invalid configuration format ('often'), exactly five, six, or seven space separated parts are required.)",
    ],
  },
  "manifest-odd": {
    files: {
      "plugin.json": '{"name":"Fixture",\n"config":[{"key":"a","type":"strng"},\n{"key":"b","type":"choice"}]}',
      "index.js": CODE,
    },
    says: [
      'plugin.json:2:29 config[0].type: found "strng", expected "string" or "multiline" or "boolean" or "choice" or "json" or "dictionary" or "attachment"',
      "plugin.json:3:1 config[1].choices: found none, expected a list of strings",
    ],
  },
  "manifest-no-name": {
    files: { "plugin.json": '{"description":"none"}', "index.js": CODE },
    says: ['plugin.json:1:1 "name" is missing: lists show the name of the folder'],
  },
  "manifest-misspelt": {
    files: {
      "plugin.json": '{"name":"Fixture",\n "pulbicJobs":{},\n "config":[{"key":"a","requierd":true}]}',
      "index.js": CODE,
    },
    says: [
      'plugin.json:2:2 "pulbicJobs" is not read: did you mean "publicJobs"?',
      'plugin.json:3:23 "requierd" in config[0] is not read: did you mean "required"?',
    ],
  },
  "manifest-no-key": {
    files: {
      "plugin.json": '{"name":"Fixture","config":[{"markdown":"Shown"},\n{"name":"API key","type":"string"}]}',
      "index.js": CODE,
    },
    says: ['plugin.json:2:1 config[1] has no "key": its value cannot be set, and the plugin never sees it'],
  },
  "main-missing": {
    files: { "plugin.json": '{"name":"Fixture",\n "main":"./plugin.ts"}', "index.js": CODE },
    says: ['plugin.json:2:9 "main" is plugin.ts, and there is no such file'],
  },
  "entry-missing": {
    files: { "plugin.json": MANIFEST, "other.js": CODE },
    says: ["plugin.json:1:1 There is no index.js or index.ts, and no main is named"],
  },
  "entry-empty": {
    files: { "plugin.json": MANIFEST, "index.js": " \n" },
    says: ["index.js:1:1 index.js is empty: there is nothing to run"],
  },
  "entry-not-built": {
    files: { "plugin.json": '{"name":"Fixture","main":"dist/index.js"}', "package.json": "{}", "src/index.ts": CODE },
    says: [
      `plugin.json:1:26 "main" is dist/index.js, which is not built: run the plugin's own build, or hogpen bundle --entry <source>`,
    ],
  },
  "site-app": {
    files: { "plugin.json": MANIFEST, "site.ts": "export function inject() {}" },
    says: ["site.ts:1:1 site.ts runs in the browsers of visitors, and nothing of it on a server: it cannot run here"],
  },
  "syntax": {
    files: {
      "plugin.json": MANIFEST,
      "index.js": "import './loose'\nimport './broken'",
      "loose.js": "\nwith (Math) { max(1) }",
      "broken.js": "export const a = 1\n  const b = 1 +",
    },
    says: ["broken.js:2:16 Unexpected token", "loose.js:2:1 Cannot use 'with': plugins run in strict mode"],
  },
  "import-not-provided": {
    files: {
      "plugin.json": MANIFEST,
      "index.ts":
        `import fs from "node:fs"\nimport type { T } from "types"\n${CODE}\n fs; const x = () => require("lodash/get")`,
    },
    says: [
      "index.ts:1:1 Cannot import 'node:fs'! This package is not provided by PostHog in plugins.",
      "index.ts:4:22 Cannot import 'lodash/get'! This package is not provided by PostHog in plugins.",
    ],
  },
  "import-to-bundle": {
    files: {
      "plugin.json": MANIFEST,
      "package.json": '{"devDependencies":{"@scope/lib":"1"}}',
      "index.js": `import { a } from "@scope/lib/deep"; a();\n${CODE}`,
    },
    says: ["index.js:1:1 '@scope/lib/deep' is an npm package: hogpen bundle packs it into the plugin"],
  },
  "import-no-file": {
    files: {
      "plugin.json": MANIFEST,
      "index.js": `${CODE}\nexport { a } from "./a"\nexport * from "./lib"`,
      "lib.js": "require('../up')",
    },
    says: [
      "index.js:2:1 Cannot import './a'! The plugin has no such file.",
      "lib.js:1:1 Cannot import '../up'! The plugin has no such file.",
    ],
  },
  "import-computed": {
    files: { "plugin.json": MANIFEST, "index.js": `${CODE}\nconst x = (name) => require(name)` },
    says: ["index.js:2:21 require() of something computed: plugins name their modules"],
  },
  "json-wrong": {
    files: { "plugin.json": MANIFEST, "index.js": `import data from "./data.json"; data;\n${CODE}`, "data.json": "{" },
    says: [
      "data.json:1:1 Cannot read data.json as JSON: Expected property name or '}' in JSON at position 1 (line 1 column 2)",
    ],
  },
  "load-failed": {
    files: { "plugin.json": MANIFEST, "index.js": `${CODE}\nnull.x` },
    says: ["index.js:1:1 Cannot load: Cannot read properties of null (reading 'x')"],
  },
  "exports-nothing": {
    files: { "plugin.json": MANIFEST, "index.js": "export const helper = 1" },
    says: ["index.js:1:1 It exports nothing that is called, such as processEvent"],
  },
  "export-misspelt": {
    files: {
      "plugin.json": MANIFEST,
      "index.js": `${CODE}\nexport const onevent = () => {}\nmodule.exports.setupPlguin = () => {}`,
    },
    says: [
      'index.js:2:14 Nothing calls "onevent": did you mean "onEvent"?',
      'index.js:3:16 Nothing calls "setupPlguin": did you mean "setupPlugin"?',
    ],
  },
  "config-undeclared": {
    files: {
      "plugin.json": '{"name":"Fixture","config":[{"key":"host"}]}',
      "index.js":
        "export function processEvent(event, { config }) {\n  event.x = config.host + config.region\n  return event\n}",
    },
    says: ['index.js:2:34 plugin.json has no field with the key "region": no form shows it'],
  },
  "config-misspelt": {
    files: {
      "plugin.json": '{"name":"Fixture","config":[{"key":"apiKey"}]}',
      "index.js":
        "export function processEvent(event, meta) {\n  event.x = meta.config.api_key\n  const { apikey } = meta.config\n  return event\n}",
    },
    says: [
      'index.js:2:25 plugin.json has no "api_key": did you mean "apiKey"?',
      'index.js:3:11 plugin.json has no "apikey": did you mean "apiKey"?',
    ],
  },
  "schedule-not-exported": {
    files: { "plugin.json": '{"name":"Fixture",\n "schedule":{"nightly":"0 3 * * *"}}', "index.js": CODE },
    says: ['plugin.json:2:24 "schedule" names nightly, which the plugin does not export'],
  },
  "public-job-not-exported": {
    files: { "plugin.json": '{"name":"Fixture",\n "publicJobs":{"export":{}}}', "index.js": CODE },
    says: [`plugin.json:2:25 "publicJobs" names export, which is not among the plugin's jobs`],
  },
};

for (const [code, { files, says }] of Object.entries(FIXTURES)) {
  Deno.test(`validate says ${code}, and nothing else`, async () => {
    await using folder = await pluginFolder(files);
    const { problems } = await findProblems(folder.path);
    const name = folder.path.split("/").at(-1) as string;
    assert.deepEqual(
      problems.map(({ file, line, column, message }) => `${file}:${line}:${column} ${message.replace(name, "NAME")}`),
      says,
    );
    assert.deepEqual(new Set(problems.map(({ code }) => code)), new Set([code]));
    assert.equal(problems[0]?.severity, SEVERITIES[code as ProblemCode]);
  });
}

Deno.test("validate says what a plugin in order can do, and fails for one that cannot run", async () => {
  await using good = await pluginFolder({
    "plugin.json": '{"name":"Good","schedule":{"nightly":"0 3 * * *"},"publicJobs":{"again":{}}}',
    "index.js": `${CODE}\nexport const nightly = () => {}, runEveryHour = nightly, jobs = { again() {}, other() {} }`,
  });
  assert.deepEqual(await runCommand(["validate", good.path]), {
    code: 0,
    err: "",
    out: `Good is in order
  processEvent  changes or drops each event on its way
  nightly       runs at "0 3 * * *" (cron, UTC)
  runEveryHour  runs once every hour
  jobs.again    runs when asked for, also by the operator
  jobs.other    runs when it asks for it
`,
  });
  await using bad = await pluginFolder({ "plugin.json": '{"name":"Bad"}', "index.js": `import "fs"` });
  const plain = await runCommand(["validate", bad.path]);
  assert.deepEqual([plain.code, plain.out], [
    1,
    "index.js:1:1: error: Cannot import 'fs'! This package is not provided by PostHog in plugins.\n" +
    "Bad cannot run: 1 error\n",
  ]);
  const json = await runCommand(["validate", bad.path, "--json"]);
  const { ok, problems } = JSON.parse(json.out);
  assert.deepEqual([json.code, ok, problems[0].code], [1, false, "import-not-provided"]);
  const missing = await runCommand(["validate", bad.file("none")]);
  assert.deepEqual([missing.code, /there is no such folder/.test(missing.err)], [1, true]);
});
