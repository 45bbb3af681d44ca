/**
 * Maps positions in compiled code back to the plugin's own files.
 * @module
 */

import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";

/** `    at name (path:line:column)` or `    at path:line:column`. */
const FRAME = /^\s+at (?:(.*?) \()?([^()]*?):(\d+):(\d+)\)?$/;

/**
 * A function that rewrites the frames of a stack and drops frames of other files. `maps` holds source maps (JSON text)
 * by path; they are parsed when a stack first needs them.
 */
export function stackMapper(maps: ReadonlyMap<string, string>): (stack: string) => string {
  const read = new Map<string, TraceMap>();
  function mapFrame(line: string): string | null {
    const frame = FRAME.exec(line);
    if (!frame) return null;
    const [, name, file = "", lineText, columnText] = frame;
    const path = file.replace(/^\//, "");
    const json = maps.get(path);
    if (json === undefined) return null;
    const map = read.get(path) ?? new TraceMap(json);
    read.set(path, map);
    const original = originalPositionFor(map, { line: Number(lineText), column: Number(columnText) - 1 });
    if (original.line === null) return null;
    const place = `/${path}:${original.line}:${original.column + 1}`;
    return name ? `    at ${name} (${place})` : `    at ${place}`;
  }
  return (stack) =>
    stack.split("\n").flatMap((line) => {
      if (!/^\s+at /.test(line)) return [line];
      return mapFrame(line) ?? [];
    }).join("\n");
}
