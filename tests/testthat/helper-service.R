# The service in inst/plumber, as a process of its own.

# Writes the files of the service into a folder that is removed when the calling test ends.
local_service_folder <- function(env = parent.frame()) {
  folder <- withr::local_tempdir(.local_envir = env)
  withr::local_envvar(FLIGHTS_FOLDER = folder, no_proxy = "127.0.0.1", .local_envir = env)
  callr::rscript(system.file("plumber", "train.R", package = "rxscale"), show = FALSE)
  folder
}

# Starts a service; returns a function that asks it for a path.
local_service <- function(file, env = parent.frame()) {
  port <- httpuv::randomPort()
  log <- withr::local_tempfile(.local_envir = env)
  process <- callr::rscript_process$new(callr::rscript_process_options(
    script = system.file("plumber", "run.R", package = "rxscale"), cmdargs = c(file, port), stdout = log, stderr = log
  ))
  withr::defer(process$kill(), envir = env)
  deadline <- Sys.time() + 30
  repeat {
    connected <- try(suppressWarnings(close(socketConnection(port = port, timeout = 1))), silent = TRUE)
    if (!inherits(connected, "try-error")) {
      break
    }
    if (!process$is_alive() || Sys.time() > deadline) {
      stop("The service did not start:\n", paste(readLines(log), collapse = "\n"))
    }
    Sys.sleep(0.05)
  }
  function(path) jsonlite::fromJSON(sprintf("http://127.0.0.1:%d/%s", port, path))
}
