//! Writes the files of Microsoft's XDF format that the tests of the R package read:
//!
//! ```sh
//! cargo run -p rx-data --example legacy_fixtures -- ../../tests/testthat/fixtures/legacy
//! ```

// Not all of the writer is needed.
#[allow(dead_code, missing_docs)]
#[path = "../src/xdf_legacy/writer.rs"]
mod writer;

use std::path::Path;
use writer::{LegacyColumn, every_type};

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".to_string());
    let write = |name: &str, bytes: Vec<u8>| std::fs::write(Path::new(&folder).join(name), bytes);
    write("every-type.xdf", every_type(&[300, 120, 200], true).bytes())?;
    let mut strange = LegacyColumn::new("strange", 40, 40, 0, vec![vec![1; 50]]);
    strange.range = (vec![7; 4], vec![8; 4]);
    let mut file = every_type(&[5], false);
    file.columns.insert(1, strange);
    write("unknown-column.xdf", file.bytes())
}
