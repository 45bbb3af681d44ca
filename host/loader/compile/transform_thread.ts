/**
 * The thread that compiles. Babel is slow on large files and needs much memory, which must not burden the host.
 * @module
 */

import * as babel from "@babel/core";
import commonjs from "@babel/plugin-transform-modules-commonjs";
import typescript from "@babel/preset-typescript";
import { serveThread } from "../../sqlite/serve_thread.ts";
import { compileFile, type TransformedFile, TransformError, type TransformJob } from "./transform.ts";

/** An error loses its class between threads, so a TransformError is sent as data. */
export type CompileAnswer =
  | { file: TransformedFile }
  | { error: { message: string; line: number | null; column: number | null } };

export interface TransformThreadApi {
  compile(job: TransformJob): CompileAnswer;
}

serveThread<{ compile: TransformThreadApi["compile"] }>({
  compile(job) {
    try {
      return { file: compileFile({ babel, typescript, commonjs }, job) };
    } catch (error) {
      if (!(error instanceof TransformError)) throw error;
      return { error: { message: error.message, line: error.line, column: error.column } };
    }
  },
});
