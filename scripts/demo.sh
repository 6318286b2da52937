#!/usr/bin/env bash
# Installs rxscale, with R and what else is missing on a Debian machine, and runs an analysis of the flights that come
# with it. All that the machine must have is a Rust toolchain.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

ensure_rust
ensure_r
ensure_r_packages Imports

# R's first library, or the user's own one where that is not writable.
library=$(Rscript -e '
  library <- .libPaths()[[1]]
  if (file.access(library, mode = 2) != 0) {
    library <- path.expand(Sys.getenv("R_LIBS_USER"))
    dir.create(library, recursive = TRUE, showWarnings = FALSE)
  }
  cat(library)
')
# Inside the installed package, so that the stamp is gone when another install replaces it.
stamp=$library/rxscale/sources.sha256
hash=$(sources_hash)
if [ "$(cat "$stamp" 2> /dev/null)" = "$hash" ]; then
  step "rxscale is up to date in $library"
else
  step "Installing rxscale in $library"
  tarball=$(build_tarball --no-build-vignettes)
  R CMD INSTALL --library="$library" "$tarball"
  echo "$hash" > "$stamp"
fi

step "Analysing the flights"
Rscript -e 'demo("flights", package = "rxscale", echo = FALSE, ask = FALSE)'
