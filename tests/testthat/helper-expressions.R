# Expressions made at random, of every type that compiles, over columns with all that is awkward in them.

awkward_data <- function(rows = 9000) {
  pick <- function(values) sample(values, rows, replace = TRUE)
  data.frame(
    x = pick(c(NA, NaN, Inf, -Inf, 0, -0.0, 1, -1, 2.5, -2.5, 0.5, 1e-300, 1e300, round(stats::rnorm(40) * 100, 2))),
    y = pick(c(NA, stats::rnorm(50))), i = pick(c(NA, 0L, 1L, -1L, .Machine$integer.max, -.Machine$integer.max, -9:9)),
    k = pick(c(NA, 1:7)), b = pick(c(TRUE, FALSE, NA)),
    s = pick(c("a", "b", "", NA, "\u00e9t\u00e9", "NA", "T", "abc")),
    u = sprintf("id%d", sample.int(rows)),
    f = factor(pick(c("low", "mid", "high", NA)), c("low", "mid", "high", "none")),
    o = factor(pick(c("S", "M", "L", NA)), c("S", "M", "L"), ordered = TRUE),
    d = as.Date("2013-01-01") + pick(c(NA, -20000:20000)),
    t = as.POSIXct(pick(c(NA, 1e9 + 0:50 * 1000.5)), origin = "1970-01-01", tz = "UTC"),
    stringsAsFactors = FALSE
  )
}

# An expression of a type; `depth` bounds how deep it nests.
random_expression <- function(type, depth) {
  one_of <- function(...) {
    choices <- as.list(substitute(list(...)))[-1]
    eval(choices[[sample.int(length(choices), 1)]], parent.frame())
  }
  e <- function(type) random_expression(type, depth - 1)
  number <- function() e(sample(c("numeric", "integer", "logical"), 1, prob = c(3, 2, 1)))
  make <- function(fun, ...) as.call(list(as.name(fun), ...))
  any_of <- function(...) sample(c(...), 1)
  leaf <- depth <= 0
  switch(type,
    numeric = if (leaf) {
      one_of(quote(x), quote(y), sample(c(0, 1, 2, -1.5, 1e3, NA, Inf), 1))
    } else {
      one_of(
        make(any_of("+", "-", "*", "/"), e("numeric"), number()), make("^", number(), number()),
        make("/", number(), number()), make(any_of("%%", "%/%"), quote(y), sample(c(1, 2, 7, -3, 24, 0), 1)),
        make(any_of("%%", "%/%"), e("integer"), sample(c(1, 2, 7, -3, 24, 0), 1)),
        make("-", e("numeric")), make(any_of("sqrt", "exp", "log", "log2", "log10", "log1p", "expm1"), number()),
        make(any_of("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh"), number()),
        make(any_of("floor", "ceiling", "trunc", "round", "sign", "abs"), e("numeric")),
        make("round", e("numeric"), sample(1:5, 1)), make("log", number(), sample(c(2, 10, 3), 1)),
        make("ifelse", e("logical"), e("numeric"), e("numeric")), make(any_of("pmin", "pmax"), quote(y), e("integer")),
        make("as.numeric", e(any_of("integer", "logical", "date", "time", "factor"))),
        make("as.numeric", make("-", quote(d), e("date"))),
        make("as.numeric", make("difftime", quote(t), quote(t), units = any_of("secs", "mins", "hours", "days")))
      )
    },
    integer = if (leaf) {
      one_of(quote(i), quote(k), sample(c(0L, 1L, -3L, 100000L, NA), 1))
    } else {
      one_of(
        make(any_of("+", "-", "*", "%%", "%/%"), e("integer"), e(any_of("integer", "logical"))),
        make("-", e("integer")), make("abs", e("integer")), make("as.integer", number()),
        make("as.integer", e("factor")), make("nchar", e("text")), make("match", e("text"), quote(c("a", "", NA, "b"))),
        make("match", e("integer"), quote(c(1, 2, NA, 7))), make(any_of("pmin", "pmax"), e("integer"), e("integer")),
        make("ifelse", e("logical"), e("integer"), e("integer")),
        make("cut", e("numeric"), quote(c(-10, -1, 0, 2.5, 100)), labels = FALSE, right = sample(c(TRUE, FALSE), 1))
      )
    },
    logical = if (leaf) {
      one_of(quote(b), TRUE, NA)
    } else {
      one_of(
        make(any_of("==", "!=", "<", "<=", ">", ">="), number(), number()),
        make(any_of("==", "!="), e("text"), any_of("a", "", "T")), make(any_of("==", "!="), e("text"), e("text")),
        make(any_of("==", "!="), e("factor"), any_of("low", "none", "S", "nowhere")),
        make(any_of("<", "<=", ">", ">="), quote(o), any_of("S", "M", "nowhere")),
        make(any_of("==", "<", ">="), e("date"), any_of("2013-01-31", "1960-02-29")),
        make(any_of("==", "<", ">="), e("date"), e("date")), make(any_of("<", ">="), e("time"), e("time")),
        make(any_of("&", "|", "xor"), e("logical"), e("logical")), make("!", e("logical")),
        make("is.na", e(any_of("numeric", "integer", "text", "factor", "logical", "date"))),
        make(any_of("is.finite", "is.infinite"), e("numeric")), make(any_of("is.nan", "is.finite"), quote(x)),
        make("%in%", e("text"), quote(c("a", NA, "id7"))), make("%in%", quote(f), quote(c("low", "none"))),
        make("%in%", e("integer"), quote(c(1, 2.5, NA))), make("%in%", quote(x), quote(c(NaN, 1, -2.5, 0))),
        make("ifelse", e("logical"), e("logical"), e("logical")), make("as.logical", e("text")),
        make("as.logical", number()), make(any_of("startsWith", "endsWith"), e("text"), any_of("a", "", "c")),
        make("grepl", any_of("a", "t"), e("text"), fixed = TRUE)
      )
    },
    text = if (leaf) {
      one_of(quote(s), quote(u), any_of("a", "zz"))
    } else {
      one_of(
        make("ifelse", e("logical"), e("text"), e("text")), make("ifelse", e("logical"), e("text"), NA),
        make("substr", e("text"), sample(-1:3, 1), sample(0:4, 1)),
        make("as.character", e(any_of("integer", "logical", "factor"))),
        make("paste", e("text"), e(any_of("integer", "text", "factor", "logical"))),
        make("paste0", e("text"), e("integer"))
      )
    },
    factor = if (leaf) {
      one_of(quote(f), quote(o))
    } else {
      one_of(
        make("cut", e("numeric"), quote(c(-10, -1, 0, 2.5, Inf)), include.lowest = sample(c(TRUE, FALSE), 1)),
        make("cut", e("integer"), quote(c(0, 3, 7)), labels = quote(c("few", "many")), ordered_result = TRUE),
        make("factor", e("text"), levels = quote(c("b", "a", "")), labels = quote(c("B", "A", "none"))),
        make("factor", e("integer"), levels = quote(1:7)), make("factor", quote(floor(x)), levels = quote(c(2, 1, -3))),
        make("factor", e("logical"), levels = quote(c(TRUE, FALSE)), labels = quote(c("yes", "no"))),
        make("factor", quote(f), levels = quote(c("high", "low"))), make("as.factor", quote(o))
      )
    },
    date = if (leaf) {
      one_of(quote(d), quote(as.Date("2013-06-30")))
    } else {
      one_of(make(any_of("+", "-"), e("date"), number()), make("as.Date", quote(t)))
    },
    time = if (leaf) quote(t) else make(any_of("+", "-"), e("time"), number())
  )
}

# The column that an expression makes, by the engine; NULL if it does not compile.
compiled_column <- function(data, expression, threads = 2) {
  transform <- compose_transform(names(data), call("list", result = expression), keep = "result", caller = baseenv())
  spec <- frame_source(data, transform = transform)
  if (engine_call(rx_engine_compiled, spec)$steps < length(transform$steps)) {
    return(NULL)
  }
  through_engine(data, transform = transform, threads = threads)$result
}

# The same by R itself.
evaluated_column <- function(data, expression) {
  value <- rep_len(eval(expression, data), nrow(data))
  if (inherits(value, "difftime")) as.vector(value) else value
}

# Compares both. R lets the type of ifelse() depend on which answers occur, and does not say which of NA and NaN is the
# sum of both.
expect_same_column <- function(found, wanted, expression) {
  if (typeof(found) != typeof(wanted) && is.atomic(wanted) && is.null(attributes(wanted))) {
    storage.mode(wanted) <- typeof(found)
  }
  if (is.double(found)) {
    found[is.na(found)] <- NA
    wanted[is.na(wanted)] <- NA
    storage.mode(wanted) <- "double"
  }
  code <- paste(deparse(expression), collapse = " ")
  different <- which(as.character(found) != as.character(wanted) | is.na(found) != is.na(wanted))
  testthat::expect(
    identical(found, wanted),
    sprintf("%s differs in rows %s", code, paste(utils::head(different, 5), collapse = ", "))
  )
}
