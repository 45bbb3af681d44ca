/**
 * The three config fields that every plugin with exportEvents has, read as PostHog read them.
 * @module
 */

export interface ExportEventsSettings {
  /** Of the batch's JSON texts, in UTF-16 units. A single larger event goes alone. */
  bufferUnits: number;
  bufferSeconds: number;
  /** Names of events that are not exported. */
  ignore: ReadonlySet<string>;
}

const MIB = 1024 * 1024;

export function readExportEventsSettings(config: Record<string, unknown>): ExportEventsSettings {
  const { exportEventsBufferBytes, exportEventsBufferSeconds, exportEventsToIgnore } = config;
  return {
    bufferUnits: readWhole(exportEventsBufferBytes, 20 * MIB, 1, 100 * MIB),
    bufferSeconds: readWhole(exportEventsBufferSeconds, 60, 1, 600),
    ignore: new Set(readNames(exportEventsToIgnore)),
  };
}

/** A text with commas, as PostHog's form gave it, or a list, as one writes it in JSON. */
function readNames(value: unknown): string[] {
  const names = typeof value === "string" ? value.split(",") : Array.isArray(value) ? value.map(String) : [];
  return names.map((name) => name.trim()).filter((name) => name !== "");
}

/** Config values are strings: `"10.5 MB"` counts as 10, what does not start with digits as absent. */
function readWhole(value: unknown, absent: number, least: number, most: number): number {
  const number = Number.parseInt(String(value), 10);
  return Math.min(Math.max(Number.isNaN(number) ? absent : number, least), most);
}
