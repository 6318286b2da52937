test_that("chunks come one after the other, and then nothing", {
  source <- RxXdfData(flights_xdf()@file, blocksPerRead = 3)
  expect_false(rxIsOpen(source))
  expect_error(rxReadNext(source), class = "rxscale_error_argument", regexp = "not open")
  expect_true(rxOpen(source))
  expect_false(rxOpen(source))
  expect_true(rxIsOpen(source) && !rxIsOpen(source, "w"))
  chunks <- list(rxReadNext(source), rxReadNext(source), rxReadNext(source))
  expect_identical(vapply(chunks, nrow, 0L), c(150000L, 150000L, 36776L))
  expect_identical(do.call(rbind, chunks), flights_frame())
  end <- rxReadNext(source)
  expect_identical(dim(end), c(0L, 0L))
  expect_length(end, 0)
  expect_true(rxClose(source))
  expect_false(rxClose(source))
  rxOpen(source)
  expect_identical(nrow(rxReadNext(source)), 150000L)
  rxClose(source)
})

test_that("text and lists are read in chunks, too", {
  file <- temp_file(".csv")
  utils::write.csv(mtcars, file, row.names = FALSE)
  source <- RxTextData(file, rowsPerRead = 20, returnDataFrame = FALSE, varsToKeep = c("mpg", "hp"))
  rxOpen(source)
  expect_identical(rxReadNext(source)$mpg, mtcars$mpg[1:20])
  expect_identical(rxReadNext(source)$hp, as.integer(mtcars$hp[21:32]))
  expect_length(rxReadNext(source), 0)
  rxClose(source)
})

test_that("any source goes on where it was, however large its blocks are", {
  flights <- flights_frame()[1:200000, ]
  row.names(flights) <- NULL
  parquet <- RxParquetData(temp_file(".parquet"))
  parquet@rowsOrBlocksPerRead <- 70001
  sources <- list(
    parquet, RxTextData(temp_file(".csv"), rowsPerRead = 70001),
    RxXdfData(temp_file(""), createCompositeSet = TRUE, blocksPerRead = 3)
  )
  for (source in sources) {
    rxDataStep(flights, source, rowsPerRead = 25000)
    rxOpen(source)
    chunks <- list()
    while (nrow(chunk <- rxReadNext(source)) > 0) {
      chunks[[length(chunks) + 1]] <- chunk
    }
    expect_length(chunks, 3)
    expect_identical(do.call(rbind, chunks), as.data.frame(source))
    expect_identical(dim(rxReadNext(source)), c(0L, 0L))
    rxClose(source)
  }
})

test_that("a file that is replaced between chunks is read to the end", {
  skip_on_os("windows")
  parquet <- RxParquetData(temp_file(".parquet"))
  parquet@rowsOrBlocksPerRead <- 20
  for (source in list(parquet, RxXdfData(temp_file()))) {
    rxDataStep(mtcars, source, rowsPerRead = 20)
    rxOpen(source)
    first <- rxReadNext(source)
    rxDataStep(mtcars[1:5, ], source, overwrite = TRUE)
    expect_identical(rbind(first, structure(rxReadNext(source), row.names = 21:32)), mtcars, ignore_attr = "row.names")
    expect_identical(nrow(rxReadNext(source)), 0L)
  }
})

test_that("what cannot be read fails again and again", {
  file <- temp_file(".csv")
  writeLines(c("x", 1:50000, "oops"), file)
  source <- RxTextData(file, rowsPerRead = 40000)
  rxOpen(source)
  expect_error(while (nrow(rxReadNext(source)) > 0) {}, class = "rxscale_error", regexp = "oops")
  expect_error(rxReadNext(source), class = "rxscale_error", regexp = "oops")
  rxClose(source)
})

test_that("data frames are written one after the other", {
  target <- RxXdfData(temp_file())
  rxOpen(target, "w")
  rxWriteNext(mtcars[1:20, ], target)
  rxWriteNext(mtcars[21:32, ], target)
  expect_true(rxClose(target, "w"))
  expect_identical(as.data.frame(target), mtcars, ignore_attr = "row.names")
  expect_identical(rxGetInfo(target)$numBlocks, 2L)
  expect_error(rxWriteNext(mtcars, target), class = "rxscale_error_argument", regexp = "not open")
  rxOpen(target, "w")
  expect_error(rxWriteNext(mtcars, target), class = "rxscale_error_argument", regexp = "exists")
  rxWriteNext(mtcars, target, overwrite = TRUE)
  rxClose(target, "w")
  expect_identical(nrow(target), 32L)
  expect_error(rxOpen(mtcars), class = "rxscale_error_argument")
  expect_error(rxOpen(target, "a"), class = "rxscale_error_argument")
  expect_error(rxOpen(RxTextData("x.csv"), "w"), class = "rxscale_error_argument")
})
