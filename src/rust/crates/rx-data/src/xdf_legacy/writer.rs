//! Writes files of Microsoft's format, for tests only: many blocks, every type, gaps, and damage on purpose. What it
//! writes of types that no known file has is the same guess as the reader's. It depends on nothing but flate2.

use flate2::Compression;
use flate2::write::ZlibEncoder;
use std::io::Write;

/// A file to be written. Fields may be set to what no file should have.
#[derive(Debug, Clone)]
pub struct Legacy {
    /// The columns.
    pub columns: Vec<LegacyColumn>,
    /// Rows of each block, as the table says.
    pub block_rows: Vec<u64>,
    /// Index of the column of row names, or -1.
    pub row_names: i64,
    /// Description of the data.
    pub description: String,
    /// The type of compression, as the file says.
    pub compression: u32,
    /// Unused bytes before each block.
    pub gap: usize,
    /// Blocks of each column together instead of block after block.
    pub column_by_column: bool,
    /// Number of rows, as the footer says; None: the sum.
    pub footer_rows: Option<u64>,
    /// Version of the file.
    pub version: f32,
    /// Replaces the offset and size of a block of a column.
    pub places: Vec<(usize, usize, i64, u64)>,
}

/// A column to be written.
#[derive(Debug, Clone)]
pub struct LegacyColumn {
    pub name: Vec<u8>,
    pub description: Vec<u8>,
    pub class: u32,
    pub tag: u32,
    pub bits: u64,
    /// Low and high, as they are stored; empty for text.
    pub range: (Vec<u8>, Vec<u8>),
    /// The labels of a factor.
    pub labels: Option<Vec<Vec<u8>>>,
    /// The bytes of each block before they are compressed.
    pub blocks: Vec<Vec<u8>>,
    /// The level of zlib; None stores blocks as they are.
    pub level: Option<u32>,
    /// Replaces what is stored of a block.
    pub stored: Vec<(usize, Vec<u8>)>,
}

impl Legacy {
    /// A file of columns, which must have as many blocks as there are numbers of rows.
    pub fn new(columns: Vec<LegacyColumn>, block_rows: &[u64]) -> Self {
        Legacy {
            columns,
            block_rows: block_rows.to_vec(),
            row_names: -1,
            description: String::new(),
            compression: 1,
            gap: 0,
            column_by_column: false,
            footer_rows: None,
            version: 4.2,
            places: Vec::new(),
        }
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut file = vec![0xF4, 0xD3, 0xD2, 0xD1];
        file.resize(0x104, 0);
        let (blocks, columns) = (self.block_rows.len(), self.columns.len());
        let mut places = vec![(0i64, 0u64); blocks * columns];
        let mut order: Vec<(usize, usize)> = (0..blocks).flat_map(|b| (0..columns).map(move |c| (b, c))).collect();
        if self.column_by_column {
            order.sort_by_key(|&(b, c)| (c, b));
        }
        for (b, c) in order {
            let stored = self.columns[c].stored(b);
            file.resize(file.len() + self.gap, 0xEE);
            places[b * columns + c] = (file.len() as i64, stored.len() as u64);
            file.extend(stored);
        }
        for &(b, c, offset, size) in &self.places {
            places[b * columns + c] = (offset, size);
        }
        let metadata = file.len() as u64;
        self.metadata(&mut file, &places);
        let rows = self.footer_rows.unwrap_or_else(|| self.block_rows.iter().sum());
        file.extend(self.version.to_le_bytes());
        for word in [1, metadata, columns as u64, rows, 65536, 60] {
            file.extend(word.to_le_bytes());
        }
        file.extend([0xF4, 0xD3, 0xD2, 0xD1].repeat(2));
        file
    }

    fn metadata(&self, out: &mut Vec<u8>, places: &[(i64, u64)]) {
        let (c, b) = (self.columns.len() as u64, self.block_rows.len() as u64);
        out.extend(3.1f32.to_le_bytes());
        out.extend(self.row_names.to_le_bytes());
        out.extend((-1i64).to_le_bytes());
        let words = |words: &mut dyn Iterator<Item = u64>| words.flat_map(u64::to_le_bytes).collect::<Vec<u8>>();
        let rows = words(&mut self.block_rows.iter().copied());
        let offsets = words(&mut places.iter().map(|place| place.0 as u64));
        let sizes = words(&mut places.iter().map(|place| place.1));
        for (class, n, m, values) in
            [(21, 1, b, rows), (2, c, b, offsets), (21, c, b, sizes), (2, 0, 1, vec![]), (21, 0, 1, vec![])]
        {
            let (tag, bits, unset) =
                if class == 2 { (15, 0x0040_0300, i64::MAX as u64) } else { (16, 0x0042_0300, u64::MAX) };
            entry(out, b"", b"");
            header(out, class, tag, bits, n, m, false);
            out.extend(1f32.to_le_bytes());
            out.extend([unset.to_le_bytes(), unset.to_le_bytes()].concat());
            out.extend([0; 4]);
            out.extend(values);
        }
        entry(out, b"", self.description.as_bytes());
        list(out, c);
        for column in &self.columns {
            column.describe(out);
        }
        out.extend(self.compression.to_le_bytes());
    }
}

impl LegacyColumn {
    /// A column of a class.
    pub fn new(name: &str, class: u32, tag: u32, bits: u64, blocks: Vec<Vec<u8>>) -> Self {
        LegacyColumn {
            name: name.as_bytes().to_vec(),
            description: Vec::new(),
            class,
            tag,
            bits,
            range: (Vec::new(), Vec::new()),
            labels: None,
            blocks,
            level: Some(1),
            stored: Vec::new(),
        }
    }

    /// A column of numbers: one list of values a block, and the range.
    pub fn numbers<const N: usize>(
        name: &str,
        (class, tag, bits): (u32, u32, u64),
        blocks: &[&[[u8; N]]],
        range: ([u8; N], [u8; N]),
    ) -> Self {
        let blocks = blocks.iter().map(|values| values.concat()).collect();
        let range = (range.0.to_vec(), range.1.to_vec());
        LegacyColumn { range, ..LegacyColumn::new(name, class, tag, bits, blocks) }
    }

    /// A factor: one list of codes a block.
    pub fn factor(name: &str, labels: &[&str], blocks: &[&[u32]]) -> Self {
        let codes: Vec<Vec<[u8; 4]>> =
            blocks.iter().map(|codes| codes.iter().map(|code| code.to_le_bytes()).collect()).collect();
        let codes: Vec<&[[u8; 4]]> = codes.iter().map(Vec::as_slice).collect();
        let range = (0u32.to_le_bytes(), (labels.len() as u32).saturating_sub(1).to_le_bytes());
        let labels = Some(labels.iter().map(|label| label.as_bytes().to_vec()).collect());
        LegacyColumn { labels, ..LegacyColumn::numbers(name, (1, 12, 0x0042_0300), &codes, range) }
    }

    /// A column of text: one list of strings a block.
    pub fn text(name: &str, blocks: &[&[&[u8]]]) -> Self {
        let strings = |texts: &&[&[u8]]| {
            let mut bytes = Vec::new();
            texts.iter().for_each(|text| string(&mut bytes, text));
            bytes
        };
        LegacyColumn::new(name, 5, 8, 0x0040_0100, blocks.iter().map(strings).collect())
    }

    /// What is stored of a block.
    pub fn stored(&self, block: usize) -> Vec<u8> {
        if let Some((_, stored)) = self.stored.iter().find(|(b, _)| *b == block) {
            return stored.clone();
        }
        let bytes = &self.blocks[block];
        let mut stored = match self.level {
            None => bytes.clone(),
            Some(level) => zlib(bytes, level),
        };
        if self.range.0.is_empty() {
            stored.extend((bytes.len() as u64).to_le_bytes());
        }
        stored
    }

    fn describe(&self, out: &mut Vec<u8>) {
        entry(out, &self.name, &self.description);
        header(out, self.class, self.tag, self.bits, 0, 1, self.labels.is_some());
        if let Some(labels) = &self.labels {
            list(out, 1);
            entry(out, b"Labels", b"");
            header(out, 5, 8, 0x0040_0100, labels.len() as u64, 1, false);
            labels.iter().for_each(|label| string(out, label));
        }
        if !self.range.0.is_empty() {
            out.extend(1f32.to_le_bytes());
            out.extend(&self.range.0);
            out.extend(&self.range.1);
            out.extend([0; 4]);
        }
    }
}

/// A zlib stream.
pub fn zlib(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(level));
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.unwrap_or_default()
}

/// A string with its prefix.
pub fn string(out: &mut Vec<u8>, text: &[u8]) {
    out.extend(1u32.to_le_bytes());
    out.extend((text.len() as i32).to_le_bytes());
    out.extend(text);
}

fn entry(out: &mut Vec<u8>, name: &[u8], description: &[u8]) {
    out.extend(1u32.to_le_bytes());
    out.extend(1f32.to_le_bytes());
    string(out, name);
    string(out, description);
    out.extend(1u32.to_le_bytes());
}

fn list(out: &mut Vec<u8>, members: u64) {
    header(out, 6, 3, 0, 1, members, false);
    out.extend(1.1f32.to_le_bytes());
    out.extend(3u64.to_le_bytes());
    out.extend(0u32.to_le_bytes());
}

fn header(out: &mut Vec<u8>, class: u32, tag: u32, bits: u64, n: u64, m: u64, attributes: bool) {
    out.extend([0xF4, 0xF3, 0xF2, 0xF1]);
    out.extend(2f32.to_le_bytes());
    out.extend(class.to_le_bytes());
    out.extend(65536u64.to_le_bytes());
    out.extend(n.to_le_bytes());
    out.extend(m.to_le_bytes());
    out.extend(tag.to_le_bytes());
    out.extend(bits.to_le_bytes());
    out.extend(1f32.to_le_bytes());
    out.extend(u32::from(attributes).to_le_bytes());
}

/// A file with every type there may be, missing values, three blocks and a gap before each part of one; numbers are made
/// of the row. Types that no known file has come last if they are wanted.
pub fn every_type(block_rows: &[u64], unknown_types: bool) -> Legacy {
    let starts: Vec<u64> = block_rows
        .iter()
        .scan(0, |start, n| {
            *start += n;
            Some(*start - n)
        })
        .collect();
    macro_rules! numbers {
        ($name:expr, $class:expr, $range:expr, $missing:expr, $value:expr) => {{
            let block = |(&start, &n): (&u64, &u64)| {
                (start..start + n).map(|i| if i % 7 == 3 { $missing.to_le_bytes() } else { $value(i).to_le_bytes() })
            };
            let blocks: Vec<Vec<_>> = starts.iter().zip(block_rows).map(|b| block(b).collect()).collect();
            let blocks: Vec<&[_]> = blocks.iter().map(Vec::as_slice).collect();
            let (low, high) = $range;
            LegacyColumn::numbers($name, $class, &blocks, (low.to_le_bytes(), high.to_le_bytes()))
        }};
    }
    let codes: Vec<Vec<u32>> = starts
        .iter()
        .zip(block_rows)
        .map(|(&s, &n)| (s..s + n).map(|i| if i % 7 == 3 { u32::MAX } else { (i % 3) as u32 }).collect())
        .collect();
    let codes: Vec<&[u32]> = codes.iter().map(Vec::as_slice).collect();
    let texts: Vec<Vec<String>> = starts
        .iter()
        .zip(block_rows)
        .map(|(&s, &n)| {
            (s..s + n).map(|i| if i % 7 == 3 { String::new() } else { format!("text {}", i % 10) }).collect()
        })
        .collect();
    let texts: Vec<Vec<&[u8]>> = texts.iter().map(|block| block.iter().map(String::as_bytes).collect()).collect();
    let texts: Vec<&[&[u8]]> = texts.iter().map(Vec::as_slice).collect();
    let mut columns = vec![
        numbers!("int32", (0, 11, 0x0040_0300), (-5i32, 2000i32), i32::MIN, |i| i as i32 * 3 - 5),
        numbers!("float32", (3, 17, 0x0040_0600), (0f32, 2000f32), f32::NAN, |i| i as f32 / 3.0),
        numbers!("float64", (4, 18, 0x0040_0600), (0f64, 2000f64), f64::from_bits(0x7FF0_0000_0000_07A2), |i| {
            if i % 11 == 5 { f64::NAN } else { i as f64 / 7.0 }
        }),
        LegacyColumn::factor("factor", &["low", "mid", "high"], &codes),
        LegacyColumn::text("string", &texts),
    ];
    columns[0].description = b"whole numbers".to_vec();
    if unknown_types {
        let mut ordered = LegacyColumn::factor("ordered", &["S", "M", "L"], &codes);
        ordered.class = 12;
        columns.extend([
            numbers!("logical", (9, 7, 0x0042_0300), (0u8, 1u8), u8::MAX, |i| (i % 2) as u8),
            numbers!("int8", (7, 6, 0x0040_0300), (-50i8, 49i8), i8::MIN, |i| (i % 100) as i8 - 50),
            numbers!("uint8", (8, 7, 0x0042_0300), (0u8, 199u8), u8::MAX, |i| (i % 200) as u8),
            numbers!("int16", (10, 9, 0x0040_0300), (-500i16, 499i16), i16::MIN, |i| (i % 1000) as i16 - 500),
            numbers!("uint16", (11, 10, 0x0042_0300), (0u16, 59999u16), u16::MAX, |i| (i * 60 % 60000) as u16),
            numbers!("int64", (2, 15, 0x0040_0300), (0i64, 1i64 << 40), i64::MIN, |i| i as i64 * (1 << 30)),
            numbers!("uint64", (21, 16, 0x0042_0300), (0u64, 1u64 << 40), u64::MAX, |i| i * 7),
            numbers!("date", (13, 18, 0x0040_0600), (15000f64, 17000f64), f64::NAN, |i| 15000.0 + i as f64),
            ordered,
        ]);
    }
    Legacy { gap: 5, description: "Every type".to_string(), ..Legacy::new(columns, block_rows) }
}
