# The service. Its workspace is wiped after each call, so a handler uses nothing but what it finds in packages and in
# the state. A new model file is a new version of the state: the next call loads it.

#* The delay at arrival to expect of a flight, in minutes
#* @get /score
#* @serializer unboxedJSON
function(carrier, origin, dest, dep_delay = 0) {
  rxscale::rxInitOnce(
    source(system.file("plumber", "state.R", package = "rxscale"), local = TRUE),
    name = "flights",
    version = file.mtime(file.path(Sys.getenv("FLIGHTS_FOLDER", "."), "model.rds"))
  )
  list(arr_delay = expected_delay(carrier, origin, dest, as.numeric(dep_delay)))
}

#* What is kept, and how the process is
#* @get /info
#* @serializer unboxedJSON
function() {
  state <- rxscale::rxInitOnceInfo()
  list(
    name = state$name, seconds = state$seconds, hits = state$hits, objects = names(unlist(state$objects)),
    search = search(), workspace = ls(globalenv(), all.names = TRUE), process = Sys.getpid(), megabytes = sum(gc()[, 2])
  )
}
