# Sensitivity and specificity are those of counting rows, the area that of Wilcoxon's statistic.

scored_flights <- function() {
  frame <- flights_frame()
  frame$late <- frame$arr_delay > 15
  frame$first <- stats::plogis(frame$dep_delay / 20 - 1)
  frame$second <- round(stats::plogis((frame$hour - 15) / 10), 2)
  frame[c("late", "first", "second")]
}

wilcoxon_area <- function(actual, score) {
  complete <- !is.na(actual) & !is.na(score)
  actual <- actual[complete]
  ranks <- rank(score[complete])
  events <- as.numeric(sum(actual))
  (sum(ranks[actual == 1]) - events * (events + 1) / 2) / (events * (length(actual) - events))
}

test_that("points are counts of rows that reach a threshold", {
  data <- scored_flights()
  file <- temp_file()
  rxImport(data, file, rowsPerRead = 20000)
  complete <- data[stats::complete.cases(data), ]
  thresholds <- 0:100 / 100
  for (source in list(data, file)) {
    roc <- rxRoc("late", c("second", "first"), source, removeDups = FALSE)
    expect_s3_class(roc, c("rxRoc", "data.frame"), exact = TRUE)
    expect_named(roc, c("threshold", "predVarName", "sensitivity", "specificity"))
    expect_identical(levels(roc$predVarName), c("first", "second"))
    for (name in c("first", "second")) {
      points <- as.data.frame(roc, var = name)
      share <- function(rows) vapply(thresholds, function(t) mean(complete[[name]][rows] >= t), 0)
      expect_identical(points$threshold, thresholds)
      expect_equal(points$sensitivity, share(complete$late), tolerance = 1e-14)
      expect_equal(points$specificity, 1 - share(!complete$late), tolerance = 1e-12)
    }
  }
  expect_identical(as.data.frame(roc, var = 1), as.data.frame(roc, var = "first"))
  expect_identical(nrow(as.data.frame(roc)), 202L)
  expect_error(as.data.frame(roc, var = 3), class = "rxscale_error_argument")
})

test_that("areas are exact with a threshold at every prediction", {
  data <- scored_flights()
  complete <- data[stats::complete.cases(data), ]
  exact <- rxAuc(rxRoc("late", c("first", "second"), data, numBreaks = NULL))
  expect_equal(exact, c(
    first = wilcoxon_area(complete$late, complete$first), second = wilcoxon_area(complete$late, complete$second)
  ), tolerance = 1e-12)
  # All predictions are thresholds of a hundred steps.
  expect_equal(rxAuc(rxRoc("late", "second", data)), wilcoxon_area(data$late, data$second), tolerance = 1e-12)
  expect_lt(abs(rxAuc(rxRoc("late", "first", complete, numBreaks = 1000)) - exact[["first"]]), 1e-4)
  perfect <- data.frame(y = c(0, 0, 1), p = c(0.1, 0.2, 0.9), q = c(1, 1, 0), r = 0.5)
  for (breaks in list(100, NULL)) {
    expect_identical(rxAuc(rxRoc("y", c("p", "q", "r"), perfect, breaks)), c(p = 1, q = 0, r = 0.5))
  }
})

test_that("areas of scored models are exact", {
  areas_agree <- function(formula, data) {
    scored <- rxPredict(rxLogit(formula, data), data, data, predVarNames = "score")
    actual <- all.vars(formula)[1]
    area <- rxAuc(rxRoc(actual, "score", scored, NULL))
    expect_equal(area, wilcoxon_area(scored[[actual]], scored$score), tolerance = 1e-12)
    events <- scored[[actual]] == 1
    test <- suppressWarnings(stats::wilcox.test(scored$score[events], scored$score[!events], exact = FALSE))
    expect_equal(area, unname(test$statistic) / sum(events) / sum(!events), tolerance = 1e-12)
  }
  areas_agree(am ~ wt + hp, mtcars)
  kyphosis <- utils::read.csv(shared_data("kyphosis.csv"))
  kyphosis$event <- as.integer(kyphosis$Kyphosis == "present")
  areas_agree(event ~ Age + Start, kyphosis)
  areas_agree(default ~ creditScore + yearsEmploy + ccDebt, utils::read.csv(shared_data("mortDefaultSmall.csv.gz")))
})

test_that("thresholds without another result are left out", {
  data <- data.frame(y = c(0, 1, 0, 1), p = c(0.2, 0.4, 0.4, 0.8))
  expect_identical(
    as.data.frame(rxRoc("y", "p", data, numBreaks = 10)),
    data.frame(
      threshold = c(0, 0.3, 0.5, 0.9), predVarName = factor("p"), sensitivity = c(1, 1, 0.5, 0),
      specificity = c(0, 0.5, 1, 1)
    )
  )
  expect_identical(rxRoc("y", "p", data, numBreaks = NULL)$threshold, c(0, 0.4, 0.8))
  expect_identical(nrow(rxRoc("y", "p", data, numBreaks = 10, removeDups = FALSE)), 11L)
})

test_that("names mean columns, whatever they are", {
  data <- data.frame(y = c(0, 1, 0, 1), . = c(0.2, 0.4, 0.4, 0.8), `F(p)` = c(0.1, 0.9, 0.2, 0.8), check.names = FALSE)
  expect_identical(rxAuc(rxRoc("y", c(".", "F(p)"), data)), c(. = 0.875, `F(p)` = 1))
  expect_error(rxRoc("y", ".", data[c("y", "F(p)")]), class = "rxscale_error_missing_column")
  many <- as.data.frame(matrix(seq(0, 1, length.out = 4 * 1000), 4))
  expect_length(rxAuc(rxRoc("y", names(many), cbind(data["y"], many))), 1000)
})

test_that("the curve is the same for any number of threads", {
  withr::defer(rxOptions(numCoresToUse = -1))
  curves <- lapply(c(1, 2, 8), function(threads) {
    rxOptions(numCoresToUse = threads)
    lapply(list(50, NULL), function(breaks) rxRoc("late", "first", scored_flights(), breaks))
  })
  expect_identical(curves[[2]], curves[[1]])
  expect_identical(curves[[3]], curves[[1]])
})

test_that("curves are drawn", {
  grDevices::pdf(NULL)
  withr::defer(grDevices::dev.off())
  data <- data.frame(y = c(0, 1, 0, 1), p = c(0.2, 0.4, 0.4, 0.8), q = c(0.1, 0.9, 0.2, 0.8))
  one <- rxRocCurve("y", "p", data)
  expect_s3_class(one, "trellis")
  expect_identical(one$main, "ROC curve for 'y'")
  expect_identical(one$sub, "AUC = 0.875")
  expect_null(one$legend)
  both <- rxRocCurve("y", c("p", "q"), data, title = "T", xTitle = "x", chanceGridLine = FALSE)
  expect_identical(c(both$main, both$xlab), c("T", "x"))
  expect_match(both$legend$bottom$args$text, "^[pq] [(]AUC = ")
  plain <- plot(rxRoc("y", c("p", "q"), data), computeAuc = FALSE, legend = FALSE, subtitle = "S", ylab = "up")
  expect_identical(c(plain$sub, plain$ylab), c("S", "up"))
  roc <- rxRoc("y", c("p", "q"), data)
  expect_identical(plot(roc[roc$predVarName == "q", ])$sub, "AUC = 1.000")
  expect_identical(rxAuc(roc[0, ]), numeric())
  expect_null(plain$legend)
})

test_that("what has no curve is an error that says why", {
  data <- data.frame(y = c(0, 1, 0), z = 0:2, p = c(0.2, 0.4, 1.5), q = 0.5, s = letters[1:3], one = 1)
  caught <- function(...) tryCatch(rxRoc(...), rxscale_error = function(e) e$kind)
  expect_identical(caught("z", "q", data), "value")
  expect_identical(caught("y", "p", data), "value")
  expect_identical(caught("one", "q", data), "one_level")
  expect_identical(caught("y", "q", data[0, ]), "no_rows")
  expect_identical(caught("y", "s", data), "wrong_type")
  expect_identical(caught("s", "q", data), "wrong_type")
  expect_identical(caught("y", "Q", data), "missing_column")
  expect_identical(caught("y", c("q", "q"), data), "argument")
  expect_identical(caught("y", "q", data, numBreaks = 0), "argument")
  expect_identical(caught("y", "q", data, numBreaks = 1e9), "memory")
  expect_error(rxAuc(data), class = "rxscale_error_argument")
  expect_snapshot(error = TRUE, {
    rxRoc("z", "q", data)
    rxRoc("y", "p", data)
    rxRoc("one", "q", data)
    rxRoc("y", "q", data, numBreaks = 0)
  })
})
