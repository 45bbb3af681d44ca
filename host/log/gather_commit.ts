/**
 * Combines all waiting work into one commit. Records of the same part share blocks, in their order of arrival.
 * @module
 */

import { type Block, packBlocks } from "./block.ts";
import type { LogRecord } from "./event_log.ts";
import type { Commit } from "./log_database.ts";
import type { Part } from "./parts.ts";

/** What one call asks of the log. */
export interface Work {
  records: { part: Part; records: LogRecord[] } | null;
  /** A null offset removes the reader. */
  reader: { part: Part; reader: string; offset: number | null } | null;
}

export interface GatheredCommit {
  commit: Commit;
  /** The commit's blocks, with their parts. */
  blocks: { part: Part; block: Block }[];
}

/** Combines the works. The parts themselves change only when the commit is durable. */
export function gatherCommit(works: Work[], at: number): GatheredCommit {
  const lists = new Map<Part, LogRecord[][]>();
  for (const { records, reader } of works) {
    // A reader's part is written even without records, so that its id is kept.
    if (reader && !lists.has(reader.part)) lists.set(reader.part, []);
    if (!records) continue;
    const list = lists.get(records.part);
    if (list) list.push(records.records);
    else lists.set(records.part, [records.records]);
  }
  const blocks: GatheredCommit["blocks"] = [];
  const parts: Commit["parts"] = [];
  for (const [part, list] of lists) {
    const records = list.length === 1 ? list[0]! : list.flat();
    for (const block of packBlocks(records, part.last, at)) blocks.push({ part, block });
    parts.push({ id: part.id, topic: part.topic, project: part.project, last: part.last + records.length });
  }
  const readers = works.flatMap(({ reader }) => reader ? [{ ...reader, part: reader.part.id }] : []);
  return { commit: { parts, blocks: blocks.map(({ part, block }) => ({ part: part.id, block })), readers }, blocks };
}
