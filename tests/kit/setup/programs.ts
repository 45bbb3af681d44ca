/**
 * The programs that tests use besides Deno, and how each system's package manager calls them.
 * @module
 */

import { CHROMIUM_PLACES } from "../servers/chromium.ts";
import { NGINX_PLACES } from "../servers/nginx.ts";
import { onPath } from "../servers/server_process.ts";

/** By the command that installs. */
export const MANAGERS = {
  "apt-get": "apt-get install -y",
  "dnf": "dnf install -y",
  "apk": "apk add",
  "brew": "brew install",
} as const;

export type Manager = keyof typeof MANAGERS;

export interface Program {
  name: string;
  /** Where it may be; the first that exists is used. */
  places(): string[];
  /** The package that has it. */
  packages: Record<Manager, string>;
  /** Tests that use it run on Linux alone. */
  onlyOnLinux?: true;
}

/** A program that tests come to use is a row here. */
export const PROGRAMS: Program[] = [
  row("redis-server", { "apt-get": "redis-server", "dnf": "redis", "apk": "redis", "brew": "redis" }),
  {
    name: "Postgres",
    places: () => [...postgresFolders().map((folder) => `${folder}/initdb`), ...onPath("initdb")],
    packages: { "apt-get": "postgresql", "dnf": "postgresql-server", "apk": "postgresql", "brew": "postgresql" },
  },
  {
    name: "Chromium",
    places: () => CHROMIUM_PLACES,
    packages: { "apt-get": "chromium", "dnf": "chromium", "apk": "chromium", "brew": "--cask chromium" },
  },
  row("openssl", { "apt-get": "openssl", "dnf": "openssl", "apk": "openssl", "brew": "openssl" }),
  {
    name: "nginx",
    places: () => NGINX_PLACES,
    packages: { "apt-get": "nginx", "dnf": "nginx", "apk": "nginx", "brew": "nginx" },
  },
  onLinux("ip", { "apt-get": "iproute2", "dnf": "iproute", "apk": "iproute2" }),
  onLinux("unshare", { "apt-get": "util-linux", "dnf": "util-linux", "apk": "util-linux" }),
  onLinux("setpriv", { "apt-get": "util-linux", "dnf": "util-linux", "apk": "setpriv" }),
  onLinux("script", { "apt-get": "bsdutils", "dnf": "util-linux-script", "apk": "util-linux-misc" }),
  onLinux("ps", { "apt-get": "procps", "dnf": "procps-ng", "apk": "procps" }),
];

/** Those of this system that are nowhere. */
export async function missingPrograms(programs: readonly Program[] = PROGRAMS): Promise<Program[]> {
  const missing: Program[] = [];
  for (const program of programs) {
    if (program.onlyOnLinux && Deno.build.os !== "linux") continue;
    const found = await Promise.all(program.places().map((place) => Deno.stat(place).then(() => true, () => false)));
    if (!found.includes(true)) missing.push(program);
  }
  return missing;
}

/** The one command that installs them. */
export function installCommand(manager: Manager, missing: readonly Program[]): string {
  return `${MANAGERS[manager]} ${[...new Set(missing.map(({ packages }) => packages[manager]))].join(" ")}`;
}

/** Null on a system with none of them. */
export async function findManager(): Promise<Manager | null> {
  for (const manager of Object.keys(MANAGERS) as Manager[]) {
    for (const place of onPath(manager)) {
      if (await Deno.stat(place).then(() => true, () => false)) return manager;
    }
  }
  return null;
}

function row(name: string, packages: Program["packages"]): Program {
  return { name, packages, places: () => onPath(name) };
}

function onLinux(name: string, packages: Omit<Program["packages"], "brew">): Program {
  return { name, packages: { ...packages, brew: "" }, places: () => onPath(name), onlyOnLinux: true };
}

function postgresFolders(): string[] {
  try {
    return [...Deno.readDirSync("/usr/lib/postgresql")].map(({ name }) => `/usr/lib/postgresql/${name}/bin`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
