/**
 * The sandbox: the one Worker of a cell. The order of these steps is the wall; each protects the ones after it, and no
 * plugin's text arrives before all are done.
 * @module
 */

import "../walls/shim.ts";
import "../walls/capture.ts";
import { removeGlobals } from "../walls/remove.ts";
import { closeImportGate, installImportGate } from "../walls/import_gate.ts";
import { hideTimers } from "../walls/timers.ts";
import { limitWebCrypto } from "../walls/native_threads.ts";
import { lockDown } from "../walls/lockdown.ts";
import { closeEvaluators } from "../walls/close_evaluators.ts";
import { scopePackages } from "../walls/packages/package_scope.ts";
import { emptyGlobal } from "../walls/empty_global.ts";
import { formatStacks } from "../plugin/plugin_stack.ts";
import { hardenEndowments } from "../plugin/endowments.ts";
import { catchBackgroundErrors } from "../plugin/background_errors.ts";
import { listen } from "./bridge.ts";
import { takeRequest } from "./requests.ts";

removeGlobals();
hideTimers();
installImportGate();
limitWebCrypto();
lockDown();
closeEvaluators();
scopePackages();
formatStacks();
hardenEndowments();
catchBackgroundErrors();
closeImportGate();
listen(takeRequest);
emptyGlobal();
