/**
 * Damaged records of the log: each is reported once, and counted.
 * @module
 */

import type { Block } from "./block.ts";
import type { Part } from "./parts.ts";

export class DamageNotes {
  readonly #tell: (message: string) => void;
  /** By part and number. */
  readonly #known = new Set<string>();

  constructor(tell: (message: string) => void) {
    this.#tell = tell;
  }

  get count(): number {
    return this.#known.size;
  }

  /** Records the damage found in blocks that were read. */
  note(part: Part, blocks: readonly Block[]): void {
    for (const { damaged = [] } of blocks) {
      const found = damaged.filter((number) => !this.#known.has(`${part.id} ${number}`));
      for (const number of found) this.#known.add(`${part.id} ${number}`);
      if (found.length === 0) continue;
      const which = found.length === 1 ? `record ${found[0]}` : `${found.length} records from ${found[0]}`;
      this.#tell(
        `The event log is damaged: ${which} of project ${part.project}'s ${part.topic} is not what was written, and is left out`,
      );
    }
  }
}
