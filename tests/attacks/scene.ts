/**
 * A scene: several plugins of one project, as a file of any name in the folder of an attack, `{"plugins": […],
 * "events": […]}`. Plugin configs are those of hogpen.json with sources beside the file. Nobody needs to say what must
 * happen: plugins that share a cell must do as they do when each has one of its own, and nothing reaches an address
 * that no `egress.allow` opens.
 * @module
 */

import { dirname, join } from "node:path";
import { z } from "zod";

const sceneSchema = z.looseObject({
  plugins: z.array(z.looseObject({ id: z.number(), source: z.string(), cell: z.string().optional() })).min(1),
  events: z.array(z.record(z.string(), z.unknown())).min(1),
  destinations: z.array(z.unknown()).default([]),
  /** Between two events. */
  gapMs: z.number().default(0),
  /** How long the events may take to come out. */
  waitMs: z.number().default(6000),
  /** Waits that long even when all have come out. */
  full: z.boolean().default(false),
  /** Properties that every event must have in the end: then the plugins have run. */
  has: z.array(z.string()).default([]),
  /** What names resolve to; see name_server.ts. */
  names: z.record(z.string(), z.array(z.string())).default({}),
});

export interface Scene extends z.infer<typeof sceneSchema> {
  id: string;
  /** A program that serves names in place of ours; run by Python in the scene's namespace. */
  nameProgram: string | null;
}

/** Every scene in the folders below this one, by `folder` or, where a folder has several, `folder/file`. */
export async function readScenes(folder: string, prefixes: string[]): Promise<Scene[]> {
  const scenes: Scene[] = [];
  for (const { name, isDirectory } of await Array.fromAsync(Deno.readDir(folder))) {
    if (!isDirectory || name.startsWith("_")) continue;
    const files = (await Array.fromAsync(Deno.readDir(join(folder, name)))).map((file) => file.name);
    const found = (await Promise.all(files.map((file) => readScene(join(folder, name, file))))).filter((each) =>
      each !== null
    );
    for (const scene of found) {
      const id = found.length === 1 ? name : `${name}/${scene.id}`;
      scenes.push({ ...scene, id, nameProgram: files.includes("dns.py") ? join(folder, name, "dns.py") : null });
    }
  }
  return scenes.filter(({ id }) => prefixes.length === 0 || prefixes.some((prefix) => id.startsWith(prefix)))
    .sort((a, b) => a.id < b.id ? -1 : 1);
}

/** Null when the file is no scene. */
async function readScene(path: string): Promise<Scene | null> {
  if (!path.endsWith(".json")) return null;
  const { success, data } = sceneSchema.safeParse(JSON.parse(await Deno.readTextFile(path)));
  if (!success) return null;
  const plugins = data.plugins.map((plugin) => ({ ...plugin, source: join(dirname(path), plugin.source) }));
  return { ...data, plugins, id: path.split("/").at(-1)!.replace(/\.json$/, ""), nameProgram: null };
}

/** The same with a cell for each plugin. */
export function takenApart(scene: Scene): Scene {
  return { ...scene, plugins: scene.plugins.map(({ cell: _, ...plugin }) => plugin) };
}

/** True if some of its plugins share a cell. */
export function isShared({ plugins }: Scene): boolean {
  const cells = plugins.flatMap(({ cell }) => cell === undefined ? [] : [cell]);
  return new Set(cells).size < cells.length;
}
