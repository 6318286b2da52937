test_that("the engine is loaded and carries the version of the package", {
  expect_identical(rx_engine_version(), as.character(utils::packageVersion("rxscale")))
})

test_that("the shared library exports nothing but its own entry", {
  skip_on_os(c("windows", "mac", "solaris"))
  skip_if(Sys.which("nm") == "", "nm is not installed")
  library_file <- getLoadedDLLs()[["rxscale"]][["path"]]
  defined <- system2("nm", c("--dynamic", "--defined-only", shQuote(library_file)), stdout = TRUE)
  expect_identical(sub(".* ", "", defined), "R_init_rxscale")
})
