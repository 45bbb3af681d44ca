/**
 * Entry of the event log's thread.
 * @module
 */

import { serveThread } from "../sqlite/serve_thread.ts";
import { createLogDatabase, type LogDatabase } from "./log_database.ts";

serveThread<LogDatabase>(createLogDatabase(), (value) => {
  // The blocks of a read move to the host without a copy.
  return Array.isArray(value) ? value.map((block) => block.data.buffer) : [];
});
