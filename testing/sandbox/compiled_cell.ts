/**
 * Entry of a cell with fixtures in the compiled executable, with as few rights as that one can have.
 * @module
 */

for (const name of ["env", "ffi", "run", "sys", "import"] as const) await Deno.permissions.revoke({ name });
await import("./cell.ts");
