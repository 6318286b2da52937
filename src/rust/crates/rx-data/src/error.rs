//! The one error type of the engine: what was wrong, where, and what to do.

use std::fmt;
use std::path::Path;

/// Result of everything that can fail in the engine.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of thing went wrong; R sees it as the class `rxscale_error_<name>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// An argument has an impossible value.
    Argument,
    /// A column that was asked for is not there.
    MissingColumn,
    /// A column has a type that the job cannot use.
    WrongType,
    /// A file cannot be found, opened, read or written.
    File,
    /// A file is there but its content is damaged or not of its format.
    CorruptFile,
    /// A database cannot be reached, or refuses what is asked of it.
    Database,
    /// A value contradicts the type of its column.
    Value,
    /// No row is left after missing values and selection.
    NoRows,
    /// A factor has a single level where two are needed.
    OneLevel,
    /// An infinite value in a model variable.
    Infinite,
    /// More memory is needed than the limit allows.
    Memory,
    /// R code called by the engine (a transform) failed.
    Transform,
    /// A worker process cannot be started or kept.
    Worker,
    /// Not supported (yet); said instead of being ignored.
    Unsupported,
    /// The user interrupted the job.
    Interrupted,
    /// A defect of rxscale itself.
    Internal,
}

impl ErrorKind {
    /// The kinds that R code called by the engine may raise.
    const OF_R: [ErrorKind; 8] = [
        ErrorKind::Argument,
        ErrorKind::MissingColumn,
        ErrorKind::WrongType,
        ErrorKind::File,
        ErrorKind::CorruptFile,
        ErrorKind::Database,
        ErrorKind::Value,
        ErrorKind::Unsupported,
    ];

    /// The kind of a condition that R code raised.
    pub fn of_condition(name: &str) -> Option<ErrorKind> {
        Self::OF_R.into_iter().find(|kind| kind.name() == name)
    }

    /// The last part of the R condition's class.
    pub fn name(self) -> &'static str {
        match self {
            ErrorKind::Argument => "argument",
            ErrorKind::MissingColumn => "missing_column",
            ErrorKind::WrongType => "wrong_type",
            ErrorKind::File => "file",
            ErrorKind::CorruptFile => "corrupt_file",
            ErrorKind::Database => "database",
            ErrorKind::Value => "value",
            ErrorKind::NoRows => "no_rows",
            ErrorKind::OneLevel => "one_level",
            ErrorKind::Infinite => "infinite",
            ErrorKind::Memory => "memory",
            ErrorKind::Transform => "transform",
            ErrorKind::Worker => "worker",
            ErrorKind::Unsupported => "unsupported",
            ErrorKind::Interrupted => "interrupted",
            ErrorKind::Internal => "internal",
        }
    }
}

/// An error with the places it concerns.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    /// What kind of thing went wrong.
    pub kind: ErrorKind,
    /// What was wrong, as a sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The column concerned.
    pub column: Option<String>,
    /// The file concerned.
    pub file: Option<String>,
    /// The row concerned, counted from one.
    pub row: Option<u64>,
}

impl Error {
    /// An error of a kind with its sentence.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into(), hint: None, column: None, file: None, row: None }
    }

    /// The job was interrupted.
    pub fn interrupted() -> Self {
        Error::new(ErrorKind::Interrupted, "The job was interrupted.")
    }

    /// A defect of rxscale.
    pub fn internal(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Internal, message)
    }

    /// An operating system's error about a file.
    pub fn io(file: &Path, doing: &str, cause: &std::io::Error) -> Self {
        Error::new(ErrorKind::File, format!("Cannot {doing} '{}': {cause}.", file.display())).file(file)
    }

    /// A damaged file, or one that is not of its format.
    pub fn corrupt(file: &Path, what: impl fmt::Display) -> Self {
        Error::new(ErrorKind::CorruptFile, format!("'{}' cannot be read: {what}.", file.display())).file(file)
    }

    /// Says what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names the column.
    pub fn column(mut self, column: impl Into<String>) -> Self {
        self.column = Some(column.into());
        self
    }

    /// Names the file.
    pub fn file(mut self, file: &Path) -> Self {
        self.file = Some(file.display().to_string());
        self
    }

    /// Names the row, counted from one.
    pub fn row(mut self, row: u64) -> Self {
        self.row = Some(row);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
