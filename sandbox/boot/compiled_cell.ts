/**
 * Entry of a cell in the compiled executable, where no flags can start the process with fewer rights than the host.
 * It therefore gives up the rights that it does not need before anything else is loaded, and cell.ts gives up the
 * right to write once it is connected. The cell's own thread keeps the right to read, because the Worker's modules
 * are read through it; the Worker itself has no right. Here only the guard inside the Worker refuses private
 * addresses.
 * @module
 */

for (const name of ["env", "ffi", "run", "sys", "import"] as const) await Deno.permissions.revoke({ name });
await import("./cell.ts");
