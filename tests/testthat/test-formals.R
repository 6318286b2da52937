# Names, order and defaults of arguments are RevoScaleR 9.4's, so that its scripts run unchanged.
# nolint start: brace_linter. Only the heads of these functions matter.

revoscaler <- list(
  RxXdfData = function(file, varsToKeep = NULL, varsToDrop = NULL, returnDataFrame = TRUE, stringsAsFactors = FALSE,
                       blocksPerRead = rxGetOption("blocksPerRead"), fileSystem = NULL, createCompositeSet = NULL,
                       createPartitionSet = NULL, blocksPerCompositeFile = 3) NULL,
  rxXdfFileName = function(x) NULL,
  RxTextData = function(file, stringsAsFactors = FALSE, colClasses = NULL, colInfo = NULL, varsToKeep = NULL,
                        varsToDrop = NULL, missingValueString = "NA", rowsPerRead = 500000, delimiter = NULL,
                        combineDelimiters = FALSE, quoteMark = "\"", decimalPoint = ".", thousandsSeparator = NULL,
                        readDateFormat = "[%y[-][/]%m[-][/]%d]",
                        readPOSIXctFormat = "%y[-][/]%m[-][/]%d [%H:%M[:%S]][%p]", centuryCutoff = 20,
                        firstRowIsColNames = NULL, rowsToSniff = 10000, rowsToSkip = 0, returnDataFrame = TRUE,
                        defaultReadBufferSize = 10000, defaultDecimalColType = rxGetOption("defaultDecimalColType"),
                        defaultMissingColType = rxGetOption("defaultMissingColType"), writePrecision = 7,
                        stripZeros = FALSE, quotedDelimiters = FALSE, isFixedFormat = NULL, useFastRead = NULL,
                        createFileSet = NULL, rowsPerOutFile = NULL, verbose = 0, checkVarsToKeep = FALSE,
                        fileSystem = NULL, inputEncoding = "utf-8", writeFactorsAsIndexes = FALSE) NULL,
  RxParquetData = function(file, colInfo = NULL, fileSystem = "hdfs", cache = FALSE,
                           writeFactorsAsIndexes = FALSE) NULL,
  rxImport = function(inData, outFile = NULL, varsToKeep = NULL, varsToDrop = NULL, rowSelection = NULL,
                      transforms = NULL, transformObjects = NULL, transformFunc = NULL, transformVars = NULL,
                      transformPackages = NULL, transformEnvir = NULL, append = "none", overwrite = FALSE,
                      numRows = -1, stringsAsFactors = NULL, colClasses = NULL, colInfo = NULL, rowsPerRead = NULL,
                      type = "auto", maxRowsByCols = NULL, reportProgress = rxGetOption("reportProgress"),
                      verbose = 0, xdfCompressionLevel = rxGetOption("xdfCompressionLevel"),
                      createCompositeSet = NULL, blocksPerCompositeFile = 3, ...) NULL,
  rxDataStep = function(inData = NULL, outFile = NULL, varsToKeep = NULL, varsToDrop = NULL, rowSelection = NULL,
                        transforms = NULL, transformObjects = NULL, transformFunc = NULL, transformVars = NULL,
                        transformPackages = NULL, transformEnvir = NULL, append = "none", overwrite = FALSE,
                        rowVarName = NULL, removeMissingsOnRead = FALSE, removeMissings = FALSE,
                        computeLowHigh = TRUE, maxRowsByCols = 3000000, rowsPerRead = -1, startRow = 1, numRows = -1,
                        returnTransformObjects = FALSE, blocksPerRead = rxGetOption("blocksPerRead"),
                        reportProgress = rxGetOption("reportProgress"),
                        xdfCompressionLevel = rxGetOption("xdfCompressionLevel"), ...) NULL,
  rxOpen = function(src, mode = "r") NULL,
  rxClose = function(src, mode = "r") NULL,
  rxIsOpen = function(src, mode = "r") NULL,
  rxReadNext = function(src) NULL,
  rxWriteNext = function(from, to, ...) NULL,
  rxReadXdf = function(file, varsToKeep = NULL, varsToDrop = NULL, rowVarName = NULL, startRow = 1, numRows = -1,
                       returnDataFrame = TRUE, stringsAsFactors = FALSE, maxRowsByCols = NULL,
                       reportProgress = rxGetOption("reportProgress"), readByBlock = FALSE, cppInterp = NULL) NULL,
  rxXdfToDataFrame = function(file, varsToKeep = NULL, varsToDrop = NULL, rowVarName = NULL, rowSelection = NULL,
                              transforms = NULL, transformObjects = NULL, transformFunc = NULL, transformVars = NULL,
                              transformPackages = NULL, transformEnvir = NULL, removeMissings = FALSE,
                              stringsAsFactors = FALSE, blocksPerRead = rxGetOption("blocksPerRead"),
                              maxRowsByCols = 3000000, reportProgress = rxGetOption("reportProgress"),
                              cppInterp = NULL) NULL,
  rxCreateColInfo = function(data, includeLowHigh = FALSE, factorsOnly = FALSE, varsToKeep = NULL, sortLevels = FALSE,
                             computeInfo = TRUE, useFactorIndex = FALSE) NULL,
  rxGetInfo = function(data, getVarInfo = FALSE, getBlockSizes = FALSE, getValueLabels = NULL, varsToKeep = NULL,
                       varsToDrop = NULL, startRow = 1, numRows = 0, computeInfo = FALSE, allNodes = TRUE,
                       verbose = 0) NULL,
  rxGetVarInfo = function(data, getValueLabels = TRUE, varsToKeep = NULL, varsToDrop = NULL, computeInfo = FALSE,
                          allNodes = TRUE) NULL,
  rxGetInfoXdf = function(file, getVarInfo = FALSE, getBlockSizes = FALSE, getValueLabels = NULL, varsToKeep = NULL,
                          varsToDrop = NULL, startRow = 1, numRows = 0, computeInfo = FALSE, verbose = 0) NULL,
  rxGetVarInfoXdf = function(file, getValueLabels = TRUE, varsToKeep = NULL, varsToDrop = NULL,
                             computeInfo = FALSE) NULL,
  rxSetInfoXdf = function(file, description = "") NULL,
  rxCompressXdf = function(inFile, outFile = NULL, xdfCompressionLevel = 1, overwrite = FALSE,
                           reportProgress = rxGetOption("reportProgress")) NULL,
  rxDataFrameToXdf = function(data, outFile, varsToKeep = NULL, varsToDrop = NULL, rowVarName = NULL,
                              append = "none", overwrite = FALSE, computeLowHigh = TRUE,
                              xdfCompressionLevel = rxGetOption("xdfCompressionLevel")) NULL,
  rxImportToXdf = function(inSource, outSource, rowSelection = NULL, transforms = NULL, transformObjects = NULL,
                           transformFunc = NULL, transformVars = NULL, transformPackages = NULL,
                           transformEnvir = NULL, append = "none", overwrite = FALSE, numRows = -1,
                           maxRowsByCols = NULL, reportProgress = rxGetOption("reportProgress"), verbose = 0,
                           xdfCompressionLevel = rxGetOption("xdfCompressionLevel"), createCompositeSet = NULL,
                           blocksPerCompositeFile = 3) NULL,
  rxSetVarInfo = function(varInfo, data) NULL,
  rxSetVarInfoXdf = function(varInfo, file) NULL,
  rxGetVarNames = function(data) NULL,
  rxSetInfo = function(data, description = "") NULL,
  rxLocateFile = function(file, pathsToSearch = NULL, fileSystem = NULL, isOutFile = FALSE, defaultExt = ".xdf",
                          verbose = 0) NULL,
  rxFindFileInPath = function(path, fileName) NULL,
  rxSetComputeContext = function(computeContext, ...) NULL,
  rxGetComputeContext = function() NULL,
  RxLocalSeq = function(object, dataPath = NULL, outDataPath = NULL) NULL,
  rxPredict = function(modelObject, data = NULL, ...) NULL,
  rxPredict.default = function(modelObject, data = NULL, outData = NULL, computeStdErrors = FALSE, interval = "none",
                               confLevel = 0.95, computeResiduals = FALSE, type = c("response", "link"),
                               writeModelVars = FALSE, extraVarsToWrite = NULL, removeMissings = FALSE,
                               append = c("none", "rows"), overwrite = FALSE, checkFactorLevels = TRUE,
                               predVarNames = NULL, residVarNames = NULL, intervalVarNames = NULL,
                               stdErrorsVarNames = NULL, predNames = NULL,
                               blocksPerRead = rxGetOption("blocksPerRead"),
                               reportProgress = rxGetOption("reportProgress"), verbose = 0,
                               xdfCompressionLevel = rxGetOption("xdfCompressionLevel"), ...) NULL,
  rxLinMod = function(formula, data, pweights = NULL, fweights = NULL, cube = FALSE, cubePredictions = FALSE,
                      variableSelection = list(), rowSelection = NULL, transforms = NULL, transformObjects = NULL,
                      transformFunc = NULL, transformVars = NULL, transformPackages = NULL, transformEnvir = NULL,
                      dropFirst = FALSE, dropMain = rxGetOption("dropMain"), covCoef = FALSE, covData = FALSE,
                      coefLabelStyle = rxGetOption("coefLabelStyle"), blocksPerRead = rxGetOption("blocksPerRead"),
                      reportProgress = rxGetOption("reportProgress"), verbose = 0,
                      computeContext = rxGetOption("computeContext"), ...) NULL,
  rxStepControl = function(method = "stepwise", scope = NULL, maxSteps = 1000, stepCriterion = "AIC",
                           maxSigLevelToAdd = NULL, minSigLevelToDrop = NULL, refitEachStep = NULL,
                           keepStepCoefs = FALSE, scale = 0, k = 2, test = NULL, ...) NULL,
  rxStepPlot = function(x, plotStepBreaks = TRUE, omitZeroCoefs = TRUE, eps = .Machine$double.eps,
                        main = deparse(substitute(x)), xlab = "Step", ylab = "Stepwise Coefficients", type = "b",
                        pch = "*", ...) NULL,
  rxCovCoef = function(x) NULL,
  rxCorCoef = function(x) NULL,
  rxCovData = function(x) NULL,
  rxCorData = function(x) NULL,
  as.lm = function(x, ...) NULL,
  rxCube = function(formula, data, outFile = NULL, pweights = NULL, fweights = NULL, means = TRUE, cube = TRUE,
                    rowSelection = NULL, transforms = NULL, transformObjects = NULL, transformFunc = NULL,
                    transformVars = NULL, transformPackages = NULL, transformEnvir = NULL, overwrite = FALSE,
                    useSparseCube = rxGetOption("useSparseCube"), removeZeroCounts = useSparseCube,
                    returnDataFrame = FALSE, blocksPerRead = rxGetOption("blocksPerRead"), rowsPerBlock = 100000,
                    reportProgress = rxGetOption("reportProgress"), verbose = 0,
                    computeContext = rxGetOption("computeContext"), ...) NULL,
  print.rxCube = function(x, header = TRUE, ...) NULL,
  summary.rxCube = function(object, header = TRUE, ...) NULL,
  as.data.frame.rxCube = function(x, row.names = NULL, optional = FALSE, ...) NULL,
  subset.rxCube = function(x, ...) NULL,
  rxCrossTabs = function(formula, data, pweights = NULL, fweights = NULL, means = FALSE, marginals = FALSE,
                         cube = FALSE, rowSelection = NULL, transforms = NULL, transformObjects = NULL,
                         transformFunc = NULL, transformVars = NULL, transformPackages = NULL, transformEnvir = NULL,
                         useSparseCube = rxGetOption("useSparseCube"), removeZeroCounts = useSparseCube,
                         returnXtabs = FALSE, na.rm = FALSE, blocksPerRead = rxGetOption("blocksPerRead"),
                         reportProgress = rxGetOption("reportProgress"), verbose = 0,
                         computeContext = rxGetOption("computeContext"), ...) NULL,
  print.rxCrossTabs = function(x, output, header = TRUE, marginals = FALSE, na.rm = FALSE, ...) NULL,
  summary.rxCrossTabs = function(object, output, type = "%", na.rm = FALSE, ...) NULL,
  as.list.rxCrossTabs = function(x, output, marginals = FALSE, na.rm = FALSE, ...) NULL,
  mean.rxCrossTabs = function(x, marginals = TRUE, na.rm = FALSE, ...) NULL,
  rxMarginals = function(x, ...) NULL,
  rxMarginals.rxCrossTabs = function(x, output = "sums", ...) NULL,
  as.xtabs = function(x, ...) NULL,
  as.xtabs.rxCrossTabs = function(x, ...) NULL,
  as.xtabs.rxCube = function(x, ...) NULL,
  rxOptions = function(initialize = FALSE, libDir,
                       linkDllName = ifelse(.Platform$OS.type == "windows", "RxLink.dll", "libRxLink.so.2"),
                       cintSysDir = setCintSysDir(), includeDir = setRxIncludeDir(),
                       unitTestDir = system.file("unitTests", package = "RevoScaleR"),
                       unitTestDataDir = system.file("unitTestData", package = "RevoScaleR"),
                       sampleDataDir = system.file("SampleData", package = "RevoScaleR"),
                       demoScriptsDir = system.file("demoScripts", package = "RevoScaleR"), blocksPerRead = 1,
                       reportProgress = 2, rowDisplayMax = -1, memStatsReset = 0, memStatsDiff = 0, numCoresToUse = 4,
                       numDigits = options()$digits, showTransformFn = FALSE, defaultDecimalColType = "float32",
                       defaultMissingColType = "float32", computeContext = RxLocalSeq(), dataPath = ".",
                       outDataPath = ".", transformPackages = c("RevoScaleR", "utils", "stats", "methods"),
                       xdfCompressionLevel = 1, fileSystem = "native", useDoSMP = NULL, useSparseCube = FALSE,
                       rngBufferSize = 1, dropMain = TRUE, coefLabelStyle = "Revo", numTasks = 1,
                       hdfsHost = Sys.getenv("REVOHADOOPHOST"), hdfsPort = as.integer(Sys.getenv("REVOHADOOPPORT")),
                       unixRPath = "/usr/bin/Revo64-8", mrsHadoopPath = "/usr/bin/mrs-hadoop",
                       spark.executorCores = 2, spark.executorMem = "4g", spark.executorOverheadMem = "4g",
                       spark.numExecutors = 65535, traceLevel = 0, ...) NULL,
  rxGetOption = function(opt, default = NULL) NULL
)
# nolint end

# Documented on the help pages: defaults that differ on purpose, and arguments that RevoScaleR did not have.
other_defaults <- list(
  RxParquetData = "fileSystem",
  rxOptions = c(
    "libDir", "linkDllName", "cintSysDir", "includeDir", "unitTestDir", "unitTestDataDir", "sampleDataDir",
    "demoScriptsDir", "reportProgress", "numCoresToUse", "defaultDecimalColType", "defaultMissingColType",
    "transformPackages"
  )
)
new_arguments <- list(rxOptions = "memoryLimitMB")

# An exported function, or a method, by its name.
exported <- function(name) {
  getS3method(sub("[.][^.]*$", "", name), sub(".*[.]", "", name), optional = TRUE) %||%
    getExportedValue("rxscale", name)
}

for (name in names(revoscaler)) {
  test_that(paste(name, "has the arguments of RevoScaleR"), {
    wanted <- formals(revoscaler[[name]])
    found <- formals(exported(name))
    expect_equal(setdiff(as.character(names(found)), new_arguments[[name]]), as.character(names(wanted)))
    same <- setdiff(names(wanted), other_defaults[[name]])
    expect_equal(lapply(found[same], deparse), lapply(wanted[same], deparse))
  })
}

test_that("defaults that are said to differ do differ", {
  for (name in names(other_defaults)) {
    wanted <- formals(revoscaler[[name]])
    found <- formals(exported(name))
    for (argument in other_defaults[[name]]) {
      expect_false(identical(found[[argument]], wanted[[argument]]))
    }
  }
})
