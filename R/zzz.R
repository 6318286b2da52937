.onUnload <- function(libpath) {
  rx_engine_shutdown()
  library.dynam.unload("rxscale", libpath)
}
