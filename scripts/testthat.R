# Runs the R tests on the installed package, also those that R CMD check leaves out, and writes how many passed, failed
# and were skipped to the file named by the argument.
Sys.setenv(NOT_CRAN = "true")
results <- testthat::test_dir(
  file.path("tests", "testthat"),
  package = "rxscale",
  load_package = "installed",
  reporter = "progress",
  stop_on_failure = FALSE
)
tests <- as.data.frame(results)
failed <- tests$failed > 0 | tests$error
skipped <- tests$skipped & !failed
writeLines(paste(sum(!failed & !skipped), sum(failed), sum(skipped)), commandArgs(trailingOnly = TRUE)[[1]])
if (any(failed)) quit(status = 1)
