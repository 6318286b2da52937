//! One text file, and how its columns are read.

use super::builder::{Builder, Rules};
use super::layout::Layout;
use super::rewrite::{Rewrite, Rewritten};
use super::sniff::Sniffed;
use super::{BLOCK_ROWS, RANGE_BYTES};
use crate::schema::Field;
use encoding_rs::Encoding;
use std::path::PathBuf;

/// One text file.
pub(super) struct TextFile {
    pub path: PathBuf,
    /// The columns with the names and levels that they have in the file.
    pub fields: Vec<Field>,
    /// What is done to the fields of each column.
    pub rewrites: Vec<Vec<Rewrite>>,
    pub rules: Rules,
    pub layout: Layout,
    /// The encoding, unless it is UTF-8.
    pub encoding: Option<&'static Encoding>,
    /// Where the first row of data begins, in UTF-8.
    pub start: u64,
    /// The mean length of the rows sniffed.
    pub row_bytes: usize,
    /// How many bytes a block is made of.
    pub range_bytes: usize,
    /// Where the columns of the source stand in the file.
    pub places: Vec<usize>,
}

impl TextFile {
    /// A file in which the columns `fields` of a source stand at `places`.
    pub fn new(
        path: PathBuf,
        sniffed: Sniffed,
        fields: &[(Field, Vec<Rewrite>)],
        places: Vec<usize>,
        encoding: Option<&'static Encoding>,
    ) -> Self {
        let mut in_file = vec![None; fields.len()];
        for (column, &place) in fields.iter().zip(&places) {
            in_file[place] = Some(column.clone());
        }
        let (fields, rewrites) = in_file.into_iter().flatten().unzip();
        TextFile {
            path,
            fields,
            rewrites,
            rules: sniffed.rules,
            layout: sniffed.layout,
            encoding,
            start: sniffed.start,
            row_bytes: sniffed.row_bytes,
            range_bytes: sniffed.row_bytes.saturating_mul(BLOCK_ROWS).clamp(RANGE_BYTES.0, RANGE_BYTES.1),
            places,
        }
    }

    /// A builder for a column.
    pub fn builder(&self, column: usize) -> Builder {
        Rewritten::wrap(Builder::new(&self.fields[column], &self.rules), &self.rewrites[column])
    }
}
