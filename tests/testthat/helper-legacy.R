# Files of Microsoft's XDF format: genuine ones whose licence allows to keep them here, others where they are, and made
# ones of the test-only writer in src/rust/crates/rx-data/src/xdf_legacy/writer.rs.

# A genuine file; of those that may not be copied, in the folder `shared` beside the package, if there is one.
legacy_file <- function(name) {
  copied <- test_path("fixtures", "legacy", name)
  if (file.exists(copied)) {
    return(normalizePath(copied))
  }
  folders <- Reduce(function(folder, i) dirname(folder), 1:6, normalizePath(test_path()), accumulate = TRUE)
  places <- c(file.path(folders, "shared", "data", "xdf", name), file.path(folders, "shared", "data", name))
  found <- places[file.exists(places)]
  if (length(found) == 0) {
    skip(sprintf("%s may not be copied into the package", name))
  }
  found[[1]]
}

# A copy that may be changed.
legacy_copy <- function(name, env = parent.frame()) {
  folder <- withr::local_tempdir(.local_envir = env)
  file.copy(legacy_file(name), folder)
  path <- file.path(folder, name)
  Sys.chmod(path, "644")
  path
}
