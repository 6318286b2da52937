test_that("an XDF source has the slots that packages read", {
  source <- RxXdfData("x.xdf", varsToKeep = c("a", "b"), blocksPerRead = 3)
  expect_s4_class(source, "RxXdfData")
  expect_true(methods::is(source, "RxFileData") && methods::is(source, "RxDataSource"))
  expect_identical(source@file, "x.xdf")
  expect_identical(source@colNames, c("a", "b"))
  expect_equal(source@rowsOrBlocksPerRead, 3)
  expect_identical(rxXdfFileName(source), "x.xdf")
})

test_that("what XDF sources cannot do yet is refused", {
  expect_error(RxXdfData("x.xdf", createCompositeSet = TRUE), class = "rxscale_error_unsupported")
  expect_error(RxXdfData("x.xdf", fileSystem = "hdfs"), class = "rxscale_error_unsupported")
})
