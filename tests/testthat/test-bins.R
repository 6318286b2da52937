test_that("free bins are nice, start at a multiple of their width, and hold every cell once", {
  for (range in list(c(0, 1), c(-37.2, 112.9), c(1e6, 1e6 + 3), c(-1e-9, 4e-9), c(5, 5), c(-1e12, 1e12))) {
    grid <- grid_of(range, NULL, NULL)
    x <- seq(range[1], range[2], length.out = 211)
    cells <- floor((x - grid$origin) / grid$width + grid$fuzz)
    bins <- bin_breaks(cells, grid, NULL, NULL, NULL, 20)
    expect_true(all(abs(diff(bins$breaks) / (bins$units * grid$width) - 1) < 1e-3))
    expect_true(length(bins$breaks) - 1 <= 41)
    numbers <- bins$bin(cells)
    expect_false(anyNA(numbers))
    slack <- grid$width * 1.01
    expect_true(all(x >= bins$breaks[numbers] - slack & x < bins$breaks[numbers + 1] + slack))
  }
})

test_that("bins within bounds leave out what is outside, and the last one has its end", {
  grid <- grid_of(c(-5, 20), 0, 10)
  bins <- bin_breaks(c(-3, 0, 999, 1000, 1001), grid, 0, 10, 5, 20)
  expect_equal(bins$breaks, seq(0, 10, 2))
  expect_identical(bins$bin(c(-3, 0, 999, 1000, 1001)), c(NA, 1, 5, 5, NA))
})

test_that("a number of bins without bounds covers the data; one bound is kept", {
  grid <- grid_of(c(0, 97), NULL, NULL)
  cells <- c(0, 97 / grid$width)
  expect_length(bin_breaks(cells, grid, NULL, NULL, 7, 20)$breaks, 8)
  to <- grid_of(c(0, 97), NULL, 50)
  kept <- bin_breaks(floor((c(0, 97) - to$origin) / to$width), to, NULL, 50, 5, 20)
  expect_equal(max(kept$breaks), 50)
  expect_length(kept$breaks, 6)
})

test_that("no row at all makes one bin", {
  bins <- bin_breaks(numeric(), grid_of(c(0, 0), NULL, NULL), NULL, NULL, NULL, 20)
  expect_length(bins$breaks, 2)
})
