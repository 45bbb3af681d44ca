/**
 * Recognises UUIDs, and creates UUIDs of version 7, which sort by the time of their creation.
 * @module
 */

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const DASHED_LENGTH = 36;
/** .NET may write a UUID in braces, Python and Java as a URN. */
const WRAPPED = /^(?:urn:uuid:(.*)|\{(.*)\})$/i;

/**
 * The UUID in lower case with dashes; null if the text is not a UUID. Any version is accepted, as it was in PostHog,
 * also in braces or as a URN.
 */
export function parseUuid(text: string): string | null {
  const trimmed = text.trim();
  const wrapped = WRAPPED.exec(trimmed);
  const bare = wrapped?.[1] ?? wrapped?.[2] ?? trimmed;
  if (!UUID.test(bare)) return null;
  const lower = bare.toLowerCase();
  if (lower.length === DASHED_LENGTH) return lower;
  const digits = lower.replaceAll("-", "");
  return [8, 12, 16, 20, 32].map((end, i, ends) => digits.slice(i === 0 ? 0 : ends[i - 1], end)).join("-");
}

/** The largest value of the 12 bits after the version. */
const LAST_IN_SERIES = 0xfff;

/**
 * Returns a generator of version 7 UUIDs. The 12 bits after the version count the UUIDs within one millisecond from 0,
 * so that the UUIDs of one generator sort in the order of their creation. When a millisecond has no numbers left, the
 * next one is used.
 */
export function createUuidGenerator(now: () => number): () => string {
  // Random bytes are drawn for many UUIDs at once, because one call per UUID costs more than everything else here.
  const pool = new Uint8Array(8 * 512);
  let used = pool.length;
  let last = -1;
  let series = 0;

  return function uuid(): string {
    const time = now();
    if (time > last) {
      last = time;
      series = 0;
    } else if (++series > LAST_IN_SERIES) {
      last++;
      series = 0;
    }
    if (used === pool.length) {
      crypto.getRandomValues(pool);
      used = 0;
    }
    let random = "";
    for (let i = 0; i < 8; i++) {
      const byte = pool[used++] ?? 0;
      random += HEX[i === 0 ? byte & 0x3f | 0x80 : byte];
    }
    const stamp = last.toString(16).padStart(12, "0");
    const count = series.toString(16).padStart(3, "0");
    return `${stamp.slice(0, 8)}-${stamp.slice(8)}-7${count}-${random.slice(0, 4)}-${random.slice(4)}`;
  };
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
