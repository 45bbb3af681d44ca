/**
 * Entry of a cell in the compiled executable, which has no flags to start with fewer rights than the host: gives up what it does not need
 * before anything else is loaded, and cell.ts the right to write once it is connected. The right to read stays with the cell's own
 * thread, for the Worker's modules are read through it; the Worker has none. Private addresses are refused by the guard inside the
 * Worker alone.
 * @module
 */

for (const name of ["env", "ffi", "run", "sys", "import"] as const) await Deno.permissions.revoke({ name });
await import("./cell.ts");
