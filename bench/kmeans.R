# k-means of a table in memory, ten clusters of five columns, twenty passes from given centres, against others on the
# same machine:
#   Rscript bench/kmeans.R [rows, 5 million] [folder for the files]
# Peers that are not installed are printed as missing: scikit-learn (Python), and the bare loop without cargo.

source("bench/compare.R")
arguments <- commandArgs(trailingOnly = TRUE)
rows <- if (length(arguments) > 0) as.integer(as.numeric(arguments[[1]])) else 5000000L
files <- if (length(arguments) > 1) bench_table(rows, arguments[[2]]) else bench_table(rows)
cores <- parallel::detectCores()
passes <- 20L

columns <- c("ArrDelay", "DepDelay", "CRSDepTime", "Distance", "Month")
listed <- paste0("'", columns, "'", collapse = ", ")
# Rows with missing values are none of k-means' in scikit-learn and R.
table_in_r <- c(
  "library(rxscale)",
  sprintf("columns <- c(%s)", listed),
  sprintf("numbers <- rxImport(RxParquetData('%s'), varsToKeep = columns)[columns]", files$parquet),
  "numbers <- as.data.frame(lapply(numbers[complete.cases(numbers), ], as.numeric))",
  "start <- unique(head(numbers, 100))[1:10, ]",
  "invisible(gc())"
)
one_thread <- "rxOptions(numCoresToUse = 1)"
formula <- paste("~", paste(columns, collapse = " + "))
fit <- function(data) {
  sprintf("suppressWarnings(rxKmeans(%s, %s, centers = start, maxIterations = %d))", formula, data, passes)
}

bare <- function(threads) {
  what <- c("run", "--release", "--quiet", "-p", "rx-stats", "--example", "bare_kmeans")
  list(command = "cargo", arguments = c(what, "--manifest-path", "src/rust/Cargo.toml", "--", rows, threads, passes))
}

scikit_learn <- python_case(
  sprintf("KMeans(10, init = centres, n_init = 1, max_iter = %d, tol = 0, algorithm = 'lloyd').fit(x)", passes),
  c(
    "import numpy, pyarrow.parquet, warnings", "from sklearn.cluster import KMeans", "warnings.simplefilter('ignore')",
    sprintf("table = pyarrow.parquet.read_table('%s', columns = [%s]).drop_null()", files$parquet, listed),
    "x = numpy.column_stack([table[name].to_numpy().astype(float) for name in table.column_names])",
    "centres = table.slice(0, 100).to_pandas().drop_duplicates().to_numpy(dtype = float)[:10]",
    "del table"
  )
)

compare(sprintf("k-means: %s, 10 clusters, %d passes", formula, passes), list(
  "rxKmeans" = r_case(fit("numbers"), table_in_r),
  "bare loop" = bare(cores),
  "scikit-learn" = scikit_learn,
  "rxKmeans, one thread" = r_case(fit("numbers"), c(table_in_r, one_thread)),
  "bare loop, one thread" = bare(1),
  "rxKmeans of an XDF file" = r_case(
    fit("file"),
    c(table_in_r, "file <- rxImport(numbers, tempfile(fileext = '.xdf'))", "rm(numbers)", "invisible(gc())")
  ),
  "kmeans of R" = r_case(
    sprintf("suppressWarnings(kmeans(x, s, iter.max = %d, algorithm = 'Lloyd'))", passes),
    c(table_in_r, "x <- as.matrix(numbers)", "s <- as.matrix(start)", "rm(numbers)", "invisible(gc())")
  )
))
