/**
 * The error for a plugin that cannot be bundled.
 * @module
 */

/** The message lists the reasons, one per line. */
export class BundleError extends Error {
  override name = "BundleError";
}
