/**
 * How many plugins share the cell: with neighbours more has to be kept apart.
 * @module
 */

let count = 1;

/** Told before the first of them is loaded. */
export function setPluginCount(plugins: number): void {
  count = plugins;
}

export function pluginCount(): number {
  return count;
}

export function hasNeighbours(): boolean {
  return count > 1;
}
