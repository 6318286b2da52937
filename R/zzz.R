.onUnload <- function(libpath) {
  detach_states()
  rx_engine_shutdown()
  library.dynam.unload("rxscale", libpath)
}
