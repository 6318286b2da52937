# The same service without rxInitOnce(): each call sets up the state anew.

#* The delay at arrival to expect of a flight, in minutes
#* @get /score
#* @serializer unboxedJSON
function(carrier, origin, dest, dep_delay = 0) {
  source(system.file("plumber", "state.R", package = "rxscale"), local = TRUE)
  list(arr_delay = expected_delay(carrier, origin, dest, as.numeric(dep_delay)))
}
