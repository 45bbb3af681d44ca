/**
 * Proves that a part of the lock has all that the packages depend on, and nothing else. That Deno takes the part as it
 * is, frozen, is what `get_packages_test.ts` and every first start prove.
 */

import assert from "node:assert/strict";
import { cutLock, type Lock } from "../../../host/packages/cut_lock.ts";

const LOCK: Lock = {
  version: "5",
  specifiers: { "npm:a@1.0.0": "1.0.0", "npm:b@1.0.0": "1.0.0_peer@3.0.0", "npm:@s/c@1.0.0": "1.0.0" },
  npm: {
    "@s/c@1.0.0": { integrity: "sha512-c" },
    "a@1.0.0": { integrity: "sha512-a", dependencies: ["both@1.0.0", "renamed@npm:@s/c@1.0.0"] },
    "b@1.0.0_peer@3.0.0": {
      integrity: "sha512-b",
      dependencies: ["both@2.0.0", "peer"],
      optionalDependencies: ["only-mac"],
    },
    "both@1.0.0": { integrity: "sha512-1" },
    "both@2.0.0": { integrity: "sha512-2", dependencies: ["both@1.0.0"] },
    "only-mac@1.0.0": { integrity: "sha512-m", os: ["darwin"] },
    "peer@3.0.0": { integrity: "sha512-p", dependencies: ["b"] },
  },
};

Deno.test("cutLock() keeps what a package depends on, under whatever name, and shortens names that have become unique", () => {
  assert.deepEqual(cutLock(LOCK, [{ name: "a", version: "1.0.0" }]), {
    version: "5",
    specifiers: { "npm:a@1.0.0": "1.0.0" },
    npm: {
      "@s/c@1.0.0": { integrity: "sha512-c" },
      "a@1.0.0": { integrity: "sha512-a", dependencies: ["both", "renamed@npm:@s/c@1.0.0"] },
      "both@1.0.0": { integrity: "sha512-1" },
    },
    workspace: { dependencies: ["npm:a@1.0.0"] },
  });
});

Deno.test("cutLock() follows peers, circles and what is for other machines, and keeps versions that differ apart", () => {
  const { npm } = cutLock(LOCK, [{ name: "b", version: "1.0.0" }]);
  assert.deepEqual(Object.keys(npm), [
    "b@1.0.0_peer@3.0.0",
    "both@1.0.0",
    "both@2.0.0",
    "only-mac@1.0.0",
    "peer@3.0.0",
  ]);
  assert.deepEqual(npm["both@2.0.0"]?.dependencies, ["both@1.0.0"]);
});

Deno.test("cutLock() refuses what is not locked", () => {
  assert.throws(() => cutLock(LOCK, [{ name: "a", version: "2.0.0" }]), /Cannot find npm:a@2\.0\.0 in deno\.lock/);
  const broken = { ...LOCK, npm: { ...LOCK.npm } };
  delete broken.npm["peer@3.0.0"];
  assert.throws(() => cutLock(broken, [{ name: "b", version: "1.0.0" }]), /Cannot find peer .*in deno\.lock/);
});
