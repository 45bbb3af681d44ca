/**
 * What Kafka's client says of a failure.
 * @module
 */

/**
 * Whether the error, or one of those that it consists of, has the property: `apiId` is the name of Kafka's own error,
 * `code` that of the client's.
 */
export function hasInIt(error: unknown, property: "apiId" | "code", value: string): boolean {
  const found = error as { findBy?(property: string, value: unknown): unknown } | null;
  return typeof found?.findBy === "function" && Boolean(found.findBy(property, value));
}

/** Whether there was no answer, so that another request to the same broker would not get one either. */
export function isOfConnection(error: unknown): boolean {
  return ["PLT_KFK_NETWORK", "PLT_KFK_TIMEOUT"].some((code) => hasInIt(error, "code", code));
}
