/**
 * A registry of npm packages on this machine, and a project whose packages come from it.
 * @module
 */

import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { packTar } from "modern-tar";
import { openPackageFolder, type PackageFolder } from "../../../host/packages/package_files.ts";
import { temporaryFolder } from "../temporary_folder.ts";

export interface StandInPackage {
  name: string;
  version: string;
  /** What its index.js exports, as JSON. */
  value: unknown;
  dependencies?: Record<string, string>;
}

export interface NpmRegistry extends AsyncDisposable {
  readonly url: string;
  /** Names of the tarballs that were fetched, in order. */
  readonly fetched: string[];
  /** Every tarball is another one from now on than its checksum says, or is not given at all. */
  fail(how: "tampered" | "down"): void;
  recover(): void;
}

/** Serves these packages. */
export async function startNpmRegistry(packages: readonly StandInPackage[]): Promise<NpmRegistry> {
  const tarballs = new Map<string, Uint8Array>();
  const fetched: string[] = [];
  let failing: "tampered" | "down" | null = null;
  for (const each of packages) tarballs.set(each.name, await packTarball(each));
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request): Promise<Response> => {
      const name = decodeURIComponent(new URL(request.url).pathname.slice(1));
      const file = /^(.+)\/-\/.+\.tgz$/.exec(name)?.[1];
      if (failing === "down") return new Response("down", { status: 503 });
      if (file !== undefined) {
        fetched.push(file);
        const found = packages.find((each) => each.name === file) as StandInPackage;
        const tarball = failing === "tampered" ? await packTarball({ ...found, value: "evil" }) : tarballs.get(file);
        return new Response(tarball as BodyInit);
      }
      const found = packages.find((each) => each.name === name);
      return found === undefined ? new Response("{}", { status: 404 }) : Response.json(documentOf(found));
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}/`;

  function documentOf({ name, version, dependencies = {} }: StandInPackage) {
    const tarball = tarballs.get(name) as Uint8Array;
    const integrity = `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
    const dist = { tarball: `${url}${name}/-/${name.split("/").pop()}-${version}.tgz`, integrity };
    return { name, "dist-tags": { latest: version }, versions: { [version]: { name, version, dependencies, dist } } };
  }

  return {
    url,
    fetched,
    fail: (how) => failing = how,
    recover: () => failing = null,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

export interface StandInProject extends AsyncDisposable {
  folder: PackageFolder;
  /** For the installer: the registry, and a cache that nothing else uses. */
  env: Record<string, string>;
  /** What the package exports to code of the project. */
  load(name: string): unknown;
}

/** A project that imports all of the packages and has them locked, with none of them installed. */
export async function lockedProject(
  registry: NpmRegistry,
  packages: readonly StandInPackage[],
): Promise<StandInProject> {
  const place = await temporaryFolder();
  const cache = await temporaryFolder();
  const env = { NPM_CONFIG_REGISTRY: registry.url, DENO_DIR: cache.path };
  const imports = Object.fromEntries(packages.map(({ name, version }) => [name, `npm:${name}@${version}`]));
  const config = JSON.stringify({ nodeModulesDir: "manual", imports });
  await Deno.writeTextFile(place.file("deno.json"), config);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["install", "--quiet"],
    cwd: place.path,
    env,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  await Deno.remove(place.file("node_modules"), { recursive: true });
  await Deno.remove(`${cache.path}/npm`, { recursive: true });
  registry.fetched.length = 0;
  return {
    folder: openPackageFolder(`${place.path}/`),
    env,
    load(name) {
      const text = Deno.readTextFileSync(place.file(`node_modules/${name}/index.js`));
      return JSON.parse(text.replace("module.exports = ", ""));
    },
    async [Symbol.asyncDispose]() {
      await place[Symbol.asyncDispose]();
      await cache[Symbol.asyncDispose]();
    },
  };
}

async function packTarball({ name, version, value, dependencies = {} }: StandInPackage): Promise<Uint8Array> {
  const files = {
    "package/package.json": JSON.stringify({ name, version, dependencies }),
    "package/index.js": `module.exports = ${JSON.stringify(value)}`,
  };
  const entries = Object.entries(files).map(([name, body]) => ({ header: { name, size: body.length }, body }));
  return gzipSync(await packTar(entries));
}
