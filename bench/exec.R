# Tasks of rxExec beside parallel's parLapplyLB, future.apply and foreach/doParallel in one run, on two workers each:
#   Rscript bench/exec.R

library(rxscale)
old <- rxOptions(numCoresToUse = 2)
rxSetComputeContext("localpar")
cluster <- parallel::makeCluster(2)

# The best and the median of some runs, after one that does not count.
measured <- function(what, who, expr, runs) {
  code <- substitute(expr)
  frame <- parent.frame()
  eval(code, frame)
  seconds <- vapply(seq_len(runs), function(run) {
    start <- Sys.time()
    eval(code, frame)
    as.numeric(Sys.time() - start, units = "secs")
  }, 0)
  cat(sprintf("%-24s %-20s best %9.2f ms, median %9.2f ms\n", what, who, 1e3 * min(seconds), 1e3 * median(seconds)))
}

tiny <- function(x) x + 1
heavy <- function(x) {
  stop_at <- proc.time()[["user.self"]] + 0.25
  while (proc.time()[["user.self"]] < stop_at) sqrt(x)
  x
}
missing <- function(who) cat(sprintf("%-45s missing: not installed\n", who))

cases <- list(
  list("a second call, 2 tasks", 2, tiny, 200), list("10,000 tiny tasks", 10000, tiny, 10),
  list("8 heavy ones", 8, heavy, 2)
)
has_future <- requireNamespace("future.apply", quietly = TRUE)
if (has_future) future::plan(future::multisession, workers = 2)
has_foreach <- requireNamespace("doParallel", quietly = TRUE)
if (has_foreach) {
  doParallel::registerDoParallel(cluster)
  `%dopar%` <- foreach::`%dopar%`
}
for (case in cases) {
  x <- seq_len(case[[2]])
  fun <- case[[3]]
  runs <- case[[4]]
  few <- min(runs, 3)
  measured(case[[1]], "rxExec", rxExec(fun, rxElemArg(x)), runs)
  measured(case[[1]], "parLapplyLB", parallel::parLapplyLB(cluster, x, fun), runs)
  if (has_future) {
    measured(case[[1]], "future.apply", future.apply::future_lapply(x, fun), few)
  } else {
    missing("future.apply")
  }
  if (has_foreach) {
    measured(case[[1]], "foreach/doParallel", foreach::foreach(i = x) %dopar% fun(i), few)
  } else {
    missing("foreach/doParallel")
  }
}
if (has_future) future::plan(future::sequential)
parallel::stopCluster(cluster)
do.call(rxOptions, old)
