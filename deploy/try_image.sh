#!/bin/sh
# Takes the steps of the Dockerfile without Docker: into a root folder of its own, with chroot, as the image's user. It
# shows that what the image holds is enough: the root is read-only, and there is no network but loopback.
# Needs root on Linux, debootstrap and unshare. Usage: deploy/try_image.sh [folder]
set -eu

project=$(cd "$(dirname "$0")/.." && pwd)
root=${1:-$(mktemp -d)}
deno=$(readlink -f "$(command -v deno)")

echo "== Debian, the program, the user"
[ -e "$root/bin/sh" ] || debootstrap --variant=minbase bookworm "$root" >"$root.log" 2>&1
cp "$deno" "$root/usr/local/bin/deno"
mkdir -p "$root/app" "$root/data"
git -C "$project" archive HEAD | tar -x -C "$root/app"
rm -rf "$root/app/tests" "$root/app/bench" "$root/app/docs"
chroot "$root" useradd --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin hogpen 2>/dev/null || true
chroot "$root" install --directory --owner=10001 --group=10001 --mode=0700 /data

echo "== packages and compiled modules"
# How this machine reaches the registry.
cp /etc/resolv.conf /etc/hosts "$root/etc/"
for file in "$HOME/.npmrc" "${SSL_CERT_FILE:-}"; do
  if [ -f "$file" ]; then mkdir -p "$root$(dirname "$file")" && cp "$file" "$root$file"; fi
done
unshare --mount --fork sh -eu -c '
  mount -t proc proc "$0/proc"
  mount --bind /dev "$0/dev"
  exec chroot "$0" env DENO_DIR=/app/.deno sh -eu -c "cd /app
    deno run -A main.ts prefetch --all
    deno cache main.ts host/commands/program/run_program.ts host/commands/*.ts \
      sandbox/boot/cell.ts sandbox/boot/worker.ts host/log/log_thread.ts host/store/sqlite/store_thread.ts \
      host/loader/compile/compile_process.ts host/loader/compile/transform_thread.ts host/telemetry/spans/tracing.ts"
' "$root" >"$root.log" 2>&1
du -sh "$root/app"

echo "== run: uid 10001, read-only root, /tmp in memory, no network but loopback"
unshare --mount --net --pid --fork sh -eu -c '
  root=$0
  ip link set lo up
  mount --bind "$root" "$root"
  mount -o remount,bind,ro "$root"
  mount -t tmpfs tmpfs "$root/tmp"
  mount -t tmpfs -o uid=10001,gid=10001,mode=700 tmpfs "$root/data"
  mount -t proc proc "$root/proc"
  mount --bind /dev "$root/dev"
  in_image() {
    chroot --userspec=10001:10001 "$root" env -i PATH=/usr/local/bin:/usr/bin:/bin DENO_DIR=/app/.deno \
      DENO_NO_UPDATE_CHECK=1 HOGPEN_HOST=0.0.0.0 HOGPEN_DATA=/data "$@"
  }
  in_image deno run -A /app/main.ts start 2>&1 &
  for attempt in $(seq 60); do
    in_image deno eval --no-config \
      "const answer = await fetch(\"http://127.0.0.1:8000/_health\"); Deno.exit(answer.ok ? 0 : 1)" 2>/dev/null && break
    sleep 0.5
  done
  in_image deno run -A --no-config /app/deploy/try_image.ts
' "$root"
