/**
 * The entry of the store's thread.
 * @module
 */

import { serveThread } from "../../sqlite/serve_thread.ts";
import { createStoreDatabase, type StoreDatabase } from "./store_database.ts";

serveThread<StoreDatabase>(createStoreDatabase());
