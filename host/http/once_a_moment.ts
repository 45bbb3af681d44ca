/**
 * Answers the same question only once when several ask it within a moment. Open pages ask at the same time, because the
 * same message triggered them.
 * @module
 */

export interface OnceAMomentOptions {
  /** How long an answer is reused, in milliseconds. */
  standsMs: number;
  now: () => number;
}

/** The most questions that are kept. */
const MOST = 200;

/** Answers by question. An answer that rejects is not reused. */
export function onceAMoment<Question, Answer>(
  answer: (question: Question) => Promise<Answer>,
  { standsMs, now }: OnceAMomentOptions,
): (question: Question) => Promise<Answer> {
  const given = new Map<string, { at: number; answer: Promise<Answer> }>();
  return (question) => {
    const key = JSON.stringify(question);
    const known = given.get(key);
    if (known !== undefined && now() - known.at < standsMs) return known.answer;
    const asked = answer(question);
    asked.catch(() => given.delete(key));
    given.delete(key);
    given.set(key, { at: now(), answer: asked });
    // The oldest come first.
    for (const [oldest, { at }] of given) {
      if (given.size <= MOST && now() - at < standsMs) break;
      given.delete(oldest);
    }
    return asked;
  };
}
