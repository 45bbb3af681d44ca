/**
 * The entry of the event log's thread.
 * @module
 */

import { serveThread } from "../sqlite/serve_thread.ts";
import { createLogDatabase, type LogDatabase } from "./log_database.ts";

const database = createLogDatabase();

serveThread<LogDatabase>({
  ...database,
  commit(commit) {
    try {
      return database.commit(commit);
    } finally {
      // Frees the thread's own copies. Its heap hardly grows, so V8 would collect them only after another 60 MB or so.
      for (const { block } of commit.blocks) free(block.data.buffer);
    }
  },
}, (value) => {
  // The blocks of a read are transferred to the host without a copy.
  return Array.isArray(value) ? value.map((block) => block.data.buffer) : [];
});

function free(buffer: ArrayBufferLike): void {
  if (buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
}
