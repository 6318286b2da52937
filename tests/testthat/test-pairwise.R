admissions <- as.data.frame(UCBAdmissions)
by_gender <- stats::xtabs(Freq ~ Gender + Admit, admissions)

test_that("risk and odds ratios follow the formulas of the help page", {
  risk <- rxRiskRatio(by_gender)
  expect_s3_class(risk, "htest")
  share <- prop.table(by_gender, 1)[, 2]
  expect_equal(risk$estimate, c(riskRatio.Female = share[[2]] / share[[1]]))
  expect_identical(risk$statistic, c(Z = log(risk$estimate[[1]])))
  error <- sqrt(sum(1 / by_gender[, 2] - 1 / rowSums(by_gender)))
  expect_equal(c(risk$conf.int), exp(log(risk$estimate[[1]]) + c(-1, 1) * stats::qnorm(0.975) * error))
  expect_equal(risk$p.value, 2 * stats::pnorm(-log(risk$estimate[[1]]) / error))
  odds <- rxOddsRatio(by_gender, conf.level = 0.9, alternative = "greater")
  expect_equal(odds$estimate, c(oddsRatio = (1198 / 1493) / (557 / 1278)))
  error <- sqrt(sum(1 / by_gender))
  expect_equal(odds$conf.int[1], exp(log(odds$estimate[[1]]) - stats::qnorm(0.9) * error))
  expect_identical(odds$conf.int[2], Inf)
  # A logistic regression has the same odds ratio and standard error.
  fit <- summary(stats::glm(Admit == "Rejected" ~ Gender, stats::binomial, admissions, weights = Freq))$coefficients
  expect_equal(log(odds$estimate[[1]]), fit[2, 1], tolerance = 1e-6)
  expect_equal(odds$p.value, stats::pnorm(fit[2, 3], lower.tail = FALSE), tolerance = 1e-6)
  expect_equal(rxOddsRatio(by_gender, alternative = "less")$conf.int[1], 0)
})

test_that("an empty cell has no p-value", {
  none <- matrix(c(5, 3, 0, 2), 2)
  expect_identical(rxRiskRatio(none)$estimate, c(riskRatio = Inf))
  expect_true(is.nan(rxOddsRatio(none)$p.value))
  for (bad in list(matrix(1, 2, 3), "x", matrix(c(1, 2, -1, 4), 2), by_gender[, 1])) {
    expect_error(rxRiskRatio(bad), class = "rxscale_error_argument", regexp = "tbl")
  }
  expect_error(rxOddsRatio(by_gender, conf.level = 95), class = "rxscale_error_argument", regexp = "conf.level")
  expect_error(rxOddsRatio(by_gender, alternative = "more"), class = "rxscale_error_argument", regexp = "alternative")
})

test_that("groups are compared with the pool of the others", {
  by_dept <- rxCrossTabs(Freq ~ Dept:Admit, admissions)
  list <- rxPairwiseCrossTab(by_dept)
  expect_s3_class(list, "rxPairwiseCrossTabList")
  table <- list[[1]]
  expect_s3_class(table, "rxPairwiseCrossTabTable")
  expect_identical(table$Dept, paste(LETTERS[1:6], "vs. others"))
  counts <- by_dept$sums[[1]]
  small <- rbind(colSums(counts[-3, ]), counts[3, ])
  expect_equal(table$riskRatio[3], rxRiskRatio(small)$estimate[[1]])
  expect_equal(table[["p-value"]][3], rxRiskRatio(small)$p.value)
  expect_snapshot(list)
})

test_that("all pairs are compared, by stratum", {
  strata <- rxPairwiseCrossTab(rxCrossTabs(Freq ~ Dept:Admit:Gender, admissions), pooled = FALSE, FUN = rxOddsRatio)
  expect_named(strata, c("Gender==Male", "Gender==Female"))
  expect_identical(nrow(strata[[1]]), 15L)
  pair <- UCBAdmissions[2:1, "Male", c("A", "B")]
  expect_equal(
    strata[[1]]$oddsRatio[strata[[1]]$Dept == "B vs. A"],
    rxOddsRatio(t(UCBAdmissions[1:2, "Male", c("A", "B")]))$estimate[[1]]
  )
  expect_snapshot(print(strata, digits = 2, p.value.digits = 2))
  wide <- rxPairwiseCrossTab(rxCrossTabs(~ F(cyl):F(gear), mtcars, removeZeroCounts = TRUE), pooled = FALSE)
  expect_identical(nrow(wide[[1]]), 9L)
  expect_error(rxPairwiseCrossTab(by_gender, FUN = sum), class = "rxscale_error_argument", regexp = "FUN")
  expect_error(rxPairwiseCrossTab(by_gender, pooled = 1), class = "rxscale_error_argument", regexp = "pooled")
})

test_that("confidence levels reach the function", {
  narrow <- rxPairwiseCrossTab(by_gender, conf.level = 0.5)[[1]]
  expect_equal(narrow[["50% CI Lower"]], rxRiskRatio(by_gender, conf.level = 0.5)$conf.int[1])
})
