//! Counts of rows by pairs of cells, of one cell set with several others in one sweep: additions to different tables
//! do not wait for each other, and the cells of the first set are read once.

/// The table of a pair of cell sets, and what a batch adds to it.
pub(super) struct Counts<'a> {
    /// Position of the first cell set.
    pub(super) left: usize,
    /// The second one's cell of every row.
    pub(super) right: &'a [u32],
    /// Cells of the second set.
    pub(super) stride: usize,
    pub(super) table: &'a mut [u32],
}

/// Counts the rows of a batch in the tables of one cell set with others.
pub(super) fn add(left: &[u32], tables: &mut [Counts]) {
    for tables in tables.chunks_mut(4) {
        match tables {
            [a, b, c, d] => add_to(left, [a, b, c, d]),
            [a, b, c] => add_to(left, [a, b, c]),
            [a, b] => add_to(left, [a, b]),
            [a] => add_to(left, [a]),
            _ => {}
        }
    }
}

fn add_to<const N: usize>(left: &[u32], tables: [&mut Counts; N]) {
    let mut tables = tables.map(|counts| (&counts.right[..left.len()], counts.stride, &mut *counts.table));
    for (row, &i) in left.iter().enumerate() {
        for (right, stride, table) in &mut tables {
            table[i as usize * *stride + right[row] as usize] += 1;
        }
    }
}
