/**
 * Opens the databases of the data folder, and continues with what is left of a damaged one. Nothing is lost silently:
 * the damaged file is set aside and named, and what is missing is counted.
 * @module
 */

import { mendLog } from "../../../log/mend_log.ts";
import { LOG_FORMAT } from "../../../log/log_database.ts";
import { lockFile } from "../../../sqlite/file_lock.ts";
import { finishRescue, rescueDatabase } from "../../../sqlite/rescue/rescue_database.ts";
import { STORE_FORMAT } from "../../../store/sqlite/schema.ts";
import type { Notices } from "../../notices.ts";

type Say = Pick<Notices, "error">;

/** Rejects as `open` does if the problem is not damage. */
export async function openLogOrRescue<Log>(path: string, notices: Say, open: () => Promise<Log>): Promise<Log> {
  return await openOrRescue(path, open, async (trouble) => {
    // Not while another host is using it.
    using _lock = await lockFile(`${path}.lock`, `the event log at ${path}`);
    const { aside, found, damagedTables } = rescueDatabase({
      path,
      format: LOG_FORMAT,
      now: new Date(),
      mend: mendLog,
    });
    const { kept, lost, strays } = found;
    notices.error(
      `${trouble}. It goes on with what could be read: ${kept} events kept, ${lost} lost` +
        (strays > 0 ? `, ${strays} of which it is not known whose they are` : "") +
        `. The damaged files are in ${aside}`,
    );
    if (damagedTables.includes("parts") || damagedTables.includes("readers")) {
      notices.error(
        "How far consumers had come is not known of all of them. Replay those that may have missed something: hogpen replay",
      );
    }
  });
}

/** Rejects as `open` does if the problem is not damage. */
export async function openStoreOrRescue<Store>(path: string, notices: Say, open: () => Promise<Store>): Promise<Store> {
  return await openOrRescue(path, open, (trouble) => {
    const mend = () => {};
    const { aside, damagedTables } = rescueDatabase({ path, format: STORE_FORMAT, now: new Date(), mend });
    notices.error(
      `${trouble}. It goes on with what could be read; ` +
        (damagedTables.length === 0 ? "every row was" : `something is missing in ${damagedTables.join(", ")}`) +
        `. The damaged files are in ${aside}`,
    );
    return Promise.resolve();
  });
}

async function openOrRescue<T>(
  path: string,
  open: () => Promise<T>,
  rescue: (trouble: string) => Promise<void>,
): Promise<T> {
  finishRescue(path);
  try {
    return await open();
  } catch (error) {
    if (!isDamage(error)) throw error;
    await rescue(error instanceof Error ? error.message : String(error));
    return await open();
  }
}

/** An error from a thread has lost its class and is recognised by its name. */
function isDamage(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each.name === "DamagedDatabaseError") return true;
  }
  return false;
}
