//! Codes that mean the same in all blocks of a source.

use crate::block::Block;
use crate::column::{Column, NA_I32};
use crate::dictionary::Dictionary;
use crate::interner::{Interner, Recode};
use crate::schema::{Field, Kind, Labels, Schema};
use arrow::array::{Array, StringArray};
use rayon::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Different texts of a column at most, if they shall have codes.
const MOST_LABELS: usize = 1 << 16;
/// A block's text has codes if it has so many rows a label.
const ROWS_PER_LABEL: usize = 8;
/// The labels of a column may take this part of the memory.
const SHARE: u64 = 64;

/// Agrees on the codes of factors while their blocks come; and of text, where few values are different: codes take less
/// room than text and are moved faster.
pub struct Harmony {
    columns: Vec<Codes>,
    most_bytes: u64,
}

enum Codes {
    /// The column has none.
    None,
    Factor(Interner),
    Text(TextCodes),
}

#[derive(Default)]
struct TextCodes {
    interner: Interner,
    /// Of its labels.
    bytes: u64,
    /// Those that the last blocks were given.
    labels: Labels,
    /// Whether blocks have too many different texts; those that have codes keep them.
    too_many: AtomicBool,
}

impl Harmony {
    /// For columns whose known levels keep their codes. Text that is in memory already stays as it is.
    pub fn new(schema: &Schema, in_memory: bool, memory: u64) -> Self {
        let codes = |field: &Field| match &field.kind {
            Kind::Factor { .. } => {
                Codes::Factor(field.levels.as_ref().map_or_else(Interner::default, |l| Interner::with_labels(l)))
            }
            Kind::Character if !in_memory => Codes::Text(TextCodes::default()),
            _ => Codes::None,
        };
        Harmony { columns: schema.fields.iter().map(codes).collect(), most_bytes: memory / SHARE }
    }

    /// Gives text of a block codes of its own, where it is worth that. Any thread may call this for any block.
    pub fn code(&self, block: &mut Block) {
        for (column, codes) in block.columns.iter_mut().zip(&self.columns) {
            if let (Column::Str(texts), Codes::Text(known)) = (&column, codes)
                && !known.too_many.load(Ordering::Relaxed)
            {
                match coded(texts) {
                    Some(found) => *column = found,
                    None => known.too_many.store(true, Ordering::Relaxed),
                }
            }
        }
    }

    /// Gives blocks, which follow those before, the common codes.
    pub fn admit(&mut self, blocks: &mut [Block]) {
        let most_bytes = self.most_bytes;
        let recodes: Vec<Vec<Option<Recode>>> = (blocks.iter())
            .map(|block| {
                let columns = block.columns.iter().zip(&mut self.columns);
                columns.map(|(column, codes)| codes.admit(column, most_bytes)).collect()
            })
            .collect();
        for codes in &mut self.columns {
            if let Codes::Text(text) = codes
                && text.labels.len() < text.interner.labels().len()
            {
                text.labels = Arc::new(text.interner.labels().to_vec());
            }
        }
        blocks.par_iter_mut().zip(recodes).for_each(|(block, recodes)| {
            for ((column, recode), codes) in block.columns.iter_mut().zip(recodes).zip(&self.columns) {
                let (Column::Dict { codes: values, labels }, Some(recode)) = (column, recode) else { continue };
                if let Recode::Table(_) = recode {
                    *values = values.iter().map(|&c| recode.code(c)).collect();
                }
                if let Codes::Text(text) = codes {
                    labels.clone_from(&text.labels);
                }
            }
        });
    }

    /// The columns with the labels of text so far, by which its codes are known.
    pub fn labelled(&self, mut schema: Schema) -> Schema {
        for (field, codes) in schema.fields.iter_mut().zip(&self.columns) {
            if let Codes::Text(text) = codes {
                field.levels = (!text.labels.is_empty()).then(|| text.labels.clone());
            }
        }
        schema
    }

    /// The columns with all labels that there are.
    pub fn finish(self, schema: Schema) -> Schema {
        let mut schema = self.labelled(schema);
        for (field, codes) in schema.fields.iter_mut().zip(self.columns) {
            if let Codes::Factor(interner) = codes {
                field.levels = Some(Arc::new(interner.into_labels()));
            }
        }
        schema
    }
}

impl Codes {
    /// How to translate the codes of the next block, if it has some and they shall be translated.
    fn admit(&mut self, column: &Column, most_bytes: u64) -> Option<Recode> {
        let Column::Dict { labels, .. } = column else { return None };
        match self {
            Codes::None => None,
            Codes::Factor(interner) => Some(interner.table(labels)),
            Codes::Text(text) => text.admit(labels, most_bytes),
        }
    }
}

impl TextCodes {
    fn admit(&mut self, labels: &Labels, most_bytes: u64) -> Option<Recode> {
        let bytes = || labels.iter().map(|label| label.len() as u64).sum::<u64>();
        let fits = labels.len() <= MOST_LABELS && self.interner.labels().len() <= MOST_LABELS;
        if *self.too_many.get_mut() || !fits || self.bytes + bytes() > most_bytes {
            *self.too_many.get_mut() = true;
            return None;
        }
        let known = self.interner.labels().len();
        let recode = self.interner.table(labels);
        self.bytes += self.interner.labels()[known..].iter().map(|label| label.len() as u64).sum::<u64>();
        Some(recode)
    }
}

/// Text by code; none if too much of it is different.
fn coded(texts: &StringArray) -> Option<Column> {
    let mut dictionary = Dictionary::open(&[]);
    let most = (texts.len() / ROWS_PER_LABEL).min(MOST_LABELS) as i32;
    let mut codes = Vec::with_capacity(texts.len());
    for text in texts {
        let code = text.map_or(NA_I32, |text| dictionary.code(text.as_bytes()));
        if code > most {
            return None;
        }
        codes.push(code);
    }
    let labels = dictionary.labels().map(|label| String::from_utf8(label.to_vec()));
    let labels = labels.collect::<Result<_, _>>().ok()?;
    Some(Column::Dict { codes: codes.into(), labels: Arc::new(labels) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::source::Frame;
    use crate::testing::values;

    fn schema() -> Schema {
        Schema::new(vec![Field::new("few", Kind::Character), Field::new("many", Kind::Character)])
    }

    /// Rows with few different texts, some of them missing, and with different ones.
    fn block(index: usize, few: &[&str]) -> Block {
        let text = |i: usize| (i % 7 != 3).then(|| few[i % few.len()]);
        let columns = vec![
            Column::Str((0..400).map(text).collect()),
            Column::Str((0..400).map(|i| Some(format!("{index} {i}"))).collect()),
        ];
        Block { index, rows: 400, columns }
    }

    fn shown(block: &Block) -> Vec<Vec<String>> {
        values(&Frame::new(schema(), block.columns.clone(), block.rows).unwrap(), &[0, 1]).unwrap()
    }

    #[test]
    fn text_of_few_values_has_common_codes() {
        let mut blocks = vec![block(0, &["b", "a"]), block(1, &["c", "a", "a long label"]), block(2, &["", "b"])];
        let expected: Vec<_> = blocks.iter().map(shown).collect();
        let mut harmony = Harmony::new(&schema(), false, 1 << 20);
        blocks.iter_mut().for_each(|block| harmony.code(block));
        harmony.admit(&mut blocks);
        assert_eq!(blocks.iter().map(shown).collect::<Vec<_>>(), expected);
        let schema = harmony.finish(schema());
        let levels = schema.fields[0].levels.clone().unwrap();
        assert_eq!(*levels, ["b", "a", "c", "a long label", ""]);
        for block in &blocks {
            assert!(matches!(&block.columns[0], Column::Dict { labels, .. } if Arc::ptr_eq(labels, &levels)));
            assert!(matches!(&block.columns[1], Column::Str(_)));
        }
        assert!(schema.fields[1].levels.is_none());
    }

    #[test]
    fn codes_end_when_labels_take_too_much_memory() {
        // 64 bytes hold the labels of the first block, not those of the second one.
        let mut blocks = vec![block(0, &["b", "a"]), block(1, &["c", &"long".repeat(20)]), block(2, &["d", "e"])];
        let expected: Vec<_> = blocks.iter().map(shown).collect();
        let mut harmony = Harmony::new(&schema(), false, 64 * SHARE);
        blocks.iter_mut().for_each(|block| harmony.code(block));
        harmony.admit(&mut blocks);
        assert_eq!(blocks.iter().map(shown).collect::<Vec<_>>(), expected);
        assert_eq!(*harmony.finish(schema()).fields[0].levels.clone().unwrap(), ["b", "a"]);
    }

    #[test]
    fn text_in_memory_stays_as_it_is() {
        let mut blocks = vec![block(0, &["b", "a"])];
        let mut harmony = Harmony::new(&schema(), true, 1 << 20);
        blocks.iter_mut().for_each(|block| harmony.code(block));
        harmony.admit(&mut blocks);
        assert!(matches!(&blocks[0].columns[0], Column::Str(_)));
    }
}
