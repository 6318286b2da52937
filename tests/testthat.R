library(testthat)
library(rxscale)

test_check("rxscale")
