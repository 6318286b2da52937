# Sourced by the benchmarks: runs the same step in rxscale and in others and prints one table. Every case is a process
# of its own that does the step three times; its best time counts, and the peak of its memory stands beside it.

# What can be measured: R expressions and Python statements, each with what comes untimed before all runs (`setup`) and
# before each of them (`before`). The peak may be that above what the process had before the step.
r_case <- function(code, setup = "library(rxscale)", before = "NULL", above = FALSE) {
  script <- c(
    setup,
    "memory <- function(what) as.numeric(gsub('[^0-9]', '', grep(what, readLines('/proc/self/status'), value = TRUE)))",
    if (above) "cat('5', file = '/proc/self/clear_refs')",
    sprintf("had <- %s", if (above) "memory('^VmRSS')" else "0"),
    "times <- numeric(3)",
    "for (i in 1:3) {",
    before,
    sprintf("times[[i]] <- system.time(%s)[['elapsed']]", code),
    "}",
    "cat('\\nMEASURED', min(times), memory('^VmHWM') - had, '\\n')"
  )
  list(command = file.path(R.home("bin"), "Rscript"), script = script, extension = ".R")
}

python_case <- function(code, setup, before = "pass") {
  script <- c(
    "import re, time", setup, "times = []", "for i in range(3):", paste0("    ", before),
    "    start = time.perf_counter()", paste0("    ", code), "    times.append(time.perf_counter() - start)",
    "peak = re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read()).group(1)",
    "print('\\nMEASURED', min(times), peak)"
  )
  # R's own libraries are not meant for Python.
  list(command = "python3", script = script, extension = ".py", env = "LD_LIBRARY_PATH=")
}

run_case <- function(case) {
  arguments <- case$arguments
  if (is.null(arguments)) {
    arguments <- tempfile(fileext = case$extension)
    on.exit(unlink(arguments))
    writeLines(case$script, arguments)
  }
  output <- suppressWarnings(tryCatch(
    system2(case$command, arguments, stdout = TRUE, stderr = FALSE, env = as.character(case$env)),
    error = function(e) character()
  ))
  line <- grep("^MEASURED", output, value = TRUE)
  if (length(line) == 1) as.numeric(strsplit(line, " ")[[1]][2:3]) / c(1, 1024) else c(NA, NA)
}

# Prints seconds, megabytes, and how long each takes compared with the first case, which is rxscale's.
compare <- function(step, cases) {
  measured <- vapply(cases, run_case, numeric(2))
  cat("\n", step, "\n", sep = "")
  for (name in names(cases)) {
    seconds <- measured[1, name]
    if (is.na(seconds)) {
      cat(sprintf("  %-28s missing: not installed, or it failed\n", name))
    } else {
      ratio <- seconds / measured[1, 1]
      cat(sprintf("  %-28s %8.3f s %7.2f x %7.0f MB peak\n", name, seconds, ratio, measured[2, name]))
    }
  }
  invisible(measured)
}

# The table of so many rows as a csv and a Parquet file, made once.
bench_table <- function(rows, folder = file.path(tempdir(), "bench")) {
  dir.create(folder, showWarnings = FALSE, recursive = TRUE)
  csv <- file.path(folder, sprintf("flights-%d.csv", rows))
  parquet <- sub("csv$", "parquet", csv)
  if (!file.exists(csv)) {
    generate <- c("bench/generate.py", format(rows, scientific = FALSE), csv, "--parquet", parquet)
    status <- system2("python3", generate, env = "LD_LIBRARY_PATH=")
    stopifnot("The table is made by Python with numpy and pyarrow." = status == 0)
  }
  list(csv = csv, parquet = parquet)
}
