/**
 * Gets packages that are not there yet, in the locked versions and with their checksums, into the project's
 * `node_modules`. Everything that is there already stays: an installation names the union, since Deno unlinks what it
 * is not told of. Nothing here imports a package, for this runs before there is any.
 * @module
 */

import { startConnectProxy } from "./connect_proxy.ts";
import { cutLock, type Lock } from "./cut_lock.ts";
import { missingPackages, ownPackages, type PackageFolder, unfinishedMark, wantedPackage } from "./package_files.ts";
import { describeSize, sizeOf } from "./package_sizes.ts";
import { showProgress } from "./progress.ts";

export interface GetOptions {
  /** Who needs them, as in "for plugins"; absent: the service itself. */
  purpose?: string;
  /** Told once, before anything is fetched. Default: standard error. */
  onNotice?(line: string): void;
  /** Ends the installer. */
  signal?: AbortSignal;
  /** Default: the project's own. */
  folder?: PackageFolder;
}

/** Why packages could not be had, in words for the operator. */
export class PackageError extends Error {
  override name = "PackageError";
}

/** Its configuration lies in the project's folder because Deno makes `node_modules` beside it. */
const CONFIG = ".hogpen_packages.json";
const LOCK = "node_modules/.hogpen_packages.lock";
const TURN = "node_modules/.hogpen_turn";

/** Resolves when they are there; at once when they were. Rejects with PackageError. */
export async function getPackages(names: readonly string[], options: GetOptions = {}): Promise<void> {
  // An executable carries all of them.
  if (Deno.build.standalone) return;
  const { folder = ownPackages(), signal } = options;
  if (missingPackages(folder, names).length === 0) return;
  try {
    await Deno.mkdir(`${folder.root}node_modules`, { recursive: true });
    using turn = await Deno.open(`${folder.root}${TURN}`, { create: true, write: true });
    await turn.lock(true);
    // Another process may have got them meanwhile.
    const missing = missingPackages(folder, names);
    if (missing.length === 0) return;
    await install(folder, missing, options);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw toPackageError(error, names);
  }
}

async function install(folder: PackageFolder, missing: string[], options: GetOptions): Promise<void> {
  const { purpose, onNotice = (line) => console.error(line), signal } = options;
  const path = (name: string) => `${folder.root}${name}`;
  const wanted = missing.map((name) => wantedPackage(folder, name));
  const there = Object.keys(folder.imports).filter((name) => isNpm(folder, name) && !missing.includes(name))
    .filter((name) => missingPackages(folder, [name]).length === 0);
  const names = [...there, ...missing];
  const whole: Lock = JSON.parse(await Deno.readTextFile(path("deno.lock")));
  const added = cutLock(whole, wanted);
  const lock = cutLock(whole, names.map((name) => wantedPackage(folder, name)));
  const config = {
    nodeModulesDir: "auto",
    lock: { path: LOCK, frozen: true },
    imports: Object.fromEntries(names.map((name) => [name, folder.imports[name]])),
  };
  const what = purpose === undefined
    ? `what the service needs, ${Object.keys(added.npm).length} packages`
    : `${[...new Set(wanted.map(({ name }) => name))].join(", ")} ${purpose}`;
  onNotice(`Getting ${what}, once (${describeSize(sizeOf(added))}) …`);

  await Deno.writeTextFile(unfinishedMark(folder), "");
  await Deno.writeTextFile(path(LOCK), JSON.stringify(lock));
  await Deno.writeTextFile(path(CONFIG), JSON.stringify(config));
  try {
    using _progress = showProgress(path("node_modules/.deno"), Object.keys(lock.npm).length);
    await runDeno(folder.root, signal);
    await Deno.remove(unfinishedMark(folder));
  } finally {
    await Deno.remove(path(CONFIG)).catch(() => {});
  }
}

async function runDeno(root: string, signal: AbortSignal | undefined): Promise<void> {
  const env = Deno.env.toObject();
  const hasProxy = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]
    .some((name) => env[name]);
  await using proxy = hasProxy ? null : startConnectProxy();
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["install", "--quiet", "--config", CONFIG],
    cwd: root,
    env: { NO_COLOR: "1", ...(proxy === null ? {} : { HTTPS_PROXY: proxy.url }) },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    ...(signal === undefined ? {} : { signal }),
  }).output();
  if (!success) throw new Error(reasonIn(new TextDecoder().decode(stderr)));
}

/** The first error and what caused it, in a line. */
function reasonIn(stderr: string): string {
  const lines = stderr.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const end = lines.findIndex((line) => line.startsWith("Stack backtrace"));
  const said = (end === -1 ? lines : lines.slice(0, end)).slice(0, 6).join(" ");
  return said.replace(/^error: /, "") || "the installer said nothing";
}

function toPackageError(cause: unknown, names: readonly string[]): PackageError {
  const what = names.length > 3 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", ");
  const message = cause instanceof Error ? cause.message : String(cause);
  return new PackageError(
    `Cannot get ${what}: ${message}; they come from the npm registry, or before the start by hogpen prefetch`,
    { cause },
  );
}

function isNpm({ imports }: PackageFolder, name: string): boolean {
  return imports[name]?.startsWith("npm:") ?? false;
}
