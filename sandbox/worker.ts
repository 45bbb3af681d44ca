/**
 * The sandbox: the one Worker of a cell. The order of these steps is the wall; each protects the ones after it, and no
 * plugin's text arrives before all are done.
 * @module
 */

import "./shim.ts";
import "./capture.ts";
import { removeGlobals } from "./remove.ts";
import { closeImportGate, installImportGate } from "./import_gate.ts";
import { hideTimers } from "./timers.ts";
import { limitWebCrypto } from "./native_threads.ts";
import { lockDown } from "./lockdown.ts";
import { closeEvaluators } from "./close_evaluators.ts";
import { formatStacks } from "./plugin_stack.ts";
import { hardenEndowments } from "./endowments.ts";
import { catchBackgroundErrors } from "./background_errors.ts";
import { listen } from "./bridge.ts";
import { takeRequest } from "./requests.ts";

removeGlobals();
hideTimers();
installImportGate();
limitWebCrypto();
lockDown();
closeEvaluators();
formatStacks();
hardenEndowments();
catchBackgroundErrors();
closeImportGate();
listen(takeRequest);
