# Serves a file of this folder on a port of this machine: Rscript run.R plumber.R 8000
# As hosts do, it runs the service in the global environment and wipes that after each call.

arguments <- commandArgs(trailingOnly = TRUE)
service <- plumber::pr(system.file("plumber", arguments[1], package = "rxscale"), envir = globalenv())
service <- plumber::pr_hook(service, "postserialize", function() {
  rm(list = ls(globalenv(), all.names = TRUE), envir = globalenv())
})
plumber::pr_run(service, host = "127.0.0.1", port = as.integer(arguments[2]), docs = FALSE, quiet = TRUE)
