/**
 * A Snowflake server on loopback: log-in, statements and log-out over its HTTP interface.
 * @module
 */

import { gunzipSync } from "node:zlib";

export interface Statement {
  sql: string;
  binds: Record<string, { type: string; value: unknown }> | undefined;
}

export interface FakeSnowflake extends AsyncDisposable {
  url: string;
  port: number;
  statements: Statement[];
  sessions: number;
  /** Paths that were asked for beside them. */
  others: string[];
}

const TOKEN = "session-token";
const PARAMETERS = [
  { name: "TIMEZONE", value: "Etc/UTC" },
  { name: "CLIENT_SESSION_KEEP_ALIVE", value: false },
  { name: "CLIENT_TELEMETRY_ENABLED", value: false },
  { name: "TIMESTAMP_NTZ_OUTPUT_FORMAT", value: "YYYY-MM-DD HH24:MI:SS.FF3" },
  { name: "TIMESTAMP_OUTPUT_FORMAT", value: "YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM" },
  { name: "DATE_OUTPUT_FORMAT", value: "YYYY-MM-DD" },
];

export function startFakeSnowflake(user: { username: string; password: string }): FakeSnowflake {
  const fake = { statements: [] as Statement[], sessions: 0, others: [] as string[] };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const bytes = new Uint8Array(await request.arrayBuffer());
    const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b;
    const text = isPacked ? String(gunzipSync(bytes)) : new TextDecoder().decode(bytes);
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/session/v1/login-request") {
      const { data } = JSON.parse(text);
      if (data.LOGIN_NAME !== user.username || data.PASSWORD !== user.password) {
        return failure("390100", "Incorrect username or password was specified.");
      }
      fake.sessions++;
      return success(session(searchParams.get("roleName")));
    }
    if (request.headers.get("authorization") !== `Snowflake Token="${TOKEN}"`) {
      return failure("390104", `the Authorization header is ${request.headers.get("authorization")}`);
    }
    if (pathname === "/queries/v1/query-request") {
      const { sqlText, bindings } = JSON.parse(text);
      fake.statements.push({ sql: sqlText, binds: bindings });
      return answer(sqlText);
    }
    if (pathname === "/session" && searchParams.get("delete") === "true") {
      fake.sessions--;
      return success(null);
    }
    fake.others.push(pathname);
    return success({});
  });
  return Object.assign(fake, {
    url: `http://127.0.0.1:${server.addr.port}`,
    port: server.addr.port,
    [Symbol.asyncDispose]: () => server.shutdown(),
  });
}

function session(role: string | null) {
  return {
    token: TOKEN,
    masterToken: "master-token",
    validityInSeconds: 3600,
    masterValidityInSeconds: 14_400,
    sessionId: 1,
    parameters: PARAMETERS,
    sessionInfo: { databaseName: "DB", schemaName: "PUBLIC", warehouseName: null, roleName: role },
  };
}

function success(data: unknown): Response {
  return Response.json({ data, code: null, message: null, success: true });
}

function failure(code: string, message: string, data: unknown = {}): Response {
  return Response.json({ data, code, message, success: false });
}

const FIXED = { nullable: true, precision: 38, scale: 0, length: null, byteLength: null };
const TEXT = { nullable: true, precision: null, scale: null, length: 200, byteLength: 800 };

function answer(sql: string): Response {
  if (sql.includes("FAIL")) {
    return failure("000904", "SQL compilation error: invalid identifier 'FAIL'", { sqlState: "42000", queryId: "q-2" });
  }
  const columns = sql.startsWith("SELECT")
    ? [{ name: "N", type: "fixed", ...FIXED }, { name: "TEXT", type: "text", ...TEXT }, {
      name: "AT",
      type: "timestamp_ntz",
      ...TEXT,
      scale: 3,
    }]
    : [{ name: "status", type: "text", ...TEXT }];
  const rows = sql.startsWith("SELECT") ? [["7", "ünï", "1611143940.123000000"], [null, null, null]] : [["done"]];
  return success({
    parameters: PARAMETERS,
    rowtype: columns.map((column) => ({ database: "DB", schema: "PUBLIC", table: "EVENTS", ...column })),
    rowset: rows,
    total: rows.length,
    returned: rows.length,
    queryId: "q-1",
    queryResultFormat: "json",
    finalDatabaseName: "DB",
    finalSchemaName: "PUBLIC",
    finalWarehouseName: null,
    finalRoleName: "LOADER",
    numberOfBinds: 0,
    arrayBindSupported: true,
    statementTypeId: 4096,
    version: 1,
    sqlState: "00000",
  });
}
