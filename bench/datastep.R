# Transforms and row selection of the table that generate.py makes, in memory and from files, beside data.table and (by
# datastep.py) duckdb and polars in the same run:
#   python3 bench/generate.py 5e6 /tmp/b.csv --parquet /tmp/b.parquet
#   Rscript bench/datastep.R /tmp/b.csv /tmp/b.parquet [threads]

library(rxscale)

arguments <- commandArgs(trailingOnly = TRUE)
csv <- arguments[1]
parquet <- arguments[2]
threads <- if (length(arguments) > 2) as.integer(arguments[3]) else parallel::detectCores()
rxOptions(numCoresToUse = threads, reportProgress = 0)

# The best of three runs.
measured <- function(what, who, expr) {
  code <- substitute(expr)
  frame <- parent.frame()
  seconds <- min(vapply(1:3, function(run) system.time(eval(code, frame))[["elapsed"]], 0))
  cat(sprintf("%-34s %-28s %7.2f s\n", what, who, seconds))
}

asked <- quote(list(
  Gain = DepDelay - ArrDelay, Hour = floor(CRSDepTime), Km = Distance * 1.609344, Speedy = Km / (1 + abs(Gain)),
  VeryLate = ifelse(is.na(ArrDelay), FALSE, ArrDelay > 60), Band = cut(Distance, c(0, 500, 1500, 5000))
))
by_hand <- function(chunk) {
  chunk$Gain <- chunk$DepDelay - chunk$ArrDelay
  chunk$Hour <- floor(chunk$CRSDepTime)
  chunk$Km <- chunk$Distance * 1.609344
  chunk$Speedy <- chunk$Km / (1 + abs(chunk$Gain))
  chunk$VeryLate <- ifelse(is.na(chunk$ArrDelay), FALSE, chunk$ArrDelay > 60)
  chunk$Band <- cut(chunk$Distance, c(0, 500, 1500, 5000))
  chunk
}
step <- function(...) {
  do.call(rxDataStep, list(..., transforms = asked, overwrite = TRUE, maxRowsByCols = NULL))
}
chosen <- quote(ArrDelay > 60 & Origin %in% c("A000", "A001", "A002") & Month <= 6)
select <- function(...) do.call(rxDataStep, list(..., rowSelection = chosen, overwrite = TRUE, maxRowsByCols = NULL))

xdf <- tempfile(fileext = ".xdf")
out <- tempfile(fileext = c(".xdf", ".parquet", ".csv"))
frame <- rxImport(RxParquetData(parquet))
invisible(rxImport(frame, xdf))
cat(sprintf("%s rows, %d threads\n", format(nrow(frame), big.mark = ","), threads))

what <- "six columns, in memory"
measured(what, "rxscale", step(frame, varsToDrop = names(frame)))
measured(what, "rxscale, transformFunc in R", rxDataStep(
  frame,
  transformFunc = by_hand, transformVars = c("ArrDelay", "DepDelay", "CRSDepTime", "Distance"),
  varsToDrop = names(frame)
))
measured(what, "R", by_hand(frame)[-seq_along(frame)])
what <- "six columns, XDF to XDF"
measured(what, "rxscale", step(xdf, out[1]))
measured(what, "rxscale, transformFunc in R", rxDataStep(xdf, out[1], transformFunc = by_hand, overwrite = TRUE))
what <- "six columns, Parquet to Parquet"
measured(what, "rxscale", step(RxParquetData(parquet), RxParquetData(out[2])))
what <- "six columns, CSV to CSV"
measured(what, "rxscale", step(RxTextData(csv), RxTextData(out[3])))

measured("selection, in memory", "rxscale", select(frame))
measured("selection, in memory", "R", frame[which(eval(chosen, frame)), ])
measured("selection, XDF to XDF", "rxscale", select(xdf, out[1]))
measured("selection, Parquet to Parquet", "rxscale", select(RxParquetData(parquet), RxParquetData(out[2])))

if (requireNamespace("data.table", quietly = TRUE)) {
  data.table::setDTthreads(threads)
  table <- data.table::as.data.table(frame)
  work <- function(table) {
    table[, .(
      Gain = DepDelay - ArrDelay, Hour = floor(CRSDepTime), Km = Distance * 1.609344,
      Speedy = Distance * 1.609344 / (1 + abs(DepDelay - ArrDelay)),
      VeryLate = data.table::fifelse(is.na(ArrDelay), FALSE, ArrDelay > 60),
      Band = cut(Distance, c(0, 500, 1500, 5000))
    )]
  }
  measured("six columns, in memory", "data.table", work(table))
  measured("six columns, CSV to CSV", "data.table", {
    read <- data.table::fread(csv)
    data.table::fwrite(cbind(read, work(read)), out[3])
  })
  measured("selection, in memory", "data.table", table[eval(chosen)])
} else {
  cat("data.table: not installed\n")
}
rm(frame)
script <- file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))), "datastep.py")
# The libraries of R are not those of Python.
invisible(system2("python3", c(script, csv, parquet, threads), env = "LD_LIBRARY_PATH="))
unlink(c(xdf, out))
