#' Convert XDF files of RevoScaleR
#'
#' Writes files of Microsoft's XDF format again in rxscale's, one by one or all of a folder. The old files stay. One
#' that cannot be read does not keep the others from being converted.
#'
#' Values, types, levels, descriptions, row names and blocks stay as they are. Only values have checksums in the old
#' format, so ranges of columns are found anew. See [RxXdfData()] for what is read with a warning. It is not called a
#' failure; the warning is in the result.
#'
#' @param inFile a folder, or names of files.
#' @param outDir folder of the new files, which is made if need be; of a folder, subfolders are kept. NULL puts each new
#'   file beside the old one.
#' @param suffix what the name of a new file has before `.xdf` where it is put beside the old one.
#' @param recursive whether subfolders are searched, too.
#' @param overwrite whether existing files may be replaced.
#' @param emptyTextIsNA whether empty text, as which RevoScaleR seems to have stored missing text, becomes missing.
#' @param xdfCompressionLevel,reportProgress see [rxOptions()]. Progress is a bar of files, in interactive sessions.
#' @return A data frame, invisibly, with a row for every file of extension .xdf: `file`; `output`; `status`, which is
#'   `"converted"`, `"skipped"` (no file of Microsoft's, or the output exists) or `"failed"`; `rows` and `columns`;
#'   `message`, the reason or warnings. If any failed, a warning says so.
#' @seealso [RxXdfData()], [rxImport()] for a single file with more to be done to it.
#' @examples
#' folder <- tempfile()
#' dir.create(folder)
#' file.copy(system.file("extdata", "legacy-mtcars.xdf", package = "rxscale"), folder)
#' converted <- rxConvertXdf(folder)
#' converted[c("status", "rows", "columns")]
#' head(RxXdfData(converted$output))
#' unlink(folder, recursive = TRUE)
#' @export
rxConvertXdf <- function(inFile, outDir = NULL, suffix = "_rx", recursive = TRUE, overwrite = FALSE,
                         emptyTextIsNA = FALSE, xdfCompressionLevel = rxGetOption("xdfCompressionLevel"),
                         reportProgress = rxGetOption("reportProgress")) {
  check_argument(is_strings(inFile) && length(inFile) > 0, "inFile", "a folder, or names of files")
  check_argument(is.null(outDir) || is_string(outDir) && nzchar(outDir), "outDir", "the name of a folder, or NULL")
  check_argument(is_string(suffix) && nzchar(suffix), "suffix", "a string that is not empty")
  check_argument(is_flag(recursive), "recursive", "TRUE or FALSE")
  check_argument(is_flag(overwrite), "overwrite", "TRUE or FALSE")
  check_argument(is_flag(emptyTextIsNA), "emptyTextIsNA", "TRUE or FALSE")
  level <- option_rules$xdfCompressionLevel
  check_argument(level$ok(xdfCompressionLevel), "xdfCompressionLevel", level$must)
  plan <- conversion_plan(inFile, outDir, suffix, recursive)
  bar <- if (interactive() && reportProgress > 0 && nrow(plan) > 1) {
    cli::cli_progress_bar("Converting", total = nrow(plan), .auto_close = FALSE)
  }
  on.exit(if (!is.null(bar)) cli::cli_progress_done(id = bar))
  results <- lapply(seq_len(nrow(plan)), function(i) {
    result <- converted_file(plan$file[i], plan$output[i], overwrite, emptyTextIsNA, xdfCompressionLevel)
    if (!is.null(bar)) cli::cli_progress_update(id = bar)
    result
  })
  done <- cbind(plan, do.call(rbind, results))
  failed <- which(done$status == "failed")
  if (length(failed) > 0) {
    warning(
      sprintf("%d of %d files could not be converted; the first is '%s':\n", length(failed), nrow(done),
        done$file[failed[1]]
      ),
      done$message[failed[1]], "\nThe result has all messages.",
      call. = FALSE
    )
  }
  invisible(done)
}

#' Which files become which
#'
#' @return a data frame of `file` and `output`
#' @noRd
conversion_plan <- function(inFile, outDir, suffix, recursive) {
  is_folder <- length(inFile) == 1 && dir.exists(inFile)
  files <- if (is_folder) {
    list.files(inFile, "\\.xdf$", recursive = recursive, ignore.case = TRUE)
  } else {
    vapply(inFile, locate_input, "", ".xdf", USE.NAMES = FALSE)
  }
  if (length(files) == 0) {
    rx_abort("file", sprintf("There is no .xdf file in the folder '%s'.", inFile), file = inFile)
  }
  paths <- if (is_folder) file.path(inFile, files) else files
  is_file <- !dir.exists(paths)
  output <- if (is.null(outDir)) {
    paste0(tools::file_path_sans_ext(paths), suffix, ".xdf")
  } else {
    file.path(outDir, if (is_folder) files else basename(files))
  }
  twice <- anyDuplicated(output[is_file])
  if (twice > 0) {
    rx_abort("argument", sprintf("Two files would become '%s'.", output[is_file][twice]), file = output[is_file][twice])
  }
  data.frame(file = paths[is_file], output = output[is_file])
}

#' Converts a file
#'
#' @return a data frame of one row: `status`, `rows`, `columns`, `message`
#' @noRd
converted_file <- function(file, output, overwrite, emptyTextIsNA, xdfCompressionLevel) {
  result <- function(status, rows = NA, columns = NA, message = "") {
    data.frame(status = status, rows = as.double(rows), columns = as.integer(columns), message = message)
  }
  said <- character()
  convert <- function() {
    source <- RxXdfData(file)
    info <- source_info(source)
    if (!info$legacy) {
      return(result("skipped", message = "It is no file of Microsoft's XDF format."))
    }
    if (file.exists(output) && !overwrite) {
      return(result("skipped", message = "The output exists."))
    }
    if (!dir.exists(dirname(output)) && !dir.create(dirname(output), showWarnings = FALSE, recursive = TRUE)) {
      rx_abort("file", sprintf("The folder '%s' cannot be made.", dirname(output)), file = dirname(output))
    }
    sink <- sink_spec(RxXdfData(output, createCompositeSet = FALSE), "none", overwrite, xdfCompressionLevel)
    rows <- max(info$block_rows, 1)
    written <- import(source, sink, rowsPerRead = rows, emptyTextIsNA = emptyTextIsNA)
    result("converted", written$rows, length(info$fields), paste(said, collapse = "\n"))
  }
  tryCatch(
    withCallingHandlers(convert(), warning = function(condition) {
      said <<- c(said, conditionMessage(condition))
      tryInvokeRestart("muffleWarning")
    }),
    error = function(condition) result("failed", message = conditionMessage(condition))
  )
}
