/**
 * Order by key: work of one key runs one after the other, different keys at the same time. Work that is done at once
 * takes no lane.
 * @module
 */

type Work = (leave: () => void) => void;

const lanes = new Map<string, Map<string, Work[]>>();

/** The lane of a key within a group of lanes. */
export function laneOf(group: string, key: string): { enter(work: Work): void } {
  let busy = lanes.get(group);
  if (busy === undefined) lanes.set(group, busy = new Map());
  return { enter: (work) => enter(busy, key, work) };
}

function enter(busy: Map<string, Work[]>, key: string, work: Work): void {
  const waiting = busy.get(key);
  if (waiting !== undefined) {
    waiting.push(work);
    return;
  }
  const queue: Work[] = [work];
  busy.set(key, queue);
  drain(busy, key, queue);
}

/**
 * Runs what waits, in a loop while it is done at once; goes on when the last of it leaves. The first in the queue is
 * the one that runs.
 */
function drain(busy: Map<string, Work[]>, key: string, queue: Work[]): void {
  while (queue.length > 0) {
    let left = false;
    let returned = false;
    queue[0]!(() => {
      left = true;
      if (!returned) return;
      queue.shift();
      drain(busy, key, queue);
    });
    returned = true;
    if (!left) return;
    queue.shift();
  }
  busy.delete(key);
}
