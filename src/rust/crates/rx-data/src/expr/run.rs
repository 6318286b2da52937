//! Runs a program over a block, some rows at a time, so that what is computed stays near the processor.

use super::ast::Place;
use super::functions::is_missing;
use super::node::{Node, Warned};
use super::program::{Action, Program};
use super::types::Type;
use super::vector::{Texts, Vector, take_texts};
use crate::block::Block;
use crate::column::{Column, NA_F64};
use crate::error::{Error, Result};
use crate::interner::Interner;
use crate::schema::Labels;
use std::sync::Arc;

/// Rows of a batch.
const BATCH_ROWS: usize = 2048;

/// The part of a program that some of its outputs need.
pub(super) struct Plan<'a> {
    program: &'a Program,
    /// What is to be done.
    actions: Vec<&'a Action>,
    /// The columns of the source that are needed, by position.
    pub inputs: Vec<usize>,
    /// The slots of the outputs.
    outputs: Vec<usize>,
    /// Whether the place of rows is needed.
    pub needs_place: bool,
}

/// Where the chunks of R code are, for those who ask in which one a row is.
pub(super) struct Chunks {
    /// Number of the first row of all.
    pub first_row: u64,
    /// Rows of the chunks; the last number is that of all that follow.
    pub rows: Vec<usize>,
}

impl<'a> Plan<'a> {
    /// What some outputs, by position, need.
    pub fn new(program: &'a Program, outputs: &[usize]) -> Plan<'a> {
        let outputs: Vec<usize> = outputs.iter().map(|&j| program.outputs[j]).collect();
        let mut live = vec![false; program.fields.len()];
        outputs.iter().for_each(|&slot| live[slot] = true);
        let mut actions = Vec::new();
        let mut needs_place = false;
        for action in program.actions.iter().rev() {
            let mut read = Vec::new();
            match action {
                Action::Let { slot, .. } if !live[*slot] => continue,
                Action::Let { node, .. } | Action::Select(node, _) => {
                    node.slots(&mut read);
                    needs_place |= node.needs_place();
                }
                Action::Complete(slots) => read.clone_from(slots),
            }
            read.into_iter().for_each(|slot| live[slot] = true);
            actions.push(action);
        }
        actions.reverse();
        let inputs = (0..program.inputs).filter(|&slot| live[slot]).collect();
        Plan { program, actions, inputs, outputs, needs_place }
    }

    /// The outputs for a block of the inputs, of which `row` rows come before.
    pub fn run(&self, block: &Block, row: u64, chunks: &Chunks) -> Result<Block> {
        let mut columns: Vec<Option<&Column>> = vec![None; self.program.inputs];
        for (&slot, column) in self.inputs.iter().zip(&block.columns) {
            columns[slot] = Some(column);
        }
        let mut built: Vec<Option<Builder>> = self
            .outputs
            .iter()
            .map(|&slot| (slot >= self.program.inputs).then(|| Builder::new(&self.program.types[slot], block.rows)))
            .collect();
        let mut kept: Vec<u32> = Vec::new();
        let filters = self.actions.iter().any(|action| !matches!(action, Action::Let { .. }));
        if filters || built.iter().any(Option::is_some) {
            for offset in (0..block.rows).step_by(BATCH_ROWS) {
                let rows = BATCH_ROWS.min(block.rows - offset);
                let mut batch = Batch {
                    plan: self,
                    columns: &columns,
                    offset,
                    rows,
                    kept: None,
                    values: vec![None; self.program.fields.len()],
                    first_row: row + offset as u64,
                    chunks,
                };
                if !batch.act()? {
                    continue;
                }
                for (builder, &slot) in built.iter_mut().zip(&self.outputs) {
                    if let Some(builder) = builder {
                        builder.extend(&batch.slot(slot)?, batch.left())?;
                    }
                }
                if filters {
                    match &batch.kept {
                        Some(rows) => kept.extend(rows.iter().map(|&i| i + offset as u32)),
                        None => kept.extend(offset as u32..(offset + rows) as u32),
                    }
                }
            }
        }
        let rows = if filters { kept.len() } else { block.rows };
        let whole = rows == block.rows;
        let outputs = built.into_iter().zip(&self.outputs).map(|(builder, &slot)| match (builder, columns.get(slot)) {
            (Some(builder), _) => Ok(builder.finish()),
            (None, Some(Some(column))) => Ok(if whole { (*column).clone() } else { gathered(column, &kept) }),
            _ => Err(Error::internal("an expression's input was not read")),
        });
        Ok(Block { index: block.index, rows, columns: outputs.collect::<Result<Vec<_>>>()? })
    }

    /// The steps that R would have warned of, and its words.
    pub fn warnings(&self) -> Vec<String> {
        let all = self.actions.iter().flat_map(|action| match action {
            Action::Let { slot, warned, .. } => {
                let name = &self.program.fields[*slot].name;
                warned.take().into_iter().map(|words| format!("{words} (in '{name}')")).collect()
            }
            Action::Select(_, warned) => {
                warned.take().into_iter().map(|words| format!("{words} (in the row selection)")).collect()
            }
            Action::Complete(_) => Vec::new(),
        });
        all.collect()
    }
}

/// Some rows of a block on their way through the program.
struct Batch<'a> {
    plan: &'a Plan<'a>,
    /// The columns of the block, by slot.
    columns: &'a [Option<&'a Column>],
    offset: usize,
    rows: usize,
    /// Rows that are left, if not all are.
    kept: Option<Vec<u32>>,
    /// Values of the rows that are left, by slot.
    values: Vec<Option<Vector>>,
    /// How many rows of the source come before the first one.
    first_row: u64,
    chunks: &'a Chunks,
}

impl Batch<'_> {
    /// Does all that is to be done; false if no row is left.
    fn act(&mut self) -> Result<bool> {
        for action in &self.plan.actions {
            match action {
                Action::Let { slot, node, finite, warned } => {
                    let mut values = self.value(node, warned)?;
                    if let (true, Vector::Dbl(v)) = (finite, &values) {
                        let cut = v.iter().map(|&x| if x.is_infinite() { NA_F64 } else { x });
                        values = cut.collect::<Vec<_>>().into();
                    }
                    self.values[*slot] = Some(values);
                }
                Action::Select(node, warned) => {
                    let chosen = self.value(node, warned)?;
                    let chosen = chosen.ints()?;
                    match *chosen {
                        [1] => {}
                        [_] => return Ok(false),
                        _ => self.keep(positions(chosen.len(), |i| chosen[i] == 1)),
                    }
                }
                Action::Complete(slots) => {
                    let values = slots.iter().map(|&slot| self.slot(slot)).collect::<Result<Vec<_>>>()?;
                    let complete = |i: usize| !values.iter().any(|v| is_missing(v, i));
                    self.keep(positions(self.left(), complete));
                }
            }
            if self.left() == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Number of rows that are left.
    fn left(&self) -> usize {
        self.kept.as_ref().map_or(self.rows, Vec::len)
    }

    /// Keeps some of the rows that are left.
    fn keep(&mut self, rows: Vec<u32>) {
        let left = self.left();
        if rows.len() == left {
            return;
        }
        for values in self.values.iter_mut().flatten().filter(|v| v.len() == left) {
            *values = values.take(&rows);
        }
        self.kept = Some(match &self.kept {
            None => rows,
            Some(before) => rows.iter().map(|&i| before[i as usize]).collect(),
        });
    }

    /// The values of a column.
    fn slot(&mut self, slot: usize) -> Result<Vector> {
        if let Some(values) = &self.values[slot] {
            return Ok(values.clone());
        }
        let column = self.columns.get(slot).copied().flatten();
        let column = column.ok_or_else(|| Error::internal("an expression's input is not there"))?;
        let program = self.plan.program;
        let part = column.slice(self.offset, self.rows);
        let all = Vector::of_column(&part, program.types[slot].is_whole(), &program.fields[slot].name)?;
        let values = match &self.kept {
            None => all,
            Some(rows) => all.take(rows),
        };
        self.values[slot] = Some(values.clone());
        Ok(values)
    }

    fn value(&mut self, node: &Node, warned: &Warned) -> Result<Vector> {
        match node {
            Node::Slot(slot) => self.slot(*slot),
            Node::Constant(values) => Ok(values.clone()),
            Node::Row(place) => Ok(self.place(*place)),
            Node::Call(kernel, args) => {
                let args = args.iter().map(|arg| self.value(arg, warned)).collect::<Result<Vec<_>>>()?;
                kernel(&args, warned)
            }
        }
    }

    fn place(&self, place: Place) -> Vector {
        let rows: Vec<u64> = match &self.kept {
            None => (0..self.rows as u64).collect(),
            Some(kept) => kept.iter().map(|&i| u64::from(i)).collect(),
        };
        let chunks = rows.into_iter().map(|i| self.chunks.of(self.first_row + i));
        match place {
            Place::StartRow => {
                chunks.map(|(_, start)| (self.chunks.first_row + start) as f64).collect::<Vec<_>>().into()
            }
            Place::ChunkNum => chunks.map(|(number, _)| number).collect::<Vec<_>>().into(),
        }
    }
}

impl Chunks {
    /// The number of the chunk of a row, counted from 1, and its first row, both rows counted from 0.
    fn of(&self, row: u64) -> (i32, u64) {
        let (mut number, mut start) = (1, 0);
        let (last, others) = match self.rows.split_last() {
            Some((last, others)) => (*last as u64, others),
            None => (u64::MAX, &[][..]),
        };
        for &rows in others {
            if row < start + rows as u64 {
                return (number, start);
            }
            start += rows as u64;
            number += 1;
        }
        let more = (row - start) / last.max(1);
        (number + more as i32, start + more * last)
    }
}

fn positions(rows: usize, wanted: impl Fn(usize) -> bool) -> Vec<u32> {
    // Writing every position and moving on only behind those wanted needs no jump.
    let mut all = vec![0; rows];
    let mut n = 0;
    for i in 0..rows {
        all[n] = i as u32;
        n += usize::from(wanted(i));
    }
    all.truncate(n);
    all
}

/// Some rows of a column.
fn gathered(column: &Column, rows: &[u32]) -> Column {
    match column {
        Column::I32(v) => Column::I32(rows.iter().map(|&i| v[i as usize]).collect()),
        Column::I64(v) => Column::I64(rows.iter().map(|&i| v[i as usize]).collect()),
        Column::F32(v) => Column::F32(rows.iter().map(|&i| v[i as usize]).collect()),
        Column::F64(v) => Column::F64(rows.iter().map(|&i| v[i as usize]).collect()),
        Column::Str(v) => Column::Str(take_texts(v, rows)),
        Column::Dict { codes, labels } => {
            Column::Dict { codes: rows.iter().map(|&i| codes[i as usize]).collect(), labels: labels.clone() }
        }
    }
}

/// The values of a computed column, batch by batch.
enum Builder {
    Int(Vec<i32>),
    Dbl(Vec<f64>),
    /// Text, whose batches bring labels of their own.
    Text(Vec<i32>, Interner),
    /// A factor, whose batches share their labels.
    Factor(Vec<i32>, Labels),
}

impl Builder {
    /// For as many values as a block has rows; fewer may be left.
    fn new(ty: &Type, rows: usize) -> Builder {
        match ty {
            Type::Logical | Type::Integer => Builder::Int(Vec::with_capacity(rows)),
            Type::Text => Builder::Text(Vec::with_capacity(rows), Interner::default()),
            Type::Factor { levels, .. } => {
                Builder::Factor(Vec::with_capacity(rows), levels.clone().unwrap_or_default())
            }
            Type::Double | Type::Date | Type::Time { .. } | Type::Span => Builder::Dbl(Vec::with_capacity(rows)),
        }
    }

    /// Takes in values; one stands for all rows.
    fn extend(&mut self, values: &Vector, rows: usize) -> Result<()> {
        match self {
            Builder::Int(all) => append(all, values.ints()?, rows),
            Builder::Dbl(all) => append(all, values.doubles()?, rows),
            Builder::Text(all, interner) => append(all, &values.texts()?.codes_in(interner), rows),
            Builder::Factor(all, labels) => match values.texts()? {
                Texts::Coded { codes, labels: own } => {
                    *labels = own.clone();
                    append(all, codes, rows);
                }
                Texts::Plain(_) => return Err(Error::internal("a factor has no codes")),
            },
        }
        Ok(())
    }

    fn finish(self) -> Column {
        match self {
            Builder::Int(v) => Column::I32(v.into()),
            Builder::Dbl(v) => Column::F64(v.into()),
            Builder::Text(codes, interner) => {
                Column::Dict { codes: codes.into(), labels: Arc::new(interner.into_labels()) }
            }
            Builder::Factor(codes, labels) => Column::Dict { codes: codes.into(), labels },
        }
    }
}

fn append<T: Copy>(all: &mut Vec<T>, values: &[T], rows: usize) {
    match values {
        &[one] => all.resize(all.len() + rows, one),
        values => all.extend_from_slice(values),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::NA_I32;

    #[test]
    fn rows_know_their_chunk() {
        let chunks = Chunks { first_row: 1, rows: vec![3, 2, 4] };
        let found: Vec<_> = [0, 2, 3, 4, 5, 8, 9, 13].map(|row| chunks.of(row)).into();
        assert_eq!(found, [(1, 0), (1, 0), (2, 3), (2, 3), (3, 5), (3, 5), (4, 9), (5, 13)]);
        assert_eq!(Chunks { first_row: 1, rows: vec![10] }.of(25), (3, 20));
    }

    #[test]
    fn missing_selects_nothing() {
        let chosen = [1, 0, NA_I32, 1];
        assert_eq!(positions(4, |i| chosen[i] == 1), [0, 3]);
    }
}
