/**
 * Cursors of the Kafka log: how far a reader has come in each partition.
 *
 * A reader's cursor covers only the partitions that its host owns. It begins with the era in which it was made, because
 * it says nothing about partitions assigned later. A page of the API spans all partitions, and its cursors belong to no
 * era.
 * @module
 */

import { type Cursor, CursorError } from "../../event_log.ts";

export interface VectorCursor {
  /** Null for a cursor over all partitions. */
  era: number | null;
  /** The offset of the next record, by partition. */
  next: Map<number, number>;
}

export function formatVector({ era, next }: VectorCursor): Cursor {
  let text = era === null ? "*" : String(era);
  for (const [partition, offset] of next) text += `;${partition}:${offset}`;
  return text;
}

/** The cursors at several offsets of one partition; a read makes one for each of its records. */
export function vectorsAlong({ era, next }: VectorCursor, partition: number): (offset: number) => Cursor {
  const others = [...next.keys()];
  const at = others.indexOf(partition);
  const textOf = (partitions: number[]) => partitions.map((each) => `;${each}:${next.get(each)}`).join("");
  const before = (era === null ? "*" : String(era)) + textOf(others.slice(0, at));
  const after = textOf(others.slice(at + 1));
  return (offset) => `${before};${partition}:${offset}${after}`;
}

export function parseVector(cursor: Cursor): VectorCursor {
  const [head = "", ...parts] = cursor.split(";");
  if (!/^(\*|\d{1,15})$/.test(head)) throw new CursorError(cursor);
  const next = new Map<number, number>();
  for (const part of parts) {
    const match = part.match(/^(\d{1,6}):(\d{1,15})$/);
    if (match === null) throw new CursorError(cursor);
    next.set(Number(match[1]), Number(match[2]));
  }
  return { era: head === "*" ? null : Number(head), next };
}
