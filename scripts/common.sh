# Sourced by the other scripts: where things are kept, and how what is missing is installed.

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# Compiled code is kept outside of the source tree, which R CMD build copies whole, and is shared by cargo's own
# commands and by every install of the package.
default_target=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/rxscale}
export RXSCALE_TARGET_DIR=${RXSCALE_TARGET_DIR:-$default_target}
export CARGO_TARGET_DIR=$RXSCALE_TARGET_DIR

# A fresh machine often has no locale set, and R would read its sources as ASCII.
[ "$(locale charmap 2>/dev/null)" = UTF-8 ] || export LC_ALL=C.UTF-8

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

die() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

step() {
  printf '\n==> %s\n' "$*"
}

have() {
  command -v "$1" > /dev/null
}

# Installs Debian packages, as root or through sudo.
apt_install() {
  step "Installing $*"
  have apt-get || die "these Debian packages are needed and there is no apt-get here to install them: $*"
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    have sudo || die "these Debian packages are needed, which takes root: apt-get install $*"
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -qq &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" > "$work/apt.log" 2>&1 ||
    { cat "$work/apt.log" >&2; die "apt-get could not install: $*"; }
}

debian_has() {
  dpkg-query -W -f '${Status}\n' "$1" 2> /dev/null | grep -q 'ok installed$'
}

ensure_rust() {
  export PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
  have cargo || die "rxscale is compiled with Rust, and no cargo was found in PATH or ~/.cargo/bin: install it with rustup from https://rustup.rs and try again."
}

# R with the compilers and libraries that packages are built with.
ensure_r() {
  if ! have R || { debian_has r-base-core && ! debian_has r-base-dev; }; then
    apt_install r-base-dev
  fi
}

# The R packages named, or in those fields of DESCRIPTION, that are not installed.
missing_r_packages() {
  Rscript - "$@" <<'R'
    wanted <- commandArgs(trailingOnly = TRUE)
    description <- read.dcf("DESCRIPTION")
    fields <- intersect(wanted, colnames(description))
    named <- unlist(strsplit(gsub("\\([^)]*\\)|\\s", "", description[, fields]), ","))
    packages <- unique(c(named, setdiff(wanted, fields)))
    cat(packages[!nzchar(vapply(packages, function(p) system.file(package = p), ""))])
R
}

ensure_r_packages() {
  local missing
  missing=$(missing_r_packages "$@")
  # shellcheck disable=SC2086
  [ -z "$missing" ] || apt_install $(printf 'r-cran-%s ' ${missing,,})
}

# The files of the package, relative to the root, separated by NUL.
list_sources() {
  find . \( -path ./.git -o -path ./src/rust/target -o -path ./src/rust/vendor -o -path ./src/rust/.cargo \
    -o -name '*.Rcheck' \) -prune -o -type f ! -path './src/Makevars' ! -name '*.o' ! -name '*.so' ! -name '*.tar.gz' \
    -print0 | LC_ALL=C sort -z
}

# One number for the sources and the R that they are installed for.
sources_hash() {
  { R --version; list_sources | xargs -0 sha256sum; } | sha256sum | cut -d ' ' -f 1
}

# Builds the package and prints the path of the tarball. Arguments are those of R CMD build.
build_tarball() {
  local stage=$work/rxscale
  rm -rf "$stage" "$work"/rxscale_*.tar.gz
  mkdir "$stage"
  list_sources | tar --null --files-from=- -c | tar -x -C "$stage"
  (cd "$work" && R CMD build "$@" rxscale >&2) || return 1
  echo "$work"/rxscale_*.tar.gz
}
