/**
 * The same question asked by several within a moment is answered once: open pages ask at the same time, since the same message made them.
 * @module
 */

export interface OnceAMomentOptions {
  /** For how long an answer stands, in milliseconds. */
  standsMs: number;
  now: () => number;
}

/** Questions kept at most. */
const MOST = 200;

/** Answers by question. An answer that rejects stands for nobody else. */
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
    // The oldest stand first.
    for (const [oldest, { at }] of given) {
      if (given.size <= MOST && now() - at < standsMs) break;
      given.delete(oldest);
    }
    return asked;
  };
}
