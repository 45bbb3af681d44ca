/**
 * The newest records of all parts as they were committed, so that readers that keep up are not served from disk.
 * Bounded in bytes: the oldest block of any part leaves first, so that what remains of a part is always its end.
 * @module
 */

import { type Block, lastOf } from "./block.ts";

/** Blocks by part, newest last. */
export class Tail {
  readonly #maxBytes: number;
  readonly #blocks = new Map<number, Block[]>();
  /** Parts in the order in which their blocks arrived. */
  #order: number[] = [];
  #gone = 0;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(part: number, block: Block): void {
    const blocks = this.#blocks.get(part);
    if (blocks) blocks.push(block);
    else this.#blocks.set(part, [block]);
    this.#order.push(part);
    this.#bytes += block.data.length;
    while (this.#bytes > this.#maxBytes) this.#dropOldest();
  }

  /** The blocks from the one that holds record `after + 1`; null when that is no longer here. */
  from(part: number, after: number): readonly Block[] | null {
    const blocks = this.#blocks.get(part);
    if (!blocks || blocks.length === 0 || blocks[0]!.first > after + 1) return null;
    // Readers are mostly near the end, so the search starts there.
    let start = blocks.length - 1;
    while (start > 0 && blocks[start]!.first > after + 1) start--;
    return lastOf(blocks[start]!) <= after ? [] : start === 0 ? blocks : blocks.slice(start);
  }

  #dropOldest(): void {
    const part = this.#order[this.#gone++]!;
    const block = this.#blocks.get(part)!.shift()!;
    this.#bytes -= block.data.length;
    if (this.#gone > 1024 && this.#gone * 2 > this.#order.length) {
      this.#order = this.#order.slice(this.#gone);
      this.#gone = 0;
    }
  }
}
