/**
 * Recognises secrets in the configuration by the name of their field or by their form.
 * @module
 */

const SECRET_NAME =
  /token|secret|passw|passphrase|pwd|api[_-]?key|private|credential|authorization|auth[_-]?key|access[_-]?key|signature|webhook|cookie/i;
/** An address with a password, a PEM key, a JSON Web Token, or a key of a widely used service. */
const SECRET_VALUE =
  /:\/\/[^/\s:@]*:[^/\s@]+@|-----BEGIN [A-Z ]*PRIVATE KEY|\beyJ[\w-]{10,}\.[\w-]{10,}\.|\b(?:sk|pk|rk)_(?:live|test)_|\bgh[pousr]_\w{20,}|\bxox[abprs]-|\bAKIA[0-9A-Z]{16}\b|\bph[xs]_\w{20,}/;

/** Whether a field's name or value looks like a secret. */
export function looksSecret(name: string, value: unknown): boolean {
  if (value === "" || value === null || value === undefined || typeof value === "boolean") return false;
  return SECRET_NAME.test(name) || (typeof value === "string" && SECRET_VALUE.test(value));
}
