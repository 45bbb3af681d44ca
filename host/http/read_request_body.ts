/**
 * Reads the body of a request to the API.
 * @module
 */

import { readBody } from "../capture/body/read_body.ts";
import { CaptureError } from "../capture/capture_error.ts";
import { ApiError } from "./api_error.ts";

/**
 * Rejects with an ApiError: 413 when the body is too large, 400 when it is incomplete or does not arrive within a
 * minute.
 */
export async function readRequestBody(request: Request, maxBytes: number): Promise<Uint8Array> {
  try {
    return await readBody(request, maxBytes);
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    if (error.status !== 413) throw new ApiError(400, "validation_error", error.code, error.message);
    const detail = `The body is too large: found more than the ${maxBytes} bytes that are accepted here`;
    throw new ApiError(413, "validation_error", error.code, detail);
  }
}
