#!/usr/bin/env bash
# Runs every check of rxscale, installing what is missing on a Debian machine. Goes on after a failure; the last line
# is "N passed, N failed, N skipped", where a check that has no tests of its own counts as one.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

passed=0 failed=0 skipped=0

count() {
  passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

# check <name> <command...>: runs a command that counts as one test.
check() {
  if run "$@"; then count 1 0 0; else count 0 1 0; fi
}

# suite <name> <command...>: runs a command that leaves "passed failed skipped" in $work/counts.
suite() {
  local p=0 f=0 s=0 status=0
  rm -f "$work/counts"
  run "$@" || status=1
  [ ! -f "$work/counts" ] || read -r p f s < "$work/counts"
  # A suite that broke before its tests could fail.
  [ "$status" = 0 ] || [ "$f" != 0 ] || f=1
  count "$p" "$f" "$s"
}

run() {
  local name=$1 start=$SECONDS status=0
  shift
  step "$name"
  "$@" || status=1
  [ "$status" = 0 ] && echo "    ok: $name, $((SECONDS - start)) s" || echo "    FAILED: $name, $((SECONDS - start)) s"
  return "$status"
}

finish() {
  printf '\n%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
  exit $((failed > 0))
}

# The same packages and features in all of cargo's commands, so that nothing is compiled twice.
in_rust() {
  local command=$1
  shift
  (cd src/rust && cargo "$command" --workspace --locked --features document "$@")
}

cargo_tests() {
  local status=0
  in_rust test --no-fail-fast 2>&1 | tee "$work/cargo.log" || status=1
  awk '/^test result:/ { p += $4; f += $6; s += $8 } END { print p + 0, f + 0, s + 0 }' "$work/cargo.log" > "$work/counts"
  return "$status"
}

build() {
  tarball=$(build_tarball)
}

install_tarball() {
  mkdir -p "$R_LIBS" && R CMD INSTALL --library="$R_LIBS" "$tarball"
}

# Errors and warnings fail; notes are there to be read.
r_cmd_check() {
  local log=$work/rxscale.Rcheck/00check.log
  (cd "$work" && R CMD check --no-manual "$tarball") && ! grep -E '^Status:.*(ERROR|WARNING)' "$log"
}

ensure_rust
cargo clippy --version > /dev/null 2>&1 && cargo fmt --version > /dev/null 2>&1 ||
  rustup component add clippy rustfmt || die "cargo needs its components clippy and rustfmt for the tests."
ensure_r
ensure_r_packages Imports Suggests lintr
have pandoc || apt_install pandoc
# Tests of databases start a server of their own, and reach SQLite by ODBC as well.
ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1 || apt_install postgresql
debian_has libsqliteodbc && have odbcinst || apt_install unixodbc odbcinst libsqliteodbc

# A library of its own: the tests leave the user's alone.
export R_LIBS=$RXSCALE_TARGET_DIR/library
# Lets tests raise a panic inside the engine and shuffle the order of its blocks.
export RXSCALE_FEATURES=test-hooks

# Tests with pyarrow, polars and duckdb are skipped where these cannot be had.
export PYTHONPATH=$RXSCALE_TARGET_DIR/python${PYTHONPATH:+:$PYTHONPATH}
python3 -c "import pyarrow, polars, duckdb, pandas" 2> /dev/null ||
  python3 -m pip install --quiet --timeout 15 --retries 1 --target "$RXSCALE_TARGET_DIR/python" \
    pyarrow polars duckdb pandas || echo "pyarrow, polars, duckdb and pandas are not here"

check "rustfmt" bash -c 'cd src/rust && cargo fmt --all --check'
check "clippy" in_rust clippy --all-targets -- -D warnings
check "rx-stats without LAPACK" bash -c 'cd src/rust && cargo check --locked -p rx-stats --no-default-features'
suite "cargo test" cargo_tests
check "R wrappers are those of the Rust sources" tools/document.sh --check

check "R CMD build, with vignettes" build
[ -n "${tarball:-}" ] || finish
check "R CMD INSTALL" install_tarball
check "lintr" Rscript scripts/lint.R
suite "testthat" Rscript scripts/testthat.R "$work/counts"
check "R CMD check" r_cmd_check
finish
