/**
 * What `require("name")` gives a plugin: the table of provided modules, each loaded when a plugin first asks for it.
 *
 * Node's own modules are shared by the plugins of a cell, and so are frozen. A package from npm is loaded anew for each
 * plugin, so that what one sets in it (`AWS.config`, `pg.defaults`) is nothing to the other.
 * @module
 */

import { isProvidedModule, notProvidedMessage, type ProvidedModule } from "../../runtime/modules.ts";
import { RetryError } from "../../runtime/errors.ts";
import { require } from "../walls/capture.ts";
import { guardSockets } from "../walls/egress_guard.ts";
import { freezeWebSamples } from "../walls/freeze_samples.ts";
import { hideFiles } from "../walls/packages/hide_files.ts";
import { freezeShared } from "../walls/freeze_shared.ts";
import { openGateFor, watchImports } from "../walls/import_gate.ts";
import { freezeNode, loadShared } from "../walls/load_shared.ts";
import { newPackageOwner, type PackageOwner, requireFor } from "../walls/packages/package_owner.ts";

type Loader = (owner: PackageOwner, fetch: unknown) => unknown;

/** To provide a module, name it in runtime/modules.ts and say here what gives it. */
const loaders: Record<ProvidedModule, Loader> = {
  "@google-cloud/bigquery": (owner) => loadPackage("@google-cloud/bigquery", owner),
  "@google-cloud/pubsub": (owner) => loadPackage("@google-cloud/pubsub", owner),
  "@google-cloud/storage": (owner) => loadPackage("@google-cloud/storage", owner),
  "@posthog/plugin-contrib": (owner) => loadPackage("@posthog/plugin-contrib", owner),
  "@posthog/plugin-scaffold": () => Object.freeze({ RetryError }),
  "aws-sdk": (owner) => loadPackage("aws-sdk", owner),
  "crypto": () => loadShared("node:crypto"),
  "ethers": (owner) => loadPackage("ethers", owner),
  "faker": (owner) => loadPackage("faker", owner),
  "generic-pool": (owner) => loadPackage("generic-pool", owner),
  "jsonwebtoken": (owner) => loadPackage("jsonwebtoken", owner),
  "node-fetch": (_owner, fetch) => fetch,
  "pg": (owner) => loadPackage("pg", owner),
  "snowflake-sdk": (owner) => loadPackage("snowflake-sdk", owner),
  "stream": () => Object.freeze({ PassThrough: loadShared<typeof import("node:stream")>("node:stream").PassThrough }),
  "url": () => loadShared("node:url"),
  "zlib": () => loadShared("node:zlib"),
};

/**
 * Says that the cell has several plugins, before the first of them is loaded: what one could change and another would
 * see is frozen. Node's modules follow when a plugin first asks for something of theirs.
 */
export function shareModules(): void {
  openGateFor(() => {
    // Node's errors hand it to what they describe.
    freezeShared((require("node:util") as typeof import("node:util")).inspect);
    freezeWebSamples();
  });
  watchImports(freezeShared);
}

function loadPackage(name: string, owner: PackageOwner): unknown {
  freezeNode();
  guardSockets();
  hideFiles();
  try {
    return requireFor(owner, name);
  } catch (error) {
    if ((error as { code?: unknown }).code !== "MODULE_NOT_FOUND" || isInstalled(name)) throw error;
    // The host gets what the code names. A name that is only known at run time it has not seen.
    throw new Error(
      `Cannot import '${name}'! Its package is not installed here: name it in an import, or have it prefetched.`,
    );
  }
}

function isInstalled(name: string): boolean {
  try {
    require.resolve(name);
    return true;
  } catch {
    return false;
  }
}

/** A plugin's own view of the table, with its `fetch`: the same module whenever it asks. */
export function createModules(fetch: unknown): (name: string) => unknown {
  const loaded = new Map<string, unknown>();
  const owner = newPackageOwner();
  return (name) => {
    if (!isProvidedModule(name)) throw new Error(notProvidedMessage(name));
    if (!loaded.has(name)) loaded.set(name, openGateFor(() => loaders[name](owner, fetch)));
    return loaded.get(name);
  };
}
