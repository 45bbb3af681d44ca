/**
 * A folder for one test.
 * @module
 */

import { join } from "node:path";

export interface TemporaryFolder extends AsyncDisposable {
  path: string;
  /** Path of a file in it. */
  file(name: string): string;
}

/** Makes an empty folder that is gone after the test. */
export async function temporaryFolder(): Promise<TemporaryFolder> {
  const path = await Deno.makeTempDir({ prefix: "hogpen_test_" });
  return {
    path,
    file: (name) => join(path, name),
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}
