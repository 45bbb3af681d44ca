import assert from "node:assert/strict";
import { StaleCursorError } from "../../../../host/log/event_log.ts";
import { moveReadersBack } from "../../../../host/log/kafka/reading/move_back.ts";
import { ReaderCursors } from "../../../../host/log/kafka/reading/reader_cursors.ts";
import { Connection } from "../../../../host/store/postgres/connection.ts";
import { startPostgres } from "../../../kit/servers/postgres.ts";

Deno.test(
  "moveReadersBack() leaves readers alone that another host has taken further since this one looked",
  { sanitizeOps: false, sanitizeResources: false },
  async () => {
    await using postgres = await startPostgres();
    await using db = new Connection(await postgres.createDatabase(), {});
    const [stalled, next] = [new ReaderCursors(db, "log-"), new ReaderCursors(db, "log-")];
    await stalled.register(1, "reader", new Map([[0, 5], [1, 5]]));
    const { epoch } = await stalled.claim([0, 1]);
    const found = { id: "topic", ends: new Map([[0, 5], [1, 5]]), shortened: [] as number[], epoch };
    assert.equal(await moveReadersBack(db, "log-", found), false);
    await next.claim([0]);
    const places = await next.load(1, "reader", [0]);
    await next.commit(1, "reader", { ...places, next: new Map([[0, 9]]) });
    await assert.rejects(moveReadersBack(db, "log-", found), StaleCursorError);
    await assert.rejects(moveReadersBack(db, "log-", { ...found, id: "made anew" }), StaleCursorError);
    assert.equal((await next.load(1, "reader", [0])).next.get(0), 9);

    const again = await next.claim([0, 1]);
    assert.equal(await moveReadersBack(db, "log-", { ...found, ...again, ends: new Map([[0, 8], [1, 8]]) }), true);
    assert.deepEqual([...(await next.load(1, "reader", [0, 1])).next], [[0, 8], [1, 5]]);
    // One that is delivering what has come behind the new end may not commit it, wherever its place is.
    const before = await next.load(1, "reader", [1]);
    assert.equal(await moveReadersBack(db, "log-", { ...found, ...again, shortened: [1] }), true);
    const late = { ...before, next: new Map([[1, 9]]) };
    await assert.rejects(next.commit(1, "reader", late), StaleCursorError);

    assert.equal(await moveReadersBack(db, "log-", { ...found, ...again, id: "made anew" }), true);
    assert.deepEqual([...(await next.load(1, "reader", [0, 1])).next], [[0, 0], [1, 0]]);
  },
);
