# Files of Microsoft's XDF format: genuine ones whose licence allows to keep them here, others where they are, and made
# ones of the test-only writer in src/rust/crates/rx-data/src/xdf_legacy/writer.rs.

# A genuine file; of those that may not be copied, in the folder `shared` beside the package, if there is one.
legacy_file <- function(name) {
  copied <- test_path("fixtures", "legacy", name)
  if (file.exists(copied)) {
    return(normalizePath(copied))
  }
  # The largest lies a folder above the others.
  shared_data(if (name == "ADS.xdf") name else file.path("xdf", name))
}

# A copy that may be changed.
legacy_copy <- function(name, env = parent.frame()) {
  folder <- withr::local_tempdir(.local_envir = env)
  file.copy(legacy_file(name), folder)
  path <- file.path(folder, name)
  Sys.chmod(path, "644")
  path
}
