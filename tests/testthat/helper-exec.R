# Compute contexts for a test, and the processes that workers are.

# Sets a compute context until the calling test ends.
local_context_of <- function(context, ..., env = parent.frame()) {
  old <- rxSetComputeContext(context, ...)
  withr::defer(rxSetComputeContext(old), envir = env)
}

local_workers <- function(..., env = parent.frame()) {
  skip_on_os("windows")
  local_context_of(RxLocalParallel(...), env = env)
}

# The numbers of the processes that descend from one, or NULL where the system does not tell.
descendants <- function(of = Sys.getpid()) {
  skip_if_not(dir.exists("/proc/self"), "no /proc here")
  status <- lapply(list.files("/proc", "^[0-9]+$"), function(pid) {
    stat <- tryCatch(suppressWarnings(readLines(file.path("/proc", pid, "stat"))), error = function(e) NULL)
    fields <- strsplit(sub(".*[)] ", "", stat), " ")
    if (length(fields)) list(pid = as.integer(pid), state = fields[[1]][1], parent = as.integer(fields[[1]][2]))
  })
  status <- Filter(Negate(is.null), status)
  table <- data.frame(
    pid = vapply(status, `[[`, 0L, "pid"), parent = vapply(status, `[[`, 0L, "parent"),
    state = vapply(status, `[[`, "", "state")
  )
  found <- integer()
  repeat {
    new <- setdiff(table$pid[table$parent %in% c(of, found)], found)
    if (length(new) == 0) {
      return(table[table$pid %in% found, ])
    }
    found <- c(found, new)
  }
}

# Waits until a condition holds.
eventually <- function(condition, seconds = 10) {
  condition <- substitute(condition)
  frame <- parent.frame()
  deadline <- Sys.time() + seconds
  while (!(holds <- isTRUE(eval(condition, frame))) && Sys.time() < deadline) Sys.sleep(0.05)
  holds
}

lives <- function(pid) {
  stat <- tryCatch(suppressWarnings(readLines(file.path("/proc", pid, "stat"))), error = function(e) "gone) X")
  !startsWith(sub(".*[)] ", "", stat), "Z") && !startsWith(sub(".*[)] ", "", stat), "X")
}
