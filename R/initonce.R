# State that lasts as long as the process: kept in an environment on the search path, which wiping the workspace does
# not reach, and known to a registry in the namespace, so that no call attaches anything twice.

# What has been initialised: `states`, a list by name, and `running`, the names whose expressions are being evaluated.
once <- new.env(parent = emptyenv())
once$states <- list()
once$running <- character()

#' State that is set up once in a process
#'
#' Web services keep their R process between calls but often wipe its workspace, so that models and packages are loaded
#' again for each call. `rxInitOnce()` evaluates an expression in the first call only. Its objects stay on the search
#' path, as `rxInitOnce:<name>`, and later calls see them under their own names.
#'
#' **Where it runs.** `expr` is evaluated in a new environment that sees the variables of the caller, and becomes an
#' entry of the search path when it is done: before the packages that `expr` attached, after the workspace. From then on
#' its functions see each other, these packages, and what was attached earlier, but neither the workspace nor the
#' caller, which is not kept alive. They change the state with `<<-`. Write `source(file, local = TRUE)` and
#' `load(file, envir = environment())` in `expr`, whose defaults may put objects elsewhere. Outside, refer to the state
#' by what `rxInitOnce()` returns: `environment()` in `expr` is emptied into it.
#'
#' **If it fails.** An error of `expr` reaches the caller as it is. Nothing is attached, or the former version stays,
#' and the next call tries again. An expression that initialises its own name, by however long a way, is an error of
#' class `rxscale_error_recursive`; initialising other names in it is fine.
#'
#' **Versions.** If `version` differs from that of the state, `expr` is evaluated again. The new state takes the place
#' of the old one, or the first place if `expr` attached packages, and the old objects are freed by the next [gc()].
#'
#' **Many names.** Modules of one service take different names and never overwrite each other's objects. Of objects with
#' the same name the one that was attached last is seen first; `rxInitOnceInfo()` lists them, and `$` on the environment
#' returned always finds the right one.
#'
#' State that was detached by hand is attached again by the next call, without evaluating `expr`. The environment is
#' another one then, but the objects are the same. Forked processes inherit the state, and change copies of their own.
#'
#' @param expr code in braces that creates the objects.
#' @param name name of the state, a string.
#' @param version any object, say a number or the time of a file: if it is not [identical()] to that of the state,
#'   `expr` is evaluated again. NULL accepts every version.
#' @return `rxInitOnce()` returns, invisibly, the environment on the search path that holds the objects.
#'
#'   `rxInitOnceReset()` detaches and forgets the state and returns, invisibly, whether there was one.
#'
#'   `rxInitOnceInfo()` returns a data frame with one row for each name: `name`; `version`; `initialised`, when, and
#'   `seconds`, how long it took; `position` on the search path, NA if it was detached by hand; `objects`, a list of the
#'   sizes in bytes by name, as [object.size()] has them (NA for active bindings; delayed ones are evaluated), and
#'   `size`, their sum; `hits`, the number of calls that found it there; `clashes`, a list of the other places on the
#'   search path that have an object of the same name, by name of the object.
#' @examples
#' score <- function(hp) {
#'   rxInitOnce(name = "cars", {
#'     fit <- rxLinMod(mpg ~ hp, data = mtcars)
#'     predicted <- function(hp) sum(coef(fit) * c(1, hp))
#'   })
#'   predicted(hp)
#' }
#' score(110)
#' score(245) # fits nothing
#' rxInitOnceInfo()
#'
#' rxInitOnceReset("cars")
#' @export
rxInitOnce <- function(expr, name, version = NULL) {
  check_state_name(name)
  state <- once$states[[name]]
  if (is.null(state) || !(is.null(version) || identical(version, state$version))) {
    check_argument(!missing(expr), "expr", "given where there is nothing to find yet")
    state <- initialise(substitute(expr), parent.frame(), name, version, state)
  } else {
    state$hits <- state$hits + 1
    if (is.na(state_position(state))) {
      move_to_search(state, 2L)
    }
  }
  invisible(state$attached)
}

#' @rdname rxInitOnce
#' @export
rxInitOnceReset <- function(name) {
  check_state_name(name)
  refuse_running(name)
  state <- once$states[[name]]
  if (!is.null(state)) {
    detach_state(state)
    once$states[[name]] <- NULL
  }
  invisible(!is.null(state))
}

#' @rdname rxInitOnce
#' @export
rxInitOnceInfo <- function() {
  states <- unname(once$states)
  each <- function(what, type) vapply(states, what, type)
  info <- data.frame(
    name = each(function(state) state$name, ""),
    version = each(function(state) paste(as.character(state$version), collapse = " "), ""),
    initialised = .POSIXct(each(function(state) as.numeric(state$initialised), 0)),
    seconds = each(function(state) state$seconds, 0),
    position = each(state_position, 0L)
  )
  info$objects <- lapply(states, function(state) object_sizes(state$attached))
  info$size <- vapply(info$objects, sum, 0, na.rm = TRUE)
  info$hits <- each(function(state) state$hits, 0)
  info$clashes <- lapply(states, state_clashes)
  structure(info, class = c("rxInitOnceInfo", "data.frame"))
}

#' @export
print.rxInitOnceInfo <- function(x, ...) {
  if (nrow(x) == 0) {
    cat("Nothing is initialised.\n")
  }
  for (row in seq_len(nrow(x))) {
    state <- lapply(x, `[[`, row)
    cat(state$name, if (nzchar(state$version)) paste0(" (version ", state$version, ")"), "\n", sep = "")
    cat("  initialised ", format(state$initialised), ", in ", format(signif(state$seconds, 3)), " s", sep = "")
    cat(", found there ", format(state$hits), " times", if (is.na(state$position)) ", detached", "\n", sep = "")
    sizes <- paste(format(state$objects, big.mark = ","), "bytes")
    sizes[is.na(state$objects)] <- "active"
    cat(sprintf("  %s  %s\n", format(names(state$objects)), sizes), sep = "")
    if (length(state$clashes) > 0) {
      cat("  also elsewhere: ", paste(names(state$clashes), "in", state$clashes, collapse = ", "), "\n", sep = "")
    }
  }
  invisible(x)
}

check_state_name <- function(name) {
  check_argument(!missing(name) && is_string(name) && nzchar(name), "name", "a string that is not empty")
}

refuse_running <- function(name) {
  if (name %in% once$running) {
    message <- sprintf("'%s' is used inside the expression that initialises it.", name)
    rx_abort("recursive", message, hint = "Give the inner state a name of its own.")
  }
}

#' Evaluates the expression of a state and puts the state on the search path, in place of a former version
#'
#' @param frame the frame of the caller, whose variables the expression sees
#' @param former the state of another version, or NULL
#' @noRd
initialise <- function(expr, frame, name, version, former) {
  refuse_running(name)
  once$running <- c(once$running, name)
  on.exit(once$running <- setdiff(once$running, name))
  attached_before <- search()
  started <- proc.time()[["elapsed"]]

  home <- new.env(parent = frame)
  eval(expr, home)
  state <- list2env(parent = emptyenv(), list(
    name = name, version = version, initialised = Sys.time(), seconds = proc.time()[["elapsed"]] - started, hits = 0,
    home = home, attached = home
  ))
  position <- if (is.null(former)) NA else detach_state(former)
  # Functions of the state see what is behind it, so what the expression attached must not stay in front.
  in_place <- !is.na(position) && all(search() %in% attached_before)
  move_to_search(state, if (in_place) position else 2L)
  once$states[[name]] <- state
  state
}

#' Moves the objects of a state to a new entry of the search path
#'
#' Only attach() can make one, and it copies. The environment that functions of the state were created in is emptied and
#' becomes a child of the entry, so that there is one of each object, and what these functions see and change is it.
#'
#' @noRd
move_to_search <- function(state, position) {
  from <- state$attached
  names <- ls(from, all.names = TRUE, sorted = FALSE)
  active <- Filter(function(name) bindingIsActive(name, from), names)
  locked <- Filter(function(name) bindingIsLocked(name, from), names)
  # Half of this would be an entry that nobody knows of.
  suspendInterrupts({
    to <- base::attach(from, pos = position, name = state_label(state), warn.conflicts = FALSE)
    for (name in active) {
      rm(list = name, envir = to)
      makeActiveBinding(name, activeBindingFunction(name, from), to)
    }
    for (name in locked) {
      lockBinding(name, to)
    }
    if (environmentIsLocked(from)) {
      lockEnvironment(to)
    } else {
      rm(list = names, envir = from)
    }
    parent.env(from) <- to
    parent.env(state$home) <- to
    state$attached <- to
  })
}

state_label <- function(state) paste0("rxInitOnce:", state$name)

#' Where on the search path a state is, or NA
#'
#' @noRd
state_position <- function(state) {
  positions <- which(search() == state_label(state))
  is_own <- function(position) identical(as.environment(position), state$attached)
  Find(is_own, positions) %||% NA_integer_
}

#' Takes a state off the search path and answers where it was, or NA
#'
#' @noRd
detach_state <- function(state) {
  position <- state_position(state)
  if (!is.na(position)) {
    base::detach(pos = position)
  }
  position
}

#' Takes all states off the search path, for when the registry goes away with the namespace
#'
#' @noRd
detach_states <- function() {
  for (state in once$states) {
    detach_state(state)
  }
}

object_sizes <- function(environment) {
  names <- ls(environment, all.names = TRUE)
  size <- function(name) {
    if (bindingIsActive(name, environment)) NA_real_ else as.numeric(utils::object.size(get(name, environment)))
  }
  vapply(names, size, 0)
}

#' The other places on the search path that have an object of the same name as one of a state
#'
#' @return the places, named by object
#' @noRd
state_clashes <- function(state) {
  names <- ls(state$attached, all.names = TRUE)
  others <- setdiff(seq_along(search()), state_position(state))
  found <- lapply(others, function(position) {
    common <- Filter(function(name) exists(name, as.environment(position), inherits = FALSE), names)
    stats::setNames(rep(search()[position], length(common)), common)
  })
  unlist(found) %||% character()
}
