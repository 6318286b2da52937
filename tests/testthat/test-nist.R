# The Statistical Reference Datasets of the National Institute of Standards and Technology (public domain), whose
# certified values have 15 digits. limits.csv says how many digits exact arithmetic gets right from these data once they
# are rounded to doubles; results must come within one digit of that.

nist_file <- function(name) testthat::test_path("nist", name)

nist_table <- function(name) utils::read.csv(nist_file(name), stringsAsFactors = FALSE)

nist_limits <- nist_table("limits.csv")

# Digits of `x` that agree with the certified value.
digits_right <- function(x, certified) {
  error <- abs(unname(x) - certified) / ifelse(certified == 0, 1, abs(certified))
  pmin(15, -log10(pmax(error, 1e-300)))
}

expect_digits <- function(x, certified, dataset, quantity) {
  limit <- nist_limits$limit[nist_limits$dataset == dataset & nist_limits$quantity == quantity]
  right <- digits_right(x, certified)
  worst <- which.min(right)
  testthat::expect(
    isTRUE(right[worst] >= limit - 1),
    sprintf("%s of %s: %.2f digits, the limit is %.1f", quantity, dataset, right[worst], limit)
  )
}

nist_regression <- function(dataset) {
  data <- nist_table(sprintf("linear_%s.csv", dataset))
  of <- function(table) table[table$dataset == dataset, ]
  fit <- of(nist_table("certified_linear_fit.csv"))
  if (fit$degree > 1) {
    data[paste0("x", seq_len(fit$degree))] <- lapply(seq_len(fit$degree), function(power) data$x^power)
    data$x <- NULL
  }
  terms <- c(setdiff(names(data), "y"), if (fit$intercept == 0) "- 1")
  list(data = data, formula = stats::reformulate(terms, "y"), terms = of(nist_table("certified_linear.csv")), fit = fit)
}

test_that("linear regressions are right to the last digit", {
  for (dataset in unique(nist_table("certified_linear.csv")$dataset)) {
    nist <- nist_regression(dataset)
    fit <- rxLinMod(nist$formula, nist$data)
    expect_digits(coef(fit), nist$terms$estimate, dataset, "coef")
    expect_digits(fit$coef.std.error[, 1], nist$terms$std_error, dataset, "se")
    expect_digits(fit$sigma, nist$fit$resid_sd, dataset, "se")
    # NIST compares models without an intercept with zero.
    r_squared <- if (nist$fit$intercept) fit$r.squared else 1 - fit$residual.squares / fit$total.squares
    expect_digits(r_squared, nist$fit$r_squared, dataset, "se")
    expect_equal(fit$df[2], nist$fit$df_resid)
  }
})

test_that("means and standard deviations are right to the last digit", {
  certified <- nist_table("certified_univariate.csv")
  for (i in seq_len(nrow(certified))) {
    dataset <- certified$dataset[i]
    data <- nist_table(sprintf("univariate_%s.csv", dataset))
    data$f <- factor(rep(1:2, length.out = nrow(data)))
    data$g <- factor("all", levels = c("all", "none"))
    rows <- list(rxSummary(~y, data)$sDataFrame, rxSummary(~ y:g, data)$categorical[[1]][1, ])
    for (row in rows) {
      expect_digits(row$Mean %||% row$Means, certified$mean[i], dataset, "mean")
      expect_digits(row$StdDev, certified$std_dev[i], dataset, "sd")
    }
  }
})

test_that("analyses of variance are right to the last digit", {
  certified <- nist_table("certified_anova.csv")
  for (i in seq_len(nrow(certified))) {
    dataset <- certified$dataset[i]
    data <- nist_table(sprintf("anova_%s.csv.gz", dataset))
    data$treatment <- factor(data$treatment)
    for (cube in c(FALSE, TRUE)) {
      fit <- rxLinMod(y ~ treatment, data, cube = cube)
      expect_digits(fit$fstatistics$value, certified$F[i], dataset, "F")
      expect_digits(fit$sigma, certified$resid_sd[i], dataset, "sigma")
      expect_digits(fit$r.squared, certified$r_squared[i], dataset, "F")
      expect_equal(c(fit$fstatistics$numdf, fit$fstatistics$dendf), c(certified$df_between[i], certified$df_within[i]))
    }
  }
})
