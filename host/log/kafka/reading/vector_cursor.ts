/**
 * Cursors of the Kafka log: how far a reader has come in each partition.
 *
 * A reader's cursor covers only the partitions that its host owns. It begins with the era in which it was made, because
 * it says nothing about partitions assigned later, and names in each partition how often the reader had been moved when
 * it looked its place up: `3;0:120;2:77@1`. What it has delivered since is committed only if nobody has moved it again.
 *
 * A page of the API spans all partitions, and its cursors belong to no era: `*;0:120;1:64;2:77`. So does every other
 * position that a reader can be moved to, and that is to outlast eras.
 * @module
 */

import { type Cursor, CursorError } from "../../event_log.ts";

export interface VectorCursor {
  /** Null for a cursor over all partitions. */
  era: number | null;
  /** The offset of the next record, by partition. */
  next: Map<number, number>;
  /** How often the reader had been moved, by partition; 0 in those that are missing. */
  moves: ReadonlyMap<number, number>;
}

export function formatVector(vector: VectorCursor): Cursor {
  return headOf(vector) + textOf(vector, [...vector.next.keys()]);
}

/** A position in all partitions, or those that are in question. */
export function formatPosition(next: Map<number, number>): Cursor {
  return formatVector({ era: null, next, moves: new Map() });
}

/** The cursors at several offsets of one partition; a read makes one for each of its records. */
export function vectorsAlong(vector: VectorCursor, partition: number): (offset: number) => Cursor {
  const partitions = [...vector.next.keys()];
  const at = partitions.indexOf(partition);
  const before = `${headOf(vector)}${textOf(vector, partitions.slice(0, at))};${partition}:`;
  const after = tokenOf(vector, partition) + textOf(vector, partitions.slice(at + 1));
  return (offset) => `${before}${offset}${after}`;
}

export function parseVector(cursor: Cursor): VectorCursor {
  const [head = "", ...parts] = cursor.split(";");
  if (!/^(\*|\d{1,15})$/.test(head)) throw new CursorError(cursor);
  const next = new Map<number, number>();
  const moves = new Map<number, number>();
  for (const part of parts) {
    const match = part.match(/^(\d{1,6}):(\d{1,15})(?:@(\d{1,10}))?$/);
    if (match === null) throw new CursorError(cursor);
    next.set(Number(match[1]), Number(match[2]));
    if (match[3] !== undefined) moves.set(Number(match[1]), Number(match[3]));
  }
  return { era: head === "*" ? null : Number(head), next, moves };
}

function headOf({ era }: VectorCursor): string {
  return era === null ? "*" : String(era);
}

function textOf(vector: VectorCursor, partitions: number[]): string {
  return partitions.map((each) => `;${each}:${vector.next.get(each)}${tokenOf(vector, each)}`).join("");
}

/** Left out while nobody has moved the reader, as nearly always. */
function tokenOf({ moves }: VectorCursor, partition: number): string {
  const count = moves.get(partition) ?? 0;
  return count === 0 ? "" : `@${count}`;
}
