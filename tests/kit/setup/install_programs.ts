/**
 * Sees to the programs before the first test: installs what is missing where that is allowed, or says how to.
 * @module
 */

import { findManager, installCommand, type Manager, MANAGERS, missingPrograms, type Program } from "./programs.ts";

export interface Machine {
  missing(): Promise<Program[]>;
  manager(): Promise<Manager | null>;
  isRoot: boolean;
  /** Runs a shell command, and says whether it went well. */
  run(command: string): Promise<boolean>;
  say(line: string): void;
}

export const thisMachine: Machine = {
  missing: missingPrograms,
  manager: findManager,
  isRoot: Deno.build.os !== "windows" && Deno.uid() === 0,
  say: (line) => console.error(line),
  async run(command) {
    const options = { stdin: "null", stdout: "null", stderr: "inherit" } as const;
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    return (await new Deno.Command("sh", { args: ["-c", command], env, ...options }).output()).success;
  },
};

/** True when all programs are there. */
export async function installPrograms(machine: Machine = thisMachine): Promise<boolean> {
  const missing = await machine.missing();
  if (missing.length === 0) return true;
  const names = missing.map(({ name }) => name).join(", ");
  const manager = await machine.manager();
  if (manager === null) {
    machine.say(`Cannot run the tests without ${names}. Install them, then run the tests again`);
    return false;
  }
  const command = installCommand(manager, missing);
  if (manager === "apt-get" && machine.isRoot) {
    machine.say(`Installing what the tests use and this machine has not: ${names} (${command}) …`);
    const quiet = `apt-get update -qq && apt-get install -yqq --no-install-recommends ${
      command.slice(MANAGERS[manager].length)
    }`;
    if (await machine.run(quiet)) return true;
    machine.say(`Cannot install them: ${command} failed`);
    return false;
  }
  const sudo = manager === "brew" || machine.isRoot ? "" : "sudo ";
  machine.say(`Cannot run the tests without ${names}. This gets them:\n\n  ${sudo}${command}\n`);
  return false;
}
