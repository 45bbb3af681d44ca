/**
 * Why a plugin cannot be packed.
 * @module
 */

/** The message lists the reasons, a line each. */
export class BundleError extends Error {
  override name = "BundleError";
}
