/**
 * The page as built by `deno task compile`, because an executable has no bundler.
 * @module
 */

import { z } from "zod";
import { PACKAGE_GROUPS } from "../../packages/package_groups.ts";
import { loadWith } from "../../packages/load_with.ts";

const KEPT = new URL("../../../ui/built.json", import.meta.url);
const files = z.record(z.string(), z.string());

/** Writes the files of the page, by name. */
export async function keepUi(to = KEPT): Promise<void> {
  const { buildUi } = await loadWith<typeof import("./build_ui.ts")>(
    [...PACKAGE_GROUPS.bundle, ...PACKAGE_GROUPS.ui],
    new URL("build_ui.ts", import.meta.url),
    { purpose: "for the web page" },
  );
  await Deno.writeTextFile(to, JSON.stringify(Object.fromEntries(await buildUi())));
}

/** Rejects when the page has not been built. */
export async function readKeptUi(from = KEPT): Promise<Map<string, string>> {
  return new Map(Object.entries(files.parse(JSON.parse(await Deno.readTextFile(from)))));
}

if (import.meta.main) await keepUi();
