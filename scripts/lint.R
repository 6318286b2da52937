# Fails if lintr finds anything in the package's R code.
lints <- list(lintr::lint_package(), lintr::lint_dir("scripts"), lintr::lint_dir("tools"))
lints <- Filter(length, lints)
for (found in lints) print(found)
if (length(lints) > 0) quit(status = 1)
