# Forgets states when the calling test ends.
forget_later <- function(..., env = parent.frame()) {
  withr::defer(for (name in c(...)) rxInitOnceReset(name), envir = env)
}

entries <- function(name) sum(search() == paste0("rxInitOnce:", name))

counted <- function(name, version = NULL) {
  rxInitOnce(
    {
      n <- 0
      count <- function() n <<- n + 1 # nolint: object_usage_linter.
    },
    name,
    version
  )
}

test_that("an expression runs once and its environment is on the search path", {
  forget_later("once")
  runs <- 0
  offset <- 41
  first <- withVisible(rxInitOnce(
    {
      runs <<- runs + 1
      answer <- offset + 1
    },
    "once"
  ))
  expect_false(first$visible)
  expect_identical(first$value, as.environment("rxInitOnce:once"))
  expect_identical(search()[2], "rxInitOnce:once")
  expect_identical(rxInitOnce(stop("not again"), "once"), first$value)
  expect_identical(rxInitOnce(name = "once"), first$value)
  expect_identical(runs, 1)
  expect_identical(first$value$answer, 42)
})

test_that("functions of the state see and change one copy of its objects", {
  forget_later("count")
  state <- counted("count")
  state$count()
  get("count", pos = "rxInitOnce:count")()
  expect_identical(state$n, 2)
  expect_identical(get("n", pos = "rxInitOnce:count"), 2)
})

test_that("the caller's frame is not kept alive", {
  forget_later("frame")
  freed <- FALSE
  local({
    witness <- new.env()
    reg.finalizer(witness, function(e) freed <<- TRUE)
    rxInitOnce(read <- function() exists("witness"), "frame")
  })
  gc()
  expect_true(freed)
  expect_false(rxInitOnce(name = "frame")$read())
})

test_that("functions see the packages that the expression attached", {
  skip_if("package:stats4" %in% search())
  forget_later("packages")
  withr::defer(detach("package:stats4"))
  state <- rxInitOnce(
    {
      library(stats4)
      found <- function() exists("mle")
    },
    "packages"
  )
  expect_identical(search()[2:3], c("rxInitOnce:packages", "package:stats4"))
  expect_true(state$found())
})

test_that("active, locked and delayed bindings stay what they are", {
  forget_later("bindings", "sealed")
  forced <- FALSE
  state <- rxInitOnce(
    {
      fixed <- 1
      lockBinding("fixed", environment())
      delayedAssign("late", forced <<- TRUE)
      makeActiveBinding("clock", function() fixed + 1, environment())
    },
    "bindings"
  )
  expect_true(bindingIsLocked("fixed", state))
  expect_true(bindingIsActive("clock", state))
  expect_identical(state$clock, 2)

  sealed <- rxInitOnce(
    {
      fixed <- 1
      lockEnvironment(environment(), bindings = TRUE)
    },
    "sealed"
  )
  expect_error(sealed$fixed <- 2, "locked")
  expect_error(sealed$new <- 2, "cannot add")
  expect_false(forced)
  expect_true(state$late)
})

test_that("100,000 calls keep memory and the search path as they are", {
  forget_later("flat")
  counted("flat")
  path <- search()
  call_often <- function(times) for (i in seq_len(times)) counted("flat")
  call_often(1000)
  before <- sum(gc()[, 2])
  call_often(1e5)
  expect_lt(sum(gc()[, 2]) - before, 1)
  expect_identical(search(), path)
  expect_identical(subset(rxInitOnceInfo(), name == "flat")$hits, 101000)
})

test_that("state survives wiping the workspace, gc() and detach()", {
  result <- in_child(function() {
    rxscale::rxInitOnce(
      {
        n <- 0
        count <- function() n <<- n + 1
      },
      "kept"
    )
    counts <- vapply(1:5, function(i) {
      rm(list = ls(all.names = TRUE, envir = globalenv()), envir = globalenv())
      gc()
      if (i %% 2 == 0) detach("rxInitOnce:kept", character.only = TRUE)
      rxscale::rxInitOnce(stop("not again"), "kept")$count()
    }, 0)
    list(counts = counts, n = get("n"), entries = grep("rxInitOnce:kept", search()))
  })
  expect_identical(result, list(counts = c(1, 2, 3, 4, 5), n = 5, entries = 2L))
})

test_that("state detached at every call keeps memory flat", {
  forget_later("detached")
  counted("detached")
  detach_often <- function(times) {
    for (i in seq_len(times)) {
      detach("rxInitOnce:detached", character.only = TRUE)
      counted("detached")$count()
    }
  }
  detach_often(100)
  before <- sum(gc()[, 2])
  detach_often(2000)
  expect_lt(sum(gc()[, 2]) - before, 0.5)
  expect_identical(counted("detached")$n, 2100)
})

test_that("a failing expression attaches nothing, its error is its own, and the next call tries again", {
  forget_later("failing")
  path <- search()
  own <- structure(class = c("no_such_model", "error", "condition"), list(message = "no model", call = NULL))
  tries <- 0
  attempt <- function(fails) {
    rxInitOnce(
      {
        tries <<- tries + 1
        half <- 1
        if (fails) stop(own)
      },
      "failing"
    )
  }
  expect_identical(tryCatch(attempt(TRUE), error = identity), own)
  expect_error(attempt(TRUE), class = "no_such_model")
  expect_identical(search(), path)
  expect_false("failing" %in% rxInitOnceInfo()$name)
  expect_identical(attempt(FALSE)$half, 1)
  expect_identical(tries, 3)
})

test_that("two services in one process keep their objects apart", {
  forget_later("first", "second")
  first <- rxInitOnce(score <- function() "first", "first")
  second <- rxInitOnce(score <- function() "second", "second")
  expect_identical(c(first$score(), second$score()), c("first", "second"))
  expect_identical(search()[2:3], c("rxInitOnce:second", "rxInitOnce:first"))
  clashes <- rxInitOnceInfo()$clashes
  expect_identical(clashes[[1]], c(score = "rxInitOnce:second"))
  expect_identical(clashes[[2]], c(score = "rxInitOnce:first"))
})

test_that("states nest", {
  forget_later("outer", "inner")
  outer_state <- rxInitOnce(
    {
      rxInitOnce(base_rate <- 2, "inner")
      rate <- function() base_rate * 2
    },
    "outer"
  )
  expect_identical(search()[2:3], c("rxInitOnce:outer", "rxInitOnce:inner"))
  expect_identical(outer_state$rate(), 4)
})

test_that("a state that needs itself is an error, not an endless loop", {
  path <- search()
  itself <- function() rxInitOnce(itself(), "itself")
  expect_error(itself(), "'itself' is used inside", class = "rxscale_error_recursive")
  one <- function() rxInitOnce(other(), "one")
  other <- function() rxInitOnce(one(), "other")
  expect_error(one(), class = "rxscale_error_recursive")
  expect_error(rxInitOnce(rxInitOnceReset("reset"), "reset"), class = "rxscale_error_recursive")
  expect_identical(search(), path)
  expect_identical(rxInitOnce(fine <- TRUE, "itself")$fine, TRUE)
  rxInitOnceReset("itself")
})

test_that("a new version takes the old one's place and frees its objects", {
  forget_later("above", "changing")
  freed <- character()
  watched <- function(tag) {
    model <- new.env()
    reg.finalizer(model, function(e) freed <<- c(freed, tag))
    model
  }
  versioned <- function(version, fails = FALSE) {
    rxInitOnce(
      {
        tag <- paste("v", version)
        model <- watched(tag)
        if (fails) stop("broken")
      },
      "changing",
      version
    )$tag
  }
  expect_identical(versioned("1"), "v 1")
  rxInitOnce(NULL, "above")
  path <- search()
  expect_identical(versioned("1"), "v 1")
  expect_identical(versioned("2"), "v 2")
  expect_identical(search(), path)
  gc()
  expect_identical(freed, "v 1")

  expect_error(versioned("3", fails = TRUE), "broken")
  expect_identical(search(), path)
  expect_identical(versioned(NULL), "v 2")
  expect_identical(versioned(as.Date("2013-01-01")), "v 2013-01-01")
  gc()
  expect_setequal(freed, c("v 1", "v 2", "v 3"))
  expect_identical(entries("changing"), 1L)
  expect_identical(rxInitOnceInfo()$version, c("2013-01-01", ""))
})

test_that("masking draws no warnings", {
  forget_later("masks")
  expect_silent(state <- rxInitOnce(
    {
      mean <- function(x) "mine"
      rxLinMod <- NULL
    },
    "masks"
  ))
  expect_identical(mean(1), 1)
  expect_true("package:base" %in% rxInitOnceInfo()$clashes[[1]])
})

test_that("rxInitOnceReset() forgets", {
  counted("gone")
  expect_true(rxInitOnceReset("gone"))
  expect_false(rxInitOnceReset("gone"))
  expect_identical(entries("gone"), 0L)
})

test_that("rxInitOnceInfo() tells what there is", {
  expect_identical(nrow(rxInitOnceInfo()), 0L)
  forget_later("told")
  before <- Sys.time()
  rxInitOnce(
    {
      numbers <- numeric(1000)
      makeActiveBinding("active", function() stop("not to be called"), environment())
      Sys.sleep(0.05)
    },
    "told",
    version = 7
  )
  for (i in 1:3) rxInitOnce(name = "told")
  info <- rxInitOnceInfo()
  expect_identical(info$name, "told")
  expect_identical(info$version, "7")
  expect_true(info$initialised >= before && info$initialised <= Sys.time())
  expect_gte(info$seconds, 0.04)
  expect_identical(info$position, 2L)
  expect_identical(info$objects[[1]], c(active = NA, numbers = 8048))
  expect_identical(info$size, 8048)
  expect_identical(info$hits, 3)
  expect_output(print(info), "told \\(version 7\\)\n.*found there 3 times\n  active   active\n  numbers  8,048 bytes")
  detach("rxInitOnce:told", character.only = TRUE)
  expect_output(print(rxInitOnceInfo()), "detached")
})

test_that("unloading the package takes the states off the search path", {
  left <- in_child(function() {
    rxscale::rxInitOnce(x <- 1, "unloaded")
    unloadNamespace("rxscale")
    grep("rxInitOnce", search())
  })
  expect_identical(left, integer())
})

test_that("arguments are checked", {
  for (bad in list("", NA_character_, 1, c("a", "b"), NULL)) {
    expect_error(rxInitOnce(NULL, bad), "`name`", class = "rxscale_error_argument")
  }
  expect_error(rxInitOnce(NULL), "`name`", class = "rxscale_error_argument")
  expect_error(rxInitOnceReset(""), "`name`", class = "rxscale_error_argument")
  expect_error(rxInitOnce(name = "nothing here"), "`expr`", class = "rxscale_error_argument")
})

test_that("a forked child inherits the state and changes its own", {
  skip_on_os("windows")
  result <- in_child(function() {
    state <- rxscale::rxInitOnce(
      {
        n <- 0
        fit <- rxscale::rxLinMod(mpg ~ hp, data = mtcars)
        count <- function() n <<- n + 1
      },
      "forked"
    )
    child <- parallel::mcparallel({
      state <- rxscale::rxInitOnce(stop("not again"), "forked")
      state$count()
      again <- rxscale::rxLinMod(mpg ~ hp, data = mtcars)
      list(n = state$n, fit = coef(state$fit), again = coef(again), entries = sum(search() == "rxInitOnce:forked"))
    })
    list(child = parallel::mccollect(child)[[1]], n = state$n, fit = coef(state$fit))
  })
  expect_identical(result$child, list(n = 1, fit = result$fit, again = result$fit, entries = 1L))
  expect_identical(result$n, 0)
})

test_that("a model and an open data source survive", {
  file <- temp_file()
  cars <- data.frame(hp = mtcars$hp, mpg = mtcars$mpg)
  rxImport(cars, file, reportProgress = 0)
  answers <- in_child(args = list(file), function(file) {
    handle <- function() {
      state <- rxscale::rxInitOnce(
        {
          source <- rxscale::RxXdfData(file)
          fit <- rxscale::rxLinMod(mpg ~ hp, data = source)
        },
        "engine"
      )
      list(rows = rxscale::rxXdfToDataFrame(state$source), fit = coef(state$fit))
    }
    lapply(1:3, function(i) {
      answer <- handle()
      rm(list = ls(all.names = TRUE, envir = globalenv()), envir = globalenv())
      gc()
      answer
    })
  })
  expect_equal(answers[[3]]$rows, cars)
  expect_equal(answers[[3]]$fit, coef(lm(mpg ~ hp, cars)))
  expect_identical(answers[[1]], answers[[3]])
})
