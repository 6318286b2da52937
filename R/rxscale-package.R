#' rxscale: statistics on data too big for memory
#'
#' Functions with the names and arguments of RevoScaleR over an engine written in Rust, which reads data a block at a
#' time and works on all cores.
#'
#' @keywords internal
#' @useDynLib rxscale, .registration = TRUE
"_PACKAGE"
