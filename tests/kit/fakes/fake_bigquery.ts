/**
 * A BigQuery server on loopback: tables of a dataset, rows in memory.
 * @module
 */

import { gunzipSync } from "node:zlib";
import { googleError, type ServiceAccount } from "./fake_google.ts";

interface Field {
  name: string;
  type: string;
}

export interface BigQueryTable {
  fields: Field[];
  rows: Record<string, unknown>[];
}

export interface FakeBigQuery extends AsyncDisposable {
  url: string;
  port: number;
  /** By `dataset.table`. */
  tables: Map<string, BigQueryTable>;
}

export function startFakeBigQuery(account: ServiceAccount): FakeBigQuery {
  const tables = new Map<string, BigQueryTable>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const bytes = new Uint8Array(await request.arrayBuffer());
    const wrong = account.check(request.headers.get("authorization"));
    if (wrong !== null) return googleError(401, wrong, "authError");
    const text = request.headers.get("content-encoding") === "gzip" ? String(gunzipSync(bytes)) : decode(bytes);
    const body = text === "" ? {} : JSON.parse(text);
    const match = /\/projects\/project\/datasets\/([^/]+)\/tables(?:\/([^/]+))?(\/insertAll)?$/
      .exec(new URL(request.url).pathname);
    if (match === null) return googleError(404, `Not found: ${request.url}`, "notFound");
    const [, dataset, name = body.tableReference?.tableId, insert] = match;
    const id = `${dataset}.${name}`;
    const table = tables.get(id);
    if (request.method === "POST" && insert === undefined) {
      if (table !== undefined) return googleError(409, `Already Exists: Table project:${id}`, "duplicate");
      tables.set(id, { fields: body.schema.fields, rows: [] });
      return Response.json(describe(id, body.schema.fields));
    }
    if (table === undefined) return googleError(404, `Not found: Table project:${id}`, "notFound");
    if (request.method === "PATCH" || request.method === "PUT") table.fields = body.schema.fields;
    if (insert === undefined) return Response.json(describe(id, table.fields));
    return insertAll(table, body.rows);
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    port: server.addr.port,
    tables,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function describe(id: string, fields: Field[]) {
  const [datasetId, tableId] = id.split(".");
  return {
    kind: "bigquery#table",
    id,
    tableReference: { projectId: "project", datasetId, tableId },
    schema: { fields },
  };
}

/** All rows or none, as BigQuery does unless it is told otherwise. */
function insertAll(table: BigQueryTable, rows: { json: Record<string, unknown> }[]): Response {
  const names = table.fields.map(({ name }) => name);
  const insertErrors = rows.flatMap(({ json }, index) =>
    Object.keys(json).filter((name) => !names.includes(name)).map((name) => ({
      index,
      errors: [{ reason: "invalid", location: name, message: `no such field: ${name}.` }],
    }))
  );
  if (insertErrors.length > 0) return Response.json({ kind: "bigquery#tableDataInsertAllResponse", insertErrors });
  table.rows.push(...rows.map(({ json }) => json));
  return Response.json({ kind: "bigquery#tableDataInsertAllResponse" });
}
