#!/usr/bin/env bash
# Puts the sources of all crates into src/rust/vendor.tar.xz, so that a tarball made by R CMD build installs without a
# network. The archive also holds .cargo/config.toml, which points cargo to them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../src/rust"

rm -rf vendor .cargo vendor.tar.xz
mkdir .cargo
cargo vendor --locked vendor > .cargo/config.toml

# Two thirds of it all, which no install reads: LAPACK's own sources, and import libraries that only benches link.
for folder in vendor/lapack-sys/lapack vendor/winapi-*/lib; do
  rm -rf "$folder"
  sed -i 's/"files":{[^}]*}/"files":{}/' "$(dirname "$folder")/.cargo-checksum.json"
done

# Same crates, same bytes.
tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -c vendor .cargo | xz -9 --threads=1 > vendor.tar.xz
rm -rf vendor .cargo
ls -lh vendor.tar.xz
