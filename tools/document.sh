#!/usr/bin/env bash
# Regenerates R/extendr-wrappers.R from the Rust sources, then the Collate field, NAMESPACE and man/ from the R sources.
# With --check changes nothing and fails if the committed wrappers are out of date.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

write_wrappers() {
  # Some builds of R keep libR.so in a folder of their own.
  LD_LIBRARY_PATH="$(R RHOME)/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" \
    cargo run --quiet --locked --manifest-path src/rust/Cargo.toml --features document --bin document -- "$1"
}

if [ "${1:-}" = --check ]; then
  fresh=$(mktemp)
  trap 'rm -f "$fresh"' EXIT
  write_wrappers "$fresh"
  if ! diff -u R/extendr-wrappers.R "$fresh"; then
    echo "R/extendr-wrappers.R is out of date: run tools/document.sh and commit the result." >&2
    exit 1
  fi
else
  write_wrappers R/extendr-wrappers.R
  Rscript -e 'roxygen2::update_collate(".")'
  # roxygen2 knows S4 classes only of a package that is installed.
  library=$(mktemp -d)
  trap 'rm -rf "$library"' EXIT
  R CMD INSTALL --no-docs --library="$library" .
  R_LIBS="$library${R_LIBS:+:$R_LIBS}" Rscript -e 'roxygen2::roxygenise(load_code = "installed")'
fi
