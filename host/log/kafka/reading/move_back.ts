/**
 * Puts readers of the outbox back that stand behind its end: Kafka has another topic of that name than they have read,
 * or the topic lost its newest records. Otherwise they would wait until as many new ones have come, and skip those.
 * @module
 */

import { bigints } from "../../../store/postgres/connect.ts";
import { StaleCursorError } from "../../event_log.ts";
import type { Connection } from "../../../store/postgres/connection.ts";

/** The topic as its new owner finds it. */
export interface FoundTopic {
  /** Kafka's id of the topic. */
  id: string;
  /** The offset after the newest record, looked up after the claim, by partition that was claimed. */
  ends: ReadonlyMap<number, number>;
  /** Partitions that have lost their end while they were read. */
  shortened: Iterable<number>;
  /** The epoch of the claim. */
  epoch: number;
}

/**
 * Returns whether a reader was put back: to the start in a topic that was made anew, otherwise to the end. What is
 * being delivered then is not committed.
 * @param log as in ReaderCursors
 * @throws StaleCursorError when another host has claimed a partition since: its readers may be further than the topic
 *   was when this host looked
 */
export async function moveReadersBack(
  db: Connection,
  log: string,
  { id: topic, ends, shortened, epoch }: FoundTopic,
): Promise<boolean> {
  const partitions = bigints([...ends.keys()]);
  return await db.run("always", (sql) =>
    sql.begin(async (sql) => {
      const [known] = await sql<{ id: string }[]>`SELECT id FROM hogpen_log_topics WHERE log = ${log} FOR UPDATE`;
      const [claimed] = await sql`SELECT FROM hogpen_log_readers
        WHERE log = ${log} AND partition = ANY(${partitions}::bigint[]) AND epoch > ${epoch} LIMIT 1`;
      if (claimed !== undefined) throw new StaleCursorError();
      await sql`INSERT INTO hogpen_log_topics (log, id) VALUES (${log}, ${topic})
        ON CONFLICT (log) DO UPDATE SET id = excluded.id`;
      const moved = known !== undefined && known.id !== topic
        ? await sql`UPDATE hogpen_log_readers SET next = 0, moves = moves + 1 WHERE log = ${log}`
        : await sql`UPDATE hogpen_log_readers r SET next = LEAST(r.next, ends.n), moves = r.moves + 1
          FROM unnest(${partitions}::bigint[], ${bigints([...ends.values()])}::bigint[]) AS ends(p, n)
          WHERE r.log = ${log} AND r.partition = ends.p AND r.epoch <= ${epoch}
            AND (r.next > ends.n OR r.partition = ANY(${bigints([...shortened])}::bigint[]))`;
      if (moved.count === 0) return false;
      // The hosts to which other partitions belong look their readers up again.
      await sql`INSERT INTO hogpen_log_moves AS m (log, count) VALUES (${log}, 1)
        ON CONFLICT (log) DO UPDATE SET count = m.count + 1`;
      return true;
    }));
}
