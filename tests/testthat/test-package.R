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

test_that("no analysis calls functions of R that fit, tabulate or read data", {
  forbidden <- c(
    "lm", "lm.fit", "lm.wfit", "glm", "glm.fit", "table", "tapply", "aggregate", "by", "xtabs", "ftable",
    "model.matrix", "model.frame", "read.csv", "read.table", "scan", "quantile", "cov", "cor", "var", "sd", "chol", "qr", "svd"
  )
  calls <- function(code) {
    if (!is.call(code)) {
      return(character())
    }
    head <- code[[1]]
    name <- if (is_call_to(head, "::")) head[[3]] else head
    parts <- Filter(function(part) !identical(part, quote(expr = )), as.list(code)) # nolint: spaces_inside_linter.
    c(if (is.name(name)) as.character(name), unlist(lapply(parts, calls)))
  }
  namespace <- asNamespace("rxscale")
  functions <- Filter(is.function, mget(ls(namespace, all.names = TRUE), namespace))
  # These make objects for base R out of a finished fit.
  functions <- functions[setdiff(names(functions), c("base_coding", "base_factor"))]
  called <- lapply(functions, function(fun) intersect(calls(body(fun)), forbidden))
  expect_identical(Filter(length, called), stats::setNames(list(), character()))
  expect_identical(calls(quote(stats::lm(table(x)[, 1]))), c("lm", "::", "[", "table"))
})
