# Writes src/Makevars from src/Makevars.in. Run by configure, in the root of the package.
#
# Variables of the environment:
#   RXSCALE_TARGET_DIR  a folder that keeps compiled code between installs. The Rust sources are mirrored into it, so
#                       that they compile once, whatever temporary folders R unpacks them to.
#   RXSCALE_JOBS        how many crates are compiled at once.
#   RXSCALE_FEATURES    cargo features to switch on, for tests.

source(file.path("tools", "msrv.R"))

windows <- .Platform$OS.type == "windows"

# The files under `folder` that are sources, relative to it.
list_sources <- function(folder) {
  generated <- c("target", "vendor", ".cargo")
  entries <- setdiff(list.files(folder, all.files = TRUE, no.. = TRUE), generated)
  files <- lapply(entries, function(entry) {
    path <- file.path(folder, entry)
    if (dir.exists(path)) file.path(entry, list.files(path, recursive = TRUE, all.files = TRUE)) else entry
  })
  as.character(unlist(files))
}

# Makes the sources in `to` equal to those in `from`. A file that is the same already is not touched: cargo goes by
# modification times.
mirror <- function(from, to) {
  wanted <- list_sources(from)
  unlink(file.path(to, setdiff(list_sources(to), wanted)))
  checksum <- function(root) unname(tools::md5sum(file.path(root, wanted)))
  same <- (checksum(from) == checksum(to)) %in% TRUE
  for (file in wanted[!same]) {
    dir.create(dirname(file.path(to, file)), recursive = TRUE, showWarnings = FALSE)
    file.copy(file.path(from, file), file.path(to, file), overwrite = TRUE)
  }
}

# Unpacks the crates that tools/vendor.sh put into the package, with the cargo configuration that points to them.
# Without them removes what an earlier install unpacked. Returns whether there are any.
unpack_vendored <- function(rust_dir) {
  archive <- file.path(rust_dir, "vendor.tar.xz")
  unpacked <- file.path(rust_dir, c("vendor", ".cargo"))
  if (!file.exists(archive)) {
    unlink(unpacked, recursive = TRUE)
    return(FALSE)
  }
  if (!all(file.exists(unpacked)) || any(file.mtime(unpacked) < file.mtime(archive))) {
    unlink(unpacked, recursive = TRUE)
    utils::untar(archive, exdir = rust_dir, extras = "-m")
  }
  TRUE
}

# Libraries and flags that linking Rust's static library needs on this system.
link_flags <- function() {
  switch(Sys.info()[["sysname"]],
    Darwin = "-framework CoreFoundation -Wl,-dead_strip -Wl,-exported_symbol,_R_init_rxscale",
    Windows = "-lws2_32 -ladvapi32 -luserenv -lbcrypt -lntdll -lole32",
    "-lpthread -ldl -Wl,--exclude-libs,ALL -Wl,--gc-sections -Wl,--strip-debug"
  )
}

cargo_bin <- find_cargo()

shared <- Sys.getenv("RXSCALE_TARGET_DIR")
if (nzchar(shared)) {
  dir.create(shared, recursive = TRUE, showWarnings = FALSE)
  shared <- normalizePath(shared, winslash = "/")
  rust_dir <- file.path(shared, "rxscale-sources")
  target_dir <- shared
  mirror(file.path("src", "rust"), rust_dir)
} else {
  rust_dir <- normalizePath(file.path("src", "rust"), winslash = "/")
  target_dir <- file.path(rust_dir, "target")
}

vendored <- unpack_vendored(rust_dir)

# A package with vendored crates is one for repositories, where a build may use two cores; so is a run of R CMD check.
polite <- vendored || nzchar(Sys.getenv("_R_CHECK_LIMIT_CORES_"))
jobs <- Sys.getenv("RXSCALE_JOBS", if (polite) "2" else "")
features <- Sys.getenv("RXSCALE_FEATURES")

makevars <- file.path("src", if (windows) "Makevars.win" else "Makevars")
values <- c(
  CARGO_BIN = cargo_bin,
  RUST_DIR = rust_dir,
  TARGET_DIR = target_dir,
  CARGO_HOME = if (vendored) file.path(rust_dir, ".cargo") else "",
  CARGO_FLAGS = paste(
    c(
      if (vendored) "--offline",
      if (nzchar(jobs)) c("--jobs", jobs),
      if (nzchar(features)) c("--features", features)
    ),
    collapse = " "
  ),
  LINK_FLAGS = link_flags()
)
lines <- readLines(paste0(makevars, ".in"))
for (name in names(values)) {
  lines <- gsub(paste0("@", name, "@"), values[[name]], lines, fixed = TRUE)
}
writeLines(lines, makevars)
