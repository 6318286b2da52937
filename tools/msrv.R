# Finds a Rust toolchain that is new enough. Used by configure, through config.R.

# The oldest rustc that can compile the engine, as DESCRIPTION states it.
required_rust <- function() {
  requirements <- read.dcf("DESCRIPTION", fields = "SystemRequirements")[[1]]
  sub(".*rustc \\(>= ([0-9.]+)\\).*", "\\1", gsub("\\s+", " ", requirements))
}

# The version that `tool` in `folder` reports, or NULL if it does not run.
tool_version <- function(folder, tool) {
  program <- file.path(folder, if (.Platform$OS.type == "windows") paste0(tool, ".exe") else tool)
  if (!file.exists(program)) {
    return(NULL)
  }
  answer <- suppressWarnings(system2(program, "--version", stdout = TRUE, stderr = FALSE))
  version <- regmatches(answer, regexpr("[0-9]+\\.[0-9]+\\.[0-9]+", answer))
  if (length(version) == 0) NULL else package_version(version[[1]])
}

# The folder of the first cargo that comes with a new enough rustc: along PATH, then where rustup puts it. Without one,
# ends R with one sentence that says what is missing and how to get it.
find_cargo <- function() {
  required <- required_rust()
  cargo_home <- Sys.getenv("CARGO_HOME", file.path(path.expand("~"), ".cargo"))
  folders <- c(strsplit(Sys.getenv("PATH"), .Platform$path.sep, fixed = TRUE)[[1]], file.path(cargo_home, "bin"))
  found <- NULL
  for (folder in unique(folders[nzchar(folders)])) {
    cargo <- tool_version(folder, "cargo")
    rustc <- tool_version(folder, "rustc")
    if (is.null(cargo) || is.null(rustc)) next
    if (rustc >= required) {
      message("using cargo ", cargo, " and rustc ", rustc, " in ", folder)
      return(folder)
    }
    if (is.null(found)) found <- rustc
  }
  needed <- paste0("rxscale is compiled with Rust ", required, " or newer, and ")
  message(
    needed,
    if (is.null(found)) {
      "no cargo was found in PATH or ~/.cargo/bin: install it with rustup from https://rustup.rs and try again."
    } else {
      paste0("only ", found, " was found: run `rustup update`, or get rustup from https://rustup.rs, and try again.")
    }
  )
  quit(save = "no", status = 1)
}
