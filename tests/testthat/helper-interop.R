# Other tools that read and write Arrow and Parquet.

# Runs a Python script in a folder; skips the test if Python or a module is missing. Returns what the script prints.
python <- function(script, folder, modules) {
  skip_on_cran()
  # R's path of libraries leads a Python of one's own to the system's library.
  withr::local_envvar(LD_LIBRARY_PATH = NA)
  imports <- paste("import", paste(modules, collapse = ", "))
  missing <- suppressWarnings(system2("python3", c("-c", shQuote(imports)), stdout = FALSE, stderr = FALSE)) != 0
  skip_if(missing, paste("python3 with", paste(modules, collapse = ", "), "is not here"))
  file <- withr::local_tempfile(fileext = ".py")
  writeLines(enc2utf8(script), file, useBytes = TRUE)
  withr::with_dir(folder, system2("python3", file, stdout = TRUE))
}
