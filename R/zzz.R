.onUnload <- function(libpath) {
  library.dynam.unload("rxscale", libpath)
}
