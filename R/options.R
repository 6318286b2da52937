#' Options of rxscale
#'
#' `rxOptions()` lists or sets the options that the functions of rxscale take their defaults from; `rxGetOption()` reads
#' one of them.
#'
#' Options that this engine acts on:
#'
#' * `numCoresToUse`: threads of an analysis, all cores unless R CMD check limits them to two. -1, or more than there
#'   are, means all. The answer is the same, bit for bit, whatever the number.
#' * `memoryLimitMB`: limit on the engine's heap in megabytes; NULL stands for a quarter of the machine's memory. It
#'   does not count R's own objects. (Not in RevoScaleR.)
#' * `blocksPerRead`: blocks of an XDF file that transforms see at once.
#' * `reportProgress`: 0 none, 1 rows processed, 2 rows and timings, 3 rows and all timings. The default is 2 in an
#'   interactive session and 0 in scripts (RevoScaleR: always 2).
#' * `xdfCompressionLevel`: 0 writes XDF files uncompressed, -1 and 1 to 3 compress with lz4, 4 to 9 with zstd.
#' * `defaultDecimalColType`: what columns of decimals in text become, `"numeric"` or `"float32"`. The default is
#'   `"numeric"`, doubles, since nothing is gained by losing digits (RevoScaleR: `"float32"`).
#' * `defaultMissingColType`: what columns of text without any value become: `"numeric"` (the default), `"float32"` or
#'   `"character"`.
#' * `dataPath`, `outDataPath`: folders where files with a relative name are searched and written, after the working
#'   directory.
#' * `sampleDataDir`: folder of the data that the package ships.
#' * `transformPackages`: packages that transforms see besides base.
#' * `computeContext`: where the work runs; see [rxSetComputeContext()].
#' * `dropMain`, `coefLabelStyle`: which aliased columns of a regression give way, and how its coefficients are named.
#' * `numDigits`: digits of numbers turned into text.
#'
#' All others are kept, so that scripts that set or read them go on working, but mean nothing here: there are no native
#' libraries to find (`libDir`, `linkDllName`, `cintSysDir`, `includeDir`), no cluster (`hdfsHost`, `hdfsPort`,
#' `unixRPath`, `mrsHadoopPath`, `numTasks`, the `spark.` options) and none of the old engine's switches
#' (`unitTestDir`, `unitTestDataDir`, `demoScriptsDir`, `rowDisplayMax`, `memStatsReset`, `memStatsDiff`,
#' `showTransformFn`, `useDoSMP`, `useSparseCube`, `rngBufferSize`, `traceLevel`).
#'
#' @param initialize TRUE resets all options to their defaults before setting those given.
#' @param libDir,linkDllName,cintSysDir,includeDir,unitTestDir,unitTestDataDir,demoScriptsDir,rowDisplayMax
#'   kept, without a meaning here.
#' @param memStatsReset,memStatsDiff,showTransformFn,useDoSMP,useSparseCube,rngBufferSize,numTasks,traceLevel
#'   kept, without a meaning here.
#' @param hdfsHost,hdfsPort,unixRPath,mrsHadoopPath kept, without a meaning here.
#' @param spark.executorCores,spark.executorMem,spark.executorOverheadMem,spark.numExecutors kept, without a meaning
#'   here.
#' @param fileSystem the file system of data sources; `"native"` is the only one supported.
#' @param sampleDataDir,blocksPerRead,reportProgress,numCoresToUse,numDigits,defaultDecimalColType,defaultMissingColType
#'   see Details.
#' @param computeContext,dataPath,outDataPath,transformPackages,xdfCompressionLevel,dropMain see Details.
#' @param coefLabelStyle,memoryLimitMB see Details.
#' @param ... unknown options: each is ignored with a warning that names the nearest one.
#' @param opt name of an option.
#' @param default what to return if there is no such option.
#' @return `rxOptions()` returns the options as they were before the call, as a list: visibly if called without
#'   arguments. `do.call(rxOptions, old)` brings them back. `rxGetOption()` returns the option's value.
#' @examples
#' old <- rxOptions(numCoresToUse = 2, reportProgress = 0)
#' rxGetOption("numCoresToUse")
#' do.call(rxOptions, old)
#' @export
rxOptions <- function(initialize = FALSE, libDir = system.file("libs", package = "rxscale"),
                      linkDllName = ifelse(.Platform$OS.type == "windows", "rxscale.dll", "rxscale.so"),
                      cintSysDir = "", includeDir = "",
                      unitTestDir = system.file("unitTests", package = "rxscale"),
                      unitTestDataDir = system.file("unitTestData", package = "rxscale"),
                      sampleDataDir = system.file("extdata", package = "rxscale"),
                      demoScriptsDir = system.file("demoScripts", package = "rxscale"), blocksPerRead = 1,
                      reportProgress = if (interactive()) 2 else 0,
                      rowDisplayMax = -1, memStatsReset = 0, memStatsDiff = 0, numCoresToUse = available_cores(),
                      numDigits = options()$digits,
                      showTransformFn = FALSE, defaultDecimalColType = "numeric", defaultMissingColType = "numeric",
                      computeContext = RxLocalSeq(), dataPath = ".", outDataPath = ".",
                      transformPackages = c("rxscale", "utils", "stats", "methods"), xdfCompressionLevel = 1,
                      fileSystem = "native", useDoSMP = NULL, useSparseCube = FALSE, rngBufferSize = 1, dropMain = TRUE,
                      coefLabelStyle = "Revo", numTasks = 1, hdfsHost = Sys.getenv("REVOHADOOPHOST"),
                      hdfsPort = as.integer(Sys.getenv("REVOHADOOPPORT")), unixRPath = "/usr/bin/Revo64-8",
                      mrsHadoopPath = "/usr/bin/mrs-hadoop", spark.executorCores = 2, spark.executorMem = "4g",
                      spark.executorOverheadMem = "4g", spark.numExecutors = 65535, traceLevel = 0,
                      memoryLimitMB = NULL, ...) {
  call <- match.call(expand.dots = FALSE)
  old <- current_options()
  check_argument(is_flag(initialize), "initialize", "TRUE or FALSE")
  warn_unknown(dot_names(...), option_names(), "option")
  given <- intersect(as.character(names(call)), option_names())
  values <- mget(given, envir = environment())
  for (name in given) {
    values[name] <- list(checked_option(name, values[[name]]))
  }
  if (initialize) {
    state$options <- default_options()
  }
  state$options[given] <- values
  if (nargs() == 0) old else invisible(old)
}

#' @rdname rxOptions
#' @export
rxGetOption <- function(opt, default = NULL) {
  check_argument(is_string(opt), "opt", "the name of an option")
  options <- current_options()
  if (opt %in% names(options)) options[[opt]] else default
}

# What the package remembers within a session.
state <- new.env(parent = emptyenv())

option_names <- function() setdiff(names(formals(rxOptions)), c("initialize", "..."))

#' The defaults are those of the arguments of rxOptions()
#'
#' @noRd
default_options <- function() {
  lapply(formals(rxOptions)[option_names()], eval, envir = environment(rxOptions))
}

current_options <- function() {
  if (is.null(state$options)) {
    state$options <- default_options()
  }
  state$options
}

#' Cores of the machine, or the two that R CMD check allows
#'
#' @noRd
available_cores <- function() {
  # Asking the system takes longer than a small analysis.
  cores <- state$cores <- state$cores %||% parallel::detectCores()
  limit <- tolower(Sys.getenv("_R_CHECK_LIMIT_CORES_"))
  if (is.na(cores)) {
    1L
  } else if (nzchar(limit) && limit != "false") {
    min(cores, 2L)
  } else {
    cores
  }
}

#' The option's value if it has the right type
#'
#' @noRd
checked_option <- function(name, value) {
  rule <- option_rules[[name]]
  if (!is.null(rule)) {
    check_argument(rule$ok(value), name, rule$must)
  }
  if (name == "computeContext") {
    value <- as_compute_context(value)
  }
  if (name == "fileSystem" && !identical(value, "native")) {
    rx_abort("unsupported", "No file system but \"native\" is supported yet.")
  }
  value
}

rule <- function(must, ok) list(must = must, ok = ok)

any_of <- function(...) {
  choices <- c(...)
  rule(paste0('"', choices, '"', collapse = " or "), function(x) is_string(x) && x %in% choices)
}

between <- function(low, high) {
  rule(sprintf("a whole number from %g to %g", low, high), function(x) is_whole(x) && x >= low && x <= high)
}

positive <- rule("a positive whole number", function(x) is_count(x) && x > 0)

# What the options that the engine acts on may be. Options without a meaning take anything.
option_rules <- list(
  blocksPerRead = positive,
  reportProgress = between(0, 3),
  numCoresToUse = rule("a positive whole number, or -1 for all", function(x) is_whole(x) && (x > 0 || x == -1)),
  numDigits = between(1, 22),
  defaultDecimalColType = any_of("numeric", "float32"),
  defaultMissingColType = any_of("numeric", "float32", "character"),
  dataPath = rule("a character vector of folders", is_strings),
  outDataPath = rule("a character vector of folders", is_strings),
  sampleDataDir = rule("a string", is_string),
  transformPackages = rule("a character vector or NULL", function(x) is.null(x) || is_strings(x)),
  xdfCompressionLevel = between(-1, 9),
  dropMain = rule("TRUE or FALSE", is_flag),
  coefLabelStyle = any_of("Revo", "R"),
  memoryLimitMB = rule("a positive number or NULL", function(x) is.null(x) || (is_number(x) && x > 0))
)
