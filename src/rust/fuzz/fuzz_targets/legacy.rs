//! Files of Microsoft's XDF format that are damaged in all ways: whatever they hold, reading them ends with values or with
//! an error of a kind that is meant for it, in little memory.
#![no_main]

// Not all of the writer is needed.
#[allow(dead_code)]
#[path = "../../crates/rx-data/src/xdf_legacy/writer.rs"]
mod writer;

use libfuzzer_sys::fuzz_target;
use std::alloc::{GlobalAlloc, Layout, System};
use rx_data::source::{LegacyOptions, LegacyXdfSource};
use rx_data::{ErrorKind, Result, Source};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use writer::{Legacy, LegacyColumn};

/// What a file may take.
const MEMORY: u64 = 1 << 24;
/// A place in memory, where there is one.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Some(PathBuf::from("/dev/shm")).filter(|shm| shm.is_dir()).unwrap_or_else(std::env::temp_dir);
    folder.join(format!("rxscale-fuzz-{}.xdf", std::process::id()))
});

/// Memory of the system, but for more at once than any file may take: metadata, or a block and its text again.
struct Bounded;

#[global_allocator]
static ALLOCATOR: Bounded = Bounded;

// SAFETY: the system's allocator does everything.
unsafe impl GlobalAlloc for Bounded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        check(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        check(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        check(size);
        unsafe { System.realloc(old, layout, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        unsafe { System.dealloc(old, layout) }
    }
}

/// Aborts, which the fuzzer reports.
fn check(size: usize) {
    if size as u64 > 2 * MEMORY {
        std::process::abort();
    }
}

/// The first byte says whether the rest is a file, or what a whole file is made of: so blocks and tables are tried whose
/// checksums and lengths are right.
fuzz_target!(|input: &[u8]| {
    let Some((&kind, rest)) = input.split_first() else { return };
    let bytes = if kind < 0x80 { rest.to_vec() } else { Recipe { rest }.file().bytes() };
    if std::fs::write(&*FILE, bytes).is_err() {
        return;
    }
    if let Err(error) = read(&FILE) {
        let meant = [ErrorKind::CorruptFile, ErrorKind::WrongType, ErrorKind::Unsupported, ErrorKind::Memory];
        assert!(meant.contains(&error.kind), "{error:?}");
    }
});

/// Reads all columns, each alone and all at once.
fn read(path: &Path) -> Result<()> {
    let options = LegacyOptions { memory: MEMORY, empty_is_missing: true, on_warning: Box::new(|_| ()) };
    let file = LegacyXdfSource::open(path, options)?;
    let all: Vec<usize> = (0..file.schema().fields.len()).collect();
    let mut failed = None;
    for columns in all.chunks(1).chain([&all[..], &[]]) {
        if let Err(error) = scan(&file, columns) {
            failed = Some(error);
        }
    }
    failed.map_or(Ok(()), Err)
}

fn scan(file: &LegacyXdfSource, columns: &[usize]) -> Result<()> {
    let scan = file.scan(columns)?;
    let mut rows = 0;
    // Rows without columns may be more than anybody can count.
    while let Some(block) = scan.next()?
        && rows < 1_000_000
    {
        assert!(block.columns.iter().all(|column| column.len() == block.rows));
        rows += block.rows as u64;
    }
    Ok(())
}

/// Takes what a file is made of from the input, as long as there is some.
struct Recipe<'a> {
    rest: &'a [u8],
}

impl Recipe<'_> {
    fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        first
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }

    fn word(&mut self) -> u64 {
        self.bytes(8).iter().fold(0, |word, &byte| word << 8 | u64::from(byte))
    }

    fn file(&mut self) -> Legacy {
        let blocks = usize::from(self.byte() % 4);
        let block_rows: Vec<u64> = (0..blocks).map(|_| u64::from(self.byte() % 32)).collect();
        let count = usize::from(self.byte() % 6);
        let columns = (0..count).map(|_| self.column(&block_rows)).collect();
        let mut file = Legacy::new(columns, &block_rows);
        file.gap = usize::from(self.byte() % 9);
        file.column_by_column = self.byte() & 1 == 1;
        let damage = self.byte();
        if damage & 1 == 1 {
            file.row_names = self.word() as i64;
        }
        if damage & 2 == 2 && blocks > 0 && count > 0 {
            let (block, column) = (usize::from(self.byte()) % blocks, usize::from(self.byte()) % count);
            file.places = vec![(block, column, self.word() as i64, self.word())];
        }
        if damage & 4 == 4 && blocks > 0 {
            file.block_rows[0] = self.word();
            file.footer_rows = Some(file.block_rows.iter().fold(0, |sum, &rows| sum.wrapping_add(rows)));
        }
        file
    }

    fn column(&mut self, block_rows: &[u64]) -> LegacyColumn {
        const CLASSES: [(u32, u32, u64, usize); 12] = [
            (0, 11, 0x0040_0300, 4),
            (1, 12, 0x0042_0300, 4),
            (2, 15, 0x0040_0300, 8),
            (3, 17, 0x0040_0600, 4),
            (4, 18, 0x0040_0600, 8),
            (5, 8, 0x0040_0100, 0),
            (21, 16, 0x0042_0300, 8),
            (9, 7, 0x0042_0300, 1),
            (7, 6, 0x0040_0300, 1),
            (11, 10, 0x0042_0300, 2),
            (12, 12, 0x0042_0300, 4),
            (40, 40, 0, 3),
        ];
        let (class, tag, bits, width) = CLASSES[usize::from(self.byte()) % CLASSES.len()];
        let name = usize::from(self.byte() % 5);
        let mut column = LegacyColumn::new("", class, tag, bits, Vec::new());
        column.name = self.bytes(name);
        if class == 1 || class == 12 {
            let labels = usize::from(self.byte() % 5);
            column.labels = Some((0..labels).map(|_| self.bytes(2)).collect());
        }
        column.range = (self.bytes(width), self.bytes(width));
        column.blocks = block_rows.iter().map(|&rows| self.block(rows as usize, width)).collect();
        column.level = Some(u32::from(self.byte() % 10)).filter(|_| self.byte() != 1);
        column
    }

    fn block(&mut self, rows: usize, width: usize) -> Vec<u8> {
        if width > 0 {
            // One value too few or too many now and then.
            let wrong = usize::from(self.byte() == 7);
            return self.bytes(rows * width + wrong);
        }
        let mut block = Vec::new();
        for _ in 0..rows {
            let length = usize::from(self.byte() % 8);
            let text = self.bytes(length);
            writer::string(&mut block, &text);
        }
        if self.byte() == 7 && !block.is_empty() {
            let at = usize::from(self.byte()) % block.len();
            block[at] = self.byte();
        }
        block
    }
}
