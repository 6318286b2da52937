# Logistic regressions of a table in memory, against others on the same machine:
#   Rscript bench/glm.R [rows, 5 million] [folder for the files]
# Peers that are not installed are printed as missing: h2o, scikit-learn (Python), and the bare loop without cargo.

source("bench/compare.R")
arguments <- commandArgs(trailingOnly = TRUE)
rows <- if (length(arguments) > 0) as.integer(as.numeric(arguments[[1]])) else 5000000L
files <- if (length(arguments) > 1) bench_table(rows, arguments[[2]]) else bench_table(rows)
cores <- parallel::detectCores()
part <- min(rows, 500000L)

table_in_r <- c(
  "library(rxscale)",
  sprintf("flights <- rxImport(RxParquetData('%s'))", files$parquet),
  "texts <- names(Filter(is.character, flights))",
  "flights[texts] <- lapply(flights[texts], factor)"
)
one_thread <- "rxOptions(numCoresToUse = 1)"
numbers <- c("CRSDepTime", "Distance", "DepDelay")

h2o_fit <- function(variables) {
  python_case(
    sprintf("fit([%s])", paste0("'", variables, "'", collapse = ", ")),
    c(
      "import h2o", "from h2o.estimators import H2OGeneralizedLinearEstimator", "h2o.init(max_mem_size = '6g')",
      sprintf("table = h2o.import_file('%s')", files$parquet),
      "for text in ('DayOfWeek', 'Carrier', 'Origin', 'Dest', 'Late'): table[text] = table[text].asfactor()",
      "def fit(x):",
      "    model = H2OGeneralizedLinearEstimator(family = 'binomial', lambda_ = 0, solver = 'IRLSM',",
      "                                          compute_p_values = True)",
      "    model.train(x = x, y = 'Late', training_frame = table)"
    )
  )
}

sklearn_fit <- function(factors) {
  listed <- function(names) paste0("'", names, "'", collapse = ", ")
  python_case(
    "LogisticRegression(penalty = None, solver = 'newton-cholesky', tol = 1e-6, max_iter = 50).fit(x, y)",
    c(
      "import numpy, scipy.sparse, pyarrow.parquet", "from sklearn.linear_model import LogisticRegression",
      "from sklearn.preprocessing import OneHotEncoder",
      sprintf("table = pyarrow.parquet.read_table('%s').drop_null().to_pandas()", files$parquet),
      "y = table['Late'].to_numpy()",
      sprintf("levels = OneHotEncoder(drop = 'first').fit_transform(table[[%s]])", listed(factors)),
      sprintf("numbers = table[[%s]].to_numpy(dtype = float)", listed(numbers)),
      if (length(factors) > 1) {
        "x = scipy.sparse.hstack([levels, numbers]).tocsr()"
      } else {
        "x = numpy.hstack([levels.toarray(), numbers])"
      },
      "del table, levels, numbers"
    )
  )
}

# The same passes over decoded columns without missing values, and nothing else.
bare <- function(threads, passes, airports) {
  what <- c("run", "--release", "--quiet", "-p", "rx-stats", "--example", "bare_logit")
  list(command = "cargo", arguments = c(
    what, "--manifest-path", "src/rust/Cargo.toml", "--", rows, threads, passes, as.integer(airports)
  ))
}

for (factors in list("DayOfWeek", c("Origin", "Dest"))) {
  formula <- sprintf("Late ~ %s", paste(c(factors, numbers), collapse = " + "))
  fit <- sprintf("rxLogit(%s, flights)", formula)
  # The pass that told of convergence counts.
  counted <- suppressWarnings(as.integer(tail(system2(
    file.path(R.home("bin"), "Rscript"),
    c("-e", shQuote(paste(c(table_in_r, sprintf("cat('\\n', %s$iter, '\\n')", fit)), collapse = "; "))),
    stdout = TRUE
  ), 1)))
  compare(sprintf("%s: %d passes", formula, counted), list(
    "rxLogit" = r_case(fit, table_in_r),
    "bare loop" = bare(cores, counted, length(factors) > 1),
    "rxLogit, one thread" = r_case(fit, c(table_in_r, one_thread)),
    "bare loop, one thread" = bare(1, counted, length(factors) > 1),
    "rxLogit of an XDF file" = r_case(
      sprintf("rxLogit(%s, file)", formula),
      c(table_in_r, "file <- rxImport(flights, tempfile(fileext = '.xdf'))", "rm(flights)", "invisible(gc())")
    ),
    "rxGlm, poisson" = r_case(sprintf("rxGlm(%s, flights, family = poisson())", formula), table_in_r),
    "h2o, without its Java heap" = h2o_fit(c(factors, numbers)),
    "scikit-learn" = sklearn_fit(factors)
  ))
  if (length(factors) == 1) {
    cat(sprintf("of %d rows:\n", part))
    some <- c(table_in_r, sprintf("flights <- flights[1:%d, ]", part))
    compare(formula, list(
      "rxLogit" = r_case(fit, some), "glm" = r_case(sprintf("glm(%s, binomial, flights)", formula), some)
    ))
  }
}
