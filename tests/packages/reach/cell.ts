/**
 * A cell whose sandbox knows what no plugin may hold.
 * @module
 */

import "./redirect_worker.ts";
import "../../../sandbox/boot/cell.ts";
