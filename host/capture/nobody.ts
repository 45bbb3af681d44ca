/**
 * Values that programs send as a `distinct_id` by mistake, such as "undefined". They would merge all affected users
 * into one person, so PostHog drops such events, and so do we. The list is PostHog's (`isDistinctIdIllegal` of its
 * ingestion).
 * @module
 */

const IN_ANY_CASE = [
  "anonymous",
  "guest",
  "distinctid",
  "distinct_id",
  "id",
  "not_authenticated",
  "email",
  "undefined",
  "true",
  "false",
];
const AS_WRITTEN = ["[object Object]", "NaN", "None", "none", "null", "0"];

const nobodies = new Set([...IN_ANY_CASE, ...AS_WRITTEN]);

/** Whether the text, with or without quotes around it, is one of these values. */
export function standsForNobody(distinctId: string): boolean {
  // Longer than the longest value in quotes.
  if (distinctId.length > 30) return false;
  const bare = distinctId.trim().replace(/^(["'])(.*)\1$/, "$2");
  return bare === "" || nobodies.has(bare) || IN_ANY_CASE.includes(bare.toLowerCase());
}
