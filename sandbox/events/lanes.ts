/**
 * Order by key: work of one key runs one after the other, different keys at the same time. Work that is done at once
 * takes no lane.
 * @module
 */

type Work = (leave: () => void) => void;

/** By group and key, what waits behind the work that is under way. */
const lanes = new Map<string, Map<string, Work[]>>();

/** The lane of a key within a group of lanes. */
export function laneOf(group: string, key: string): { enter(work: Work): void } {
  let busy = lanes.get(group);
  if (busy === undefined) lanes.set(group, busy = new Map());
  return { enter: (work) => enter(busy, key, work) };
}

function enter(busy: Map<string, Work[]>, key: string, work: Work): void {
  const waiting = busy.get(key);
  if (waiting === undefined) drain(busy, key, [], work);
  else waiting.push(work);
}

/**
 * Runs the work and everything that waits behind it, in a loop as long as it finishes synchronously; continues when
 * the last of it settles.
 */
function drain(busy: Map<string, Work[]>, key: string, waiting: Work[], first: Work): void {
  for (let work: Work | undefined = first; work !== undefined; work = waiting.shift()) {
    let left = false;
    let returned = false;
    work(() => {
      left = true;
      if (!returned) return;
      const next = waiting.shift();
      if (next === undefined) busy.delete(key);
      else drain(busy, key, waiting, next);
    });
    returned = true;
    if (left) continue;
    busy.set(key, waiting);
    return;
  }
  busy.delete(key);
}
