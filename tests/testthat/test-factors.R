# Compared with factor(), levels<- and their like, on data frames and files.

sizes <- function() {
  data.frame(
    f = factor(c("b", "c", "a", NA, "b"), c("a", "b", "c", "d")), s = c("x", NA, "z", "y", "x"),
    i = c(20L, 3L, NA, 1L, 20L), d = c(7.123456, 7.12346, 2.5, NA, 100000), l = c(TRUE, FALSE, NA, TRUE, TRUE),
    o = factor(c("lo", "hi", "lo", "hi", NA), c("lo", "hi"), ordered = TRUE), y = 1:5
  )
}

# What rxFactors() makes of a data frame, and of a file in blocks of two rows: the same.
both_ways <- function(data, ...) {
  file <- temp_file()
  rxImport(data, file, rowsPerRead = 2)
  made <- rxFactors(data, ...)
  expect_equal(rxFactors(file, ...), made, ignore_attr = "row.names")
  made
}

test_that("columns become factors in the order of appearance, or sorted as text", {
  data <- sizes()
  made <- both_ways(data, c("s", "i", "d", "l"))
  expect_equal(made$s, factor(data$s, c("x", "z", "y")))
  expect_equal(made$i, factor(data$i, c(20, 3, 1)))
  expect_equal(levels(made$d), c("7.12346", "2.5", "100000"))
  expect_equal(as.integer(made$d), c(1L, 1L, 2L, NA, 3L))
  expect_equal(levels(made$l), c("TRUE", "FALSE"))
  expect_equal(made[c("f", "o", "y")], data[c("f", "o", "y")])
  expect_equal(levels(both_ways(data, "i", sortLevels = TRUE)$i), c("1", "20", "3"))
  unsorted <- data.frame(f = factor("a", c("b", "a")), g = factor("z", c("z", "A")))
  expect_equal(lapply(both_ways(unsorted, NULL, sortLevels = TRUE), levels), list(f = c("a", "b"), g = c("A", "z")))
  expect_equal(both_ways(data, list(new = list(varName = "s")))$new, factor(data$s, c("x", "z", "y")))
})

test_that("levels are kept, others are missing or pooled", {
  data <- sizes()
  expect_equal(both_ways(data, list(f = list(levels = c("c", "b"))))$f, factor(data$f, c("c", "b")))
  pooled <- both_ways(data, list(f = list(levels = c("c", "b"), otherLevel = "rest")))$f
  expect_equal(as.vector(pooled), c("b", "c", "rest", NA, "b"))
  expect_equal(levels(pooled), c("c", "b", "rest"))
  general <- both_ways(data, list(i = list(levels = c(3, 1, 7))), otherLevel = "more", sortLevels = TRUE)$i
  expect_equal(levels(general), c("1", "3", "7", "more"))
  expect_equal(as.vector(general), c("more", "3", NA, "1", "more"))
  expect_equal(as.integer(both_ways(data, list(d = list(levels = 7.123459)))$d), c(1L, 1L, NA, NA, NA))
})

test_that("levels are put into another order, renamed and collapsed", {
  data <- sizes()
  ordered <- both_ways(data, list(f = list(newLevels = c("c", "e", "a"))))$f
  expect_equal(ordered, factor(data$f, c("c", "e", "a", "b", "d")))
  renamed <- both_ways(data, list(f = list(newLevels = c(A = "a", B = "b"))))$f
  expect_equal(levels(renamed), c("A", "B", "c", "d"))
  expect_equal(as.vector(renamed), c("B", "c", "A", NA, "B"))
  collapsed <- both_ways(data, list(g = list(
    varName = "f", newLevels = list(late = c("c", "d"), early = "a"), otherLevel = "other", description = "when"
  )))
  expect_equal(levels(collapsed$g), c("late", "early", "other"))
  expect_equal(as.vector(collapsed$g), c("other", "late", "early", NA, "other"))
  expect_equal(attr(collapsed$g, ".rxDescription"), "when")
  expect_equal(collapsed$f, data$f)
  mapped <- both_ways(data, list(f = list(newLevels = c("one", "two"), indexMap = c(2, 1, 1, 2))))$f
  expect_equal(as.vector(mapped), c("one", "one", "two", NA, "one"))
  grades <- both_ways(data, list(o = list(newLevels = c("hi", "lo"))))$o
  expect_equal(grades, factor(data$o, c("hi", "lo"), ordered = TRUE))
})

test_that("files are written, also in place, with their descriptions", {
  file <- temp_file()
  rxImport(sizes(), file)
  rxSetVarInfo(list(f = list(description = "a letter")), file)
  out <- rxFactors(file, "s", outFile = temp_file(), varsToKeep = c("s", "y"))
  expect_s4_class(out, "RxXdfData")
  expect_equal(names(out), c("s", "y"))
  expect_error(rxFactors(file, "s", outFile = file), "overwrite", class = "rxscale_error_argument")
  rxFactors(file, list(f = list(newLevels = c(z = "a"))), outFile = file, overwrite = TRUE)
  info <- rxGetVarInfo(file)$f
  expect_equal(info[c("description", "levels")], list(description = "a letter", levels = c("z", "b", "c", "d")))
  expect_equal(rxGetInfo(file)$numRows, 5)
})

test_that("the flights of a text file get their factors", {
  made <- rxFactors(RxTextData(flights_file()), list(
    origin = list(newLevels = c("JFK", "LGA", "EWR")),
    month = list(newLevels = list(winter = c(12, 1, 2)), otherLevel = "no")
  ), varsToKeep = c("origin", "month"))
  frame <- flights_frame()
  expect_equal(made$origin, factor(frame$origin, c("JFK", "LGA", "EWR")))
  expect_equal(as.vector(table(made$month)), c(sum(frame$month %in% c(12, 1, 2)), sum(!frame$month %in% c(12, 1, 2))))
})

test_that("mistakes are told", {
  data <- sizes()
  expect_snapshot(error = TRUE, {
    rxFactors(data, "ff")
    rxFactors(data, NULL)
    rxFactors(data, list(list(levels = "a")))
    rxFactors(data, list(f = "a"))
    rxFactors(data, list(f = list(levels = c("a", "a"))))
    rxFactors(data, list(f = list(newLevels = list(A = "a", B = "a"))))
    rxFactors(data, list(f = list(newLevels = list(c("a", "b")))))
    rxFactors(data, list(f = list(newLevels = "x", indexMap = c(1, 2))))
    rxFactors(data, list(f = list(newLevels = "x", indexMap = 1)))
    rxFactors(data, "f", otherLevel = 3)
  })
  expect_warning(rxFactors(data, list(f = list(lvels = "a"))), "levels")
  expect_warning(rxFactors(data, "f", sortLevel = TRUE, sorted = 1), "sorted")
})
