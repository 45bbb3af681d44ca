/**
 * Reads the settings of the process from flags, environment variables, and files that variables name.
 * @module
 */

import type { Setting } from "./setting_kinds.ts";
import { withoutLineEnd } from "./reading/references.ts";
import { flagOf, SETTINGS, type Settings } from "./settings.ts";

/** A wrong flag, variable or command, upon which the process ends with exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
  constructor(readonly problems: string[]) {
    super(problems.join("\n"));
  }
}

type Env = (name: string) => string | undefined;

/**
 * A flag takes precedence over the variable, the variable over the file that `<variable>_FILE` names, and that over the
 * default. Only secrets may be in files. An empty variable counts as absent. Throws UsageError with a line for each
 * wrong value.
 */
export function readSettings(flags: ReadonlyMap<string, string>, env: Env): Settings {
  const problems: string[] = [];
  const entries = Object.entries<Setting<unknown>>(SETTINGS).map(([name, setting]) => {
    const { text, from } = findText(name, setting, flags, env, problems);
    if (text === undefined) return [name, setting.default];
    try {
      if (text === "") throw new Error("a value");
      return [name, setting.read(text)];
    } catch (error) {
      const found = setting.secret ? `a text of ${text.length} characters` : JSON.stringify(text);
      problems.push(`${from}: found ${found}, expected ${(error as Error).message}`);
      return [name, setting.default];
    }
  });
  const settings = Object.fromEntries(entries) as Settings;
  problems.push(...conflictsOf(settings));
  if (problems.length > 0) throw new UsageError(problems);
  return settings;
}

function findText(
  name: string,
  setting: Setting<unknown>,
  flags: ReadonlyMap<string, string>,
  env: Env,
  problems: string[],
): { text: string | undefined; from: string } {
  const flag = flags.get(name);
  if (flag !== undefined) return { text: flag, from: flagOf(name) };
  const text = env(setting.env) || undefined;
  const variable = `${setting.env}_FILE`;
  const path = text === undefined && setting.secret ? env(variable) : undefined;
  if (!path) return { text, from: setting.env };
  try {
    return { text: withoutLineEnd(Deno.readTextFileSync(path)), from: variable };
  } catch (error) {
    problems.push(`${variable}: cannot read ${path}: ${(error as Error).message}`);
    return { text: undefined, from: variable };
  }
}

/** Values that are valid each by itself, but not together. */
function conflictsOf({ port, adminPort, host, adminHost, tlsCert, tlsKey }: Settings): string[] {
  if ((tlsCert === null) !== (tlsKey === null)) {
    const [given, missing] = tlsCert === null
      ? [SETTINGS.tlsKey.env, SETTINGS.tlsCert.env]
      : [SETTINGS.tlsCert.env, SETTINGS.tlsKey.env];
    return [`${missing}: found none, expected the file that belongs to ${given}`];
  }
  const isSameAddress = host === adminHost || [host, adminHost].some((each) => each === "0.0.0.0" || each === "::");
  if (adminPort !== port || port === 0 || !isSameAddress) return [];
  return [`${SETTINGS.adminPort.env}: found ${adminPort}, the port of the service, expected another one or none`];
}
