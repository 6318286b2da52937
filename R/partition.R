#' Partition data by key
#'
#' Writes the rows of each combination of values of some columns to an XDF file of their own, in one pass over the data.
#'
#' A partitioned set is a folder `name` with the files `1.xdf`, `2.xdf`, ..., one a partition, and `name.xdfp`, which
#' lists them. Rows without a value in a key are a partition, too. Levels of factors are the same in all partitions that
#' are written together. A set appears when all of it is written; rows appended to a set change it when all of them are.
#'
#' @param inData a data frame, a data source or the name of a file.
#' @param outData where to write: `RxXdfData(folder, createPartitionSet = TRUE)`.
#' @param varsToPartition names of the columns whose values tell the partitions apart.
#' @param append `"rows"` adds the rows to the partitions of a set that exists, and new partitions to the set; `"none"`
#'   makes a new set.
#' @param overwrite whether a new set may replace one that exists.
#' @param data the source of a partitioned set, or the name of its folder.
#' @param ... arguments of the input source, which override those of an existing one. Unknown ones are ignored with a
#'   warning.
#' @return A data frame with a row a partition: the columns of `varsToPartition`, sorted, and `DataSource`, a list of
#'   [RxXdfData()] sources; of `rxPartition()` invisibly.
#' @seealso [rxExecBy()], which runs a function on each partition; [rxSplit()].
#' @examples
#' flights <- rxImport(file.path(rxGetOption("sampleDataDir"), "flights.csv.gz"), varsToKeep = c("origin", "arr_delay"))
#' set <- RxXdfData(tempfile(), createPartitionSet = TRUE)
#' rxPartition(flights, set, "origin")
#' partitions <- rxGetPartitions(set)
#' partitions$origin
#' rxSummary(~arr_delay, partitions$DataSource[[1]])
#' unlink(rxXdfFileName(set), recursive = TRUE)
#' @export
rxPartition <- function(inData, outData, varsToPartition, append = "rows", overwrite = FALSE, ...) {
  check_argument(
    is_source(outData, "RxXdfData") && isTRUE(outData@createPartitionSet), "outData",
    "a source made by RxXdfData(createPartitionSet = TRUE)"
  )
  check_keys(varsToPartition, "varsToPartition")
  append <- appends_rows(append)
  check_argument(is_flag(overwrite), "overwrite", "TRUE or FALSE")
  source <- import_source(inData, "auto", NULL, ...)
  folder <- locate_output(set_name(outData@file), "")
  is_new <- !file.exists(folder) && dir.create(folder, showWarnings = FALSE)
  lock <- engine_call(rx_engine_lock_folder, folder)
  on.exit({
    # A folder that became none.
    if (is_new) suppressWarnings(file.remove(folder))
    rx_engine_unlock(lock)
  })
  old <- if (is_partition_set(folder)) partition_table(folder)
  check_partition_target(folder, old, varsToPartition, append, overwrite)
  new <- temporary_folder(folder)
  on.exit(unlink(new, recursive = TRUE), add = TRUE)
  made <- split_by_key(list(source = source), new, varsToPartition, durable = TRUE)
  if (append && !is.null(old)) {
    append_partitions(folder, old, new, made)
  } else {
    write_partition_table(made, file.path(new, paste0(basename(folder), ".xdfp")))
    replace_folder(folder, new)
  }
  invisible(rxGetPartitions(folder))
}

#' @rdname rxPartition
#' @export
rxGetPartitions <- function(data) {
  source <- if (is_string(data)) RxXdfData(data, createPartitionSet = TRUE) else data
  check_argument(is_source(source, "RxXdfData"), "data", "the source of a partitioned set, or the name of its folder")
  folder <- locate_input(set_name(source@file), "")
  if (!is_partition_set(folder)) {
    rx_abort("argument", sprintf("'%s' is no partitioned set.", folder), hint = "rxPartition() makes one.")
  }
  table <- partition_table(folder)
  with_sources(table[setdiff(names(table), partition_file)], file.path(folder, table[[partition_file]]))
}

#' The name of a temporary folder beside something that is written; the engine removes it if this process dies
#'
#' @noRd
temporary_folder <- function(path) {
  state$folders <- (state$folders %||% 0) + 1
  # The engine's own numbers are smaller.
  file.path(dirname(path), sprintf(".%s.rxtmp-%d-%.0f", basename(path), Sys.getpid(), 1e9 + state$folders))
}

# The column of a set's table that names the files.
partition_file <- ".rxFile"

check_keys <- function(keys, name) {
  ok <- is_strings(keys) && length(keys) > 0 && !anyDuplicated(keys)
  check_argument(ok, name, "names of columns, each once")
}

#' Writes the rows of each key to a file of its own
#'
#' @param job list of `source` and other arguments of run_part()
#' @param folder the folder to make
#' @param ... elements of the sink: durable, without_missing, shared_ranges, compression, rows_per_block, fresh_ranges
#' @return a data frame of the keys, sorted, and the names of the files
#' @noRd
split_by_key <- function(job, folder, keys, ...) {
  made <- run_part(job, list(type = "split", path = folder, keys = keys, ...), also = keys)
  table <- structure(made$keys, row.names = .set_row_names(length(made$rows)), class = "data.frame")
  table[[partition_file]] <- sprintf("%d.xdf", seq_along(made$rows))
  sorted_table(table)
}

#' A table of partitions in the order of their keys: of levels, of the C locale for text, missing ones last
#'
#' @noRd
sorted_table <- function(table) {
  keys <- unname(as.list(table[setdiff(names(table), partition_file)]))
  table <- table[do.call(order, c(keys, list(method = "radix"))), , drop = FALSE]
  row.names(table) <- NULL
  table
}

#' The keys of partitions with their sources
#'
#' @noRd
with_sources <- function(keys, files) {
  keys$DataSource <- lapply(files, RxXdfData)
  keys
}

#' Whether a folder is a partitioned set
#'
#' @noRd
is_partition_set <- function(folder) dir.exists(folder) && length(partition_head(folder)) > 0

partition_head <- function(folder) list.files(folder, pattern = "\\.xdfp$", full.names = TRUE)

#' The table of a set: its keys and files
#'
#' @noRd
partition_table <- function(folder) {
  import_frame(list(type = "xdf", path = partition_head(folder)[[1]]))
}

write_partition_table <- function(table, path) import(table, list(type = "xdf", path = path, overwrite = TRUE))

check_partition_target <- function(folder, old, keys, append, overwrite) {
  refuse <- function(message, hint) rx_abort("argument", message, hint = hint, file = folder)
  if (is.null(old)) {
    if (length(list.files(folder)) > 0) {
      refuse(sprintf("'%s' is a folder of other things.", folder), "Name a folder that does not exist.")
    }
  } else if (append) {
    known <- setdiff(names(old), partition_file)
    if (!identical(known, keys)) {
      message <- sprintf("The set is partitioned by %s.", paste0("'", known, "'", collapse = ", "))
      refuse(message, "Name the same columns, in the same order, to append to it.")
    }
  } else if (!overwrite) {
    refuse(sprintf("'%s' exists already.", folder), "Pass overwrite = TRUE to replace it.")
  }
}

#' Adds the rows of new files to those of a set with the same keys, and files for keys that it does not have
#'
#' The files of the set stay as they are until its table names those that take their places.
#'
#' @param new the folder of the new files
#' @param made their table
#' @noRd
append_partitions <- function(folder, old, new, made) {
  check_key_types(old, made)
  place <- match(key_ids(made), key_ids(old))
  known <- which(!is.na(place))
  # Names that no file of the set has.
  names <- sprintf("%d.xdf", max(0, as.integer(sub("[.]xdf$", "", old[[partition_file]]))) + seq_len(nrow(made)))
  files <- file.path(new, made[[partition_file]])
  for (i in known) {
    longer <- file.path(new, paste0("longer-", names[[i]]))
    file.copy(file.path(folder, old[[partition_file]][[place[[i]]]]), longer)
    import(RxXdfData(files[[i]]), list(type = "xdf", path = longer, append = TRUE))
    files[[i]] <- longer
  }
  if (!all(file.rename(files, file.path(folder, names)))) {
    rx_abort("file", sprintf("Cannot write to the folder '%s'.", folder), file = folder)
  }
  made[[partition_file]] <- names
  gone <- old[[partition_file]][place[known]]
  old[[partition_file]][place[known]] <- names[known]
  table <- rbind(old, made[is.na(place), , drop = FALSE])
  write_partition_table(sorted_table(table), partition_head(folder)[[1]])
  unlink(file.path(folder, gone))
}

check_key_types <- function(old, made) {
  for (key in setdiff(names(made), partition_file)) {
    types <- c(class(old[[key]])[[1]], class(made[[key]])[[1]])
    if (types[[1]] != types[[2]]) {
      message <- sprintf("Column '%s' is %s in the set but %s in the rows.", key, types[[1]], types[[2]])
      rx_abort("wrong_type", message, column = key)
    }
  }
}

#' The keys of each partition as one text
#'
#' @noRd
key_ids <- function(table) {
  texts <- lapply(unname(as.list(table[setdiff(names(table), partition_file)])), function(key) {
    # Both zeros are one.
    text <- if (is.double(key)) sprintf("%.17g", unclass(key) + 0) else as.character(key)
    ifelse(is.na(key), "\u001e", text)
  })
  do.call(paste, c(texts, sep = "\u001f"))
}

#' Puts a folder in the place of another one
#'
#' @noRd
replace_folder <- function(folder, new) {
  old <- paste0(new, "-old")
  if (dir.exists(folder)) {
    file.rename(folder, old)
    on.exit(unlink(old, recursive = TRUE))
  }
  if (!file.rename(new, folder)) {
    rx_abort("file", sprintf("Cannot make the folder '%s'.", folder), file = folder)
  }
}
