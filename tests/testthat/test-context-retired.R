test_that("retired platforms say what to use instead", {
  expect_snapshot(error = TRUE, RxHadoopMR(nameNode = "host"))
  expect_snapshot(error = TRUE, RxInSqlServer(connectionString = "Driver=SQL Server"))
  expect_snapshot(error = TRUE, RxInTeradata())
  expect_snapshot(error = TRUE, RxHpcServer(headNode = "cluster"))
  expect_snapshot(error = TRUE, rxSetComputeContext("hadoopmr"))
})
