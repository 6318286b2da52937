test_that("workers have their share of the cores, this session's options and folder, and a clean workspace", {
  local_workers()
  withr::local_dir(withr::local_tempdir())
  old <- rxOptions(numDigits = 3)
  withr::defer(do.call(rxOptions, old))
  seen <- rxExec(function(x) list(
    rxGetOption("numCoresToUse"), rxGetOption("numDigits"), class(rxGetComputeContext())[1], basename(getwd())
  ), rxElemArg(1:2))[[1]]
  expect_equal(seen, list(max(1, job_options(0)$threads %/% 2), 3, "RxLocalSeq", basename(getwd())))
  leave <- function(x) {
    assign("left_behind", 1, envir = globalenv())
    Sys.sleep(0.2)
  }
  look <- function(x) {
    Sys.sleep(0.2)
    exists("left_behind", envir = globalenv())
  }
  rxExec(leave, rxElemArg(1:2))
  expect_false(any(unlist(rxExec(look, rxElemArg(1:2)))))
  rxExec(leave, rxElemArg(1:2), autoCleanup = FALSE)
  expect_true(any(unlist(rxExec(look, rxElemArg(1:2)))))
})

test_that("workers load the rxscale that this session has, wherever it was installed", {
  skip_on_os("windows")
  folder <- withr::local_tempdir()
  dir.create(file.path(folder, "library"))
  installed <- getNamespaceInfo("rxscale", "path")
  skip_if_not(file.exists(file.path(installed, "Meta")), "the package is not installed")
  file.symlink(installed, file.path(folder, "library", "rxscale"))
  script <- file.path(folder, "script.R")
  writeLines(c(
    "library(rxscale, lib.loc = commandArgs(TRUE))",
    "rxSetComputeContext(RxLocalParallel())",
    "cat(unlist(rxExec(function(x) x^2, rxElemArg(1:3))))"
  ), script)
  libraries <- setdiff(.libPaths(), dirname(installed))
  out <- system2(
    file.path(R.home("bin"), "Rscript"), c("--vanilla", shQuote(script), shQuote(file.path(folder, "library"))),
    env = c(paste0("R_LIBS=", shQuote(paste(libraries, collapse = ":"))), "R_TESTS="), stdout = TRUE, stderr = TRUE
  )
  expect_identical(utils::tail(out, 1), "1 4 9")
})
