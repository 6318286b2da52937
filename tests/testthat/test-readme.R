# Only the source repository has the README and the script that fills in its output.

test_that("the README shows what its code prints", {
  script <- test_path("../../tools/readme.R")
  skip_if_not(file.exists(script), "the source repository is here")
  env <- new.env()
  sys.source(script, env)
  readme <- readLines(test_path("../../README.md"), encoding = "UTF-8")
  expect_gt(sum(startsWith(readme, "#>")), 20)
  expect_equal(env$readme_with_output(readme), readme)
})
