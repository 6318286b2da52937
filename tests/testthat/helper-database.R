# Databases for tests: files of SQLite, and a PostgreSQL server that the tests start for themselves.

# A function that opens a new file of SQLite, which goes when the calling test ends.
local_sqlite <- function(env = parent.frame()) {
  skip_if_not_installed("RSQLite")
  file <- withr::local_tempfile(fileext = ".sqlite", .local_envir = env)
  function() DBI::dbConnect(RSQLite::SQLite(), file)
}

# Runs statements on a connection of its own.
in_database <- function(open, ...) {
  connection <- open()
  on.exit(DBI::dbDisconnect(connection))
  for (statement in c(...)) DBI::dbClearResult(DBI::dbSendQuery(connection, statement))
}

# The number of rows that a query finds.
rows_in <- function(open, table) {
  connection <- open()
  on.exit(DBI::dbDisconnect(connection))
  as.numeric(DBI::dbGetQuery(connection, paste("SELECT count(*) FROM", table))[[1]])
}

server <- new.env()

# A function that connects with a PostgreSQL server of this test run. It refuses to run as root, so then the user that
# its package makes runs it.
postgres <- function() {
  skip_on_os("windows")
  skip_if_not_installed("RPostgreSQL")
  programs <- c(Sys.glob("/usr/lib/postgresql/*/bin"), dirname(Sys.which("initdb")))
  programs <- programs[file.exists(file.path(programs, "initdb"))]
  skip_if(length(programs) == 0, "PostgreSQL's server is not installed")
  if (is.null(server$folder)) {
    start_postgres(programs[1])
  }
  skip_if(is.null(server$folder), "PostgreSQL's server does not start here")
  function() DBI::dbConnect(RPostgreSQL::PostgreSQL(), host = server$folder, user = "tester", dbname = "postgres")
}

start_postgres <- function(programs) {
  is_root <- identical(Sys.info()[["effective_user"]], "root")
  as_user <- if (is_root) c("runuser", "-u", "postgres", "--") else character()
  run <- function(...) {
    command <- c(as_user, ...)
    suppressWarnings(system2(command[1], shQuote(command[-1]), stdout = TRUE, stderr = TRUE))
  }
  # The path of a socket must be short, and the server's user must reach it.
  folder <- run("mktemp", "-d", "/tmp/rxscale-XXXXXX")
  data <- file.path(folder, "data")
  run(file.path(programs, "initdb"), "-D", data, "-A", "trust", "-U", "tester", "--no-sync", "-E", "UTF8")
  options <- sprintf("-F -c listen_addresses='' -c unix_socket_directories='%s' -c client_min_messages=error", folder)
  started <- run(file.path(programs, "pg_ctl"), "-D", data, "-w", "-l", file.path(folder, "log"), "-o", options, "start")
  withr::defer(
    {
      run(file.path(programs, "pg_ctl"), "-D", data, "-m", "immediate", "stop")
      run("rm", "-rf", folder)
    },
    teardown_env()
  )
  if (is.null(attr(started, "status"))) server$folder <- folder
}

# What several analyses say of the flights in a source, without what names the source.
analyses_of <- function(source) {
  bare <- function(x) x[setdiff(names(x), c("call", "params", "formula"))]
  late <- rxLinMod(arr_delay ~ dep_delay + origin, source)
  list(
    summary = bare(rxSummary(arr_delay ~ origin + distance:origin, source)),
    fit = coef(late), errors = late$coef.std.error,
    table = unclass(rxCrossTabs(~ origin:carrier, source))$counts,
    cube = as.data.frame(rxCube(arr_delay ~ F(hour), source)),
    quantiles = rxQuantile("distance", source),
    shares = rxLorenz("hour", "distance", source),
    logit = coef(rxLogit(late ~ distance, source, transforms = list(late = arr_delay > 30))),
    glm = coef(rxGlm(hour ~ origin + distance, family = poisson(), data = source)),
    clusters = rxKmeans(~ dep_delay + distance, source, centers = cbind(0, c(500, 1500)))$size,
    stepwise = rxLinMod(arr_delay ~ dep_delay + distance, source, variableSelection = rxStepControl())$anova,
    correlations = rxCor(~ dep_delay + arr_delay + distance, source),
    counts = rxHistogram(~hour, source)$panel.args,
    sorted = rxSort(source, sortByVars = c("dest", "distance"), varsToKeep = "month", removeDupKeys = TRUE),
    merged = nrow(rxMerge(source, data.frame(origin = c("EWR", "x"), size = 1:2), matchVars = "origin")),
    levels = rxFactors(source, list(airport = list(newLevels = c("LGA", "JFK", "EWR"), varName = "origin")))$airport,
    parts = lapply(unname(rxSplit(source, "", numOut = 2, varsToKeep = c("day", "hour"))), summary),
    predictions = rxPredict(late, source)$arr_delay_Pred[1:10],
    selected = rxSummary(~speed, source, transforms = list(speed = distance / air_time), rowSelection = month == 2)$sDF,
    step = rxDataStep(source, varsToKeep = c("dest", "day"), rowSelection = hour == 23, numRows = 5000),
    imported = rxGetVarInfo(rxImport(source, tempfile(fileext = ".xdf")))[c("arr_delay", "distance")]
  )
}
