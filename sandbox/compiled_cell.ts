/**
 * Entry of a cell in the compiled executable, which has no flags to start with fewer rights than the host: gives up what it does not need
 * before anything else is loaded. Private addresses are then refused by the guard inside the Worker alone.
 * @module
 */

for (const name of ["env", "ffi", "run", "sys", "import"] as const) await Deno.permissions.revoke({ name });
await import("./cell.ts");
// The Worker is loaded from inside the executable; it gets no right to read in any case.
await Deno.permissions.revoke({ name: "read" });
