# Fails if lintr finds anything in the package's R code. In tests nobody knows what testthat and helpers define.
lints <- list(lintr::lint_package(), lintr::lint_dir("scripts"), lintr::lint_dir("tools"))
counts <- function(lint) !(startsWith(lint$filename, "tests/") && lint$linter == "object_usage_linter")
lints <- Filter(length, lapply(lints, function(found) structure(Filter(counts, found), class = class(found))))
for (found in lints) print(found)
if (length(lints) > 0) quit(status = 1)
