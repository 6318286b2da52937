#' Streams of random numbers
#'
#' Start, keep and end streams of random numbers with the names of RevoScaleR's library. The numbers are those of R's
#' own generators, so [runif()], [rnorm()] and all else that is random draw from the stream.
#'
#' | `kind` | here |
#' |---|---|
#' | `"MRG32K3A"`, `"MT2203"` | L'Ecuyer's MRG32k3a (R's `"L'Ecuyer-CMRG"`), of which `subStream` counts the streams |
#' | `"MT19937"`, `"SFMT19937"` | the Mersenne Twister; `subStream` is added to the seed |
#' | `"MCG31"`, `"MCG59"`, `"R250"` | there are none: L'Ecuyer's generator, with a warning |
#' | `"SOBOL"` | refused: its numbers are not random, and nothing here takes their place |
#'
#' The numbers differ from those of RevoScaleR, whose generators are those of Intel's library, also where the kind is
#' the same. `rxExec(RNGseed = )` gives each task a stream of its own without these functions.
#'
#' @param kind the generator; in `rxRngDelStream()` one of [RNGkind()]'s.
#' @param subStream number of the stream, from 0; of `"MT2203"` there are 6024.
#' @param seed an integer; NULL takes one from this session's generator.
#' @param normalKind how normal numbers are made: `"BOXMULLER"` or `"BOXMULLER2"` (R's `"Box-Muller"`), `"ICDF"` (R's
#'   `"Inversion"`), or NULL for no change; in `rxRngDelStream()` one of [RNGkind()]'s.
#' @param streamState a state, as `rxRngGetStream()` returns it.
#' @return `rxRngNewStream()`: the kinds of generator before, as [RNGkind()] has them, invisibly. `rxRngGetStream()`:
#'   the state, integers. `rxRngSetStream()` and `rxRngDelStream()`: the state that the stream has, or had, invisibly.
#' @references P. L'Ecuyer, R. Simard, E. J. Chen and W. D. Kelton (2002). An object-oriented random-number package with
#'   many long streams and substreams. Operations Research 50, 1073-1075.
#' @examples
#' old <- rxRngNewStream("MRG32K3A", subStream = 2, seed = 17)
#' state <- rxRngGetStream()
#' first <- runif(3)
#' rxRngSetStream(state)
#' identical(runif(3), first)
#' rxRngDelStream(old[[1]], old[[2]])
#' @export
rxRngNewStream <- function(kind = "MT2203", subStream = 0, seed = NULL, normalKind = NULL) {
  kinds <- setdiff(mkl_kinds, "NIEDERR")
  check_argument(is_string(kind) && kind %in% kinds, "kind", paste0('"', kinds, '"', collapse = ", "))
  if (kind == "SOBOL") {
    rx_abort("unsupported", "There is no quasi-random generator \"SOBOL\" here.", hint = "Use \"MRG32K3A\".")
  }
  streams <- if (kind == "MT2203") 6024 else .Machine$integer.max
  must <- sprintf("a number from 0 to %.0f", streams - 1)
  check_argument(is_count(subStream) && subStream < streams, "subStream", must)
  check_argument(is.null(seed) || is_seed(seed), "seed", "an integer or NULL")
  normals <- c(BOXMULLER = "Box-Muller", BOXMULLER2 = "Box-Muller", ICDF = "Inversion")
  must <- "\"BOXMULLER\", \"BOXMULLER2\", \"ICDF\" or NULL"
  check_argument(is.null(normalKind) || (is_string(normalKind) && normalKind %in% names(normals)), "normalKind", must)
  if (kind %in% c("MCG31", "MCG59", "R250")) {
    warning(sprintf("There is no generator '%s' here: the stream is one of L'Ecuyer-CMRG.", kind), call. = FALSE)
  }
  old <- RNGkind()[1:2]
  seed <- seed %||% sample.int(.Machine$integer.max, 1)
  twister <- kind %in% c("MT19937", "SFMT19937")
  RNGkind(if (twister) "Mersenne-Twister" else "L'Ecuyer-CMRG", if (!is.null(normalKind)) normals[[normalKind]])
  set.seed(if (twister) wrapped_seed(seed + subStream) else seed)
  if (!twister && subStream > 0) {
    set_random_state(stream_after(random_state(), subStream))
  }
  invisible(old)
}

#' @rdname rxRngNewStream
#' @export
rxRngGetStream <- function() {
  if (is.null(random_state())) {
    # Nobody has drawn a number yet.
    stats::runif(1)
  }
  random_state()
}

#' @rdname rxRngNewStream
#' @export
rxRngSetStream <- function(streamState) {
  old <- random_state()
  set_random_state(streamState)
  # R looks at a state when it is used.
  wrong <- tryCatch({
    if (!is.integer(streamState)) stop("it must be integers")
    stats::runif(1)
    NULL
  }, error = identity)
  if (!is.null(wrong)) {
    if (is.null(old)) rm(list = ".Random.seed", envir = globalenv()) else set_random_state(old)
    rx_abort("argument", sprintf("`streamState` is no state of a generator: %s.", conditionMessage(wrong)))
  }
  set_random_state(streamState)
  invisible(streamState)
}

#' @rdname rxRngNewStream
#' @export
rxRngDelStream <- function(kind = "default", normalKind = "default") {
  state <- rxRngGetStream()
  tryCatch(RNGkind(kind, normalKind), error = function(condition) {
    message <- sprintf("R has no such generator: %s.", conditionMessage(condition))
    rx_abort("argument", message, hint = "RNGkind() tells the kinds.")
  })
  invisible(state)
}

random_state <- function() get0(".Random.seed", envir = globalenv(), inherits = FALSE)

#' So many streams of L'Ecuyer's generator further
#'
#' @noRd
stream_after <- function(state, streams) {
  for (i in seq_len(streams)) state <- parallel::nextRNGStream(state)
  state
}

is_seed <- function(x) is_whole(x) && abs(x) <= .Machine$integer.max

#' A sum of seeds within the range of integers
#'
#' @noRd
wrapped_seed <- function(seed) if (seed > .Machine$integer.max) seed - 2 * .Machine$integer.max else seed
