#' Find a file
#'
#' `rxLocateFile()` returns the path of a file, searching for a relative name in the working directory and then in
#' `pathsToSearch`. `rxFindFileInPath()` returns the first folder of `path` that holds a file.
#'
#' @param file name of the file.
#' @param pathsToSearch folders; NULL stands for the `dataPath` (or, for `isOutFile`, the `outDataPath`) of the compute
#'   context or the option of that name.
#' @param fileSystem NULL or `"native"`.
#' @param isOutFile whether the file is to be written: it need not exist.
#' @param defaultExt extension that is added to a name without one.
#' @param verbose 1 prints where the file was found.
#' @param path folders, as a vector or in one string separated by `:` (on Windows `;`), or a compute context.
#' @param fileName name of the file.
#' @return `rxLocateFile()`: an absolute path; an error if there is no such file. `rxFindFileInPath()`: a folder, or
#'   NULL.
#' @examples
#' rxLocateFile("flights.csv.gz", pathsToSearch = rxGetOption("sampleDataDir"))
#' rxFindFileInPath(c(tempdir(), rxGetOption("sampleDataDir")), "flights.csv.gz")
#' @export
rxLocateFile <- function(file, pathsToSearch = NULL, fileSystem = NULL, isOutFile = FALSE, defaultExt = ".xdf",
                         verbose = 0) {
  if (methods::is(file, "RxFileData")) {
    file <- file@file
  }
  check_argument(is_string(file) && nzchar(file), "file", "the name of a file")
  check_argument(is.null(pathsToSearch) || is_strings(pathsToSearch), "pathsToSearch", "a character vector or NULL")
  check_argument(is_flag(isOutFile), "isOutFile", "TRUE or FALSE")
  check_argument(is_string(defaultExt), "defaultExt", "a string")
  if (!(is.null(fileSystem) || identical(fileSystem, "native"))) {
    rx_abort("unsupported", "No file system but \"native\" is supported yet.")
  }
  located <- if (isOutFile) {
    locate_output(file, defaultExt, pathsToSearch)
  } else {
    locate_input(file, defaultExt, pathsToSearch)
  }
  if (verbose > 0) cat("File found:", located, "\n")
  located
}

#' @rdname rxLocateFile
#' @export
rxFindFileInPath <- function(path, fileName) {
  check_argument(is_string(fileName), "fileName", "the name of a file")
  if (methods::is(path, "RxComputeContext")) {
    path <- path@dataPath
  }
  check_argument(is.null(path) || is_strings(path), "path", "a character vector of folders")
  folders <- unlist(strsplit(as.character(path), .Platform$path.sep, fixed = TRUE))
  found <- folders[file.exists(file.path(folders, fileName))]
  if (length(found)) found[[1]]
}

#' Absolute path of an existing file
#'
#' @noRd
locate_input <- function(file, extension, folders = NULL) {
  folders <- folders %||% search_path("dataPath")
  wanted <- unique(c(file, with_extension(file, extension)))
  candidates <- if (is_absolute(file)) wanted else c(wanted, as.vector(t(outer(folders, wanted, file.path))))
  # A folder may share its name with the file that is meant, or be a composite set.
  is_other_folder <- extension == ".xdf" & dir.exists(candidates) & !is_composite_set(candidates)
  found <- candidates[file.exists(candidates) & !is_other_folder]
  if (length(found)) {
    return(normalizePath(found[[1]]))
  }
  wanted <- wanted[length(wanted)]
  rx_abort(
    "file", sprintf("File '%s' does not exist.", wanted),
    hint = missing_file_hint(wanted, if (is_absolute(file)) character() else folders), file = wanted
  )
}

#' Absolute path of a file to be written: a relative name goes to the first folder there is
#'
#' @noRd
locate_output <- function(file, extension, folders = NULL) {
  file <- with_extension(file, extension)
  if (!is_absolute(file)) {
    folders <- folders %||% search_path("outDataPath")
    folders <- folders[dir.exists(folders)]
    file <- file.path(c(folders, ".")[[1]], file)
  }
  file.path(normalizePath(dirname(file), mustWork = FALSE), basename(file))
}

search_path <- function(option) methods::slot(rxGetComputeContext(), option) %||% rxGetOption(option)

with_extension <- function(file, extension) if (nzchar(tools::file_ext(file))) file else paste0(file, extension)

is_absolute <- function(path) grepl("^(/|\\\\|~|[A-Za-z]:)", path)

missing_file_hint <- function(file, folders) {
  folder <- dirname(file)
  near <- nearest_name(basename(file), list.files(folder))
  if (!is.null(near)) {
    sprintf("Did you mean '%s'?", if (folder == ".") near else file.path(folder, near))
  } else if (!dir.exists(folder)) {
    sprintf("There is no folder '%s'.", folder)
  } else if (length(folders)) {
    sprintf("Searched in the working directory and %s.", paste0("'", folders, "'", collapse = ", "))
  }
}
