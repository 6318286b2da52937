.onLoad <- function(libname, pkgname) {
  namespace <- topenv()
  makeActiveBinding("rxgLastPendingJob", function() state$last_job, namespace)
  # Workers and jobs end when the session does, also where the system does not see to it.
  reg.finalizer(state, function(state) if (is.null(state$unloaded)) rx_engine_shutdown(), onexit = TRUE)
}

.onUnload <- function(libpath) {
  detach_states()
  rx_engine_shutdown()
  state$unloaded <- TRUE
  library.dynam.unload("rxscale", libpath)
}
