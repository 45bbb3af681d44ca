/**
 * The sandbox of the service; plugins find in it `URL.forbidden(value)`, which names the value if no plugin may hold
 * it.
 * @module
 */

import "./forbidden.ts";
import "../../../sandbox/boot/worker.ts";
