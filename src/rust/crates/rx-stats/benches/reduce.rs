//! How fast estimators take in decoded rows, on one thread: the number of rows and of levels is in the id.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rx_stats::decode::BATCH_ROWS;
use rx_stats::design::{Category, Coding, Numeric, Precision, Rows};
use rx_stats::linmod::{Formula, LinMod, Term};
use rx_stats::summary::{self, Summary};
use rx_stats::{Design, Estimator, ModelBatch};
use std::hint::black_box;
use std::sync::Arc;

/// Rows of the made-up table.
const ROWS: usize = 1_000_000;
/// Its numeric variables; the first is the response.
const NUMERIC: usize = 5;
/// Levels of its two categories, which are measured together.
const LEVELS: [usize; 2] = [10, 1000];

/// Memory for states, far more than they take.
const LIMIT: u64 = 1 << 32;

/// Decoded columns: numbers, and codes of two categories with so many levels each.
struct Table {
    numeric: Vec<Vec<f64>>,
    codes: Vec<Vec<u32>>,
    design: Design,
}

impl Table {
    fn new(levels: usize) -> Table {
        let mut seed = 88_172_645_463_325_252u64;
        let mut next = move || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed >> 33
        };
        let labels = Arc::new((0..levels).map(|level| level.to_string()).collect::<Vec<_>>());
        let category = |i: usize| Category {
            column: NUMERIC + i,
            name: format!("f{i}"),
            levels: labels.clone(),
            coding: Coding::Label(None),
        };
        Table {
            numeric: (0..NUMERIC).map(|_| (0..ROWS).map(|_| (next() % 10_000) as f64 / 8.0).collect()).collect(),
            codes: (0..2).map(|_| (0..ROWS).map(|_| (next() % levels as u64) as u32).collect()).collect(),
            design: Design {
                columns: (0..NUMERIC + 2).collect(),
                numeric: (0..NUMERIC)
                    .map(|j| Numeric { column: j, name: format!("x{j}"), precision: Precision::Double })
                    .collect(),
                categories: (0..2).map(category).collect(),
                weight: None,
                rows: Rows::All,
            },
        }
    }

    /// Shows the rows to an estimator batch by batch, as a lane does.
    fn feed<E: Estimator>(&self, estimator: &E) -> rx_data::Result<E::State> {
        let mut state = estimator.init();
        for start in (0..ROWS).step_by(BATCH_ROWS) {
            let rows = start..ROWS.min(start + BATCH_ROWS);
            let numeric: Vec<&[f64]> = self.numeric.iter().map(|column| &column[rows.clone()]).collect();
            let codes: Vec<&[u32]> = self.codes.iter().map(|column| &column[rows.clone()]).collect();
            let batch = ModelBatch { rows: rows.len(), dropped: 0, numeric: &numeric, codes: &codes, weight: None };
            estimator.update(&mut state, &batch)?;
        }
        Ok(state)
    }
}

/// `x0 ~ x1 + x2 + x3 + x4`, and the categories if they are wanted.
fn linear_model(table: &Table, categories: bool) -> rx_data::Result<LinMod> {
    let mut terms: Vec<Term> = (1..NUMERIC).map(|j| Term { numeric: vec![j], categories: vec![] }).collect();
    if categories {
        terms.extend((0..2).map(|f| Term { numeric: vec![], categories: vec![f] }));
    }
    let formula = Formula {
        intercept: true,
        terms,
        responses: vec![0],
        drop_first: false,
        drop_main: true,
        cube: false,
        at_means: false,
        covariance: false,
        centred_products: false,
    };
    LinMod::new(&table.design, formula, LIMIT)
}

/// `~ x0 + x1 + x2 + x3 + x4`, or `~ x0:f0 + x1:f0 + ...`.
fn summary(table: &Table, by_category: bool) -> rx_data::Result<Summary> {
    let categories = if by_category { vec![0] } else { vec![] };
    let terms: Vec<summary::Term> =
        (0..NUMERIC).map(|j| summary::Term { numeric: Some(j), categories: categories.clone() }).collect();
    Summary::new(&table.design, &terms, false, LIMIT)
}

fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("update");
    group.throughput(Throughput::Elements(ROWS as u64)).sample_size(10);
    for levels in LEVELS {
        let table = Table::new(levels);
        // What does not look at the categories is measured once.
        for by_category in [false, true].into_iter().skip(usize::from(levels != LEVELS[0])) {
            let size = if by_category { format!("{ROWS} rows, {levels} levels") } else { format!("{ROWS} rows") };
            if let Ok(estimator) = linear_model(&table, by_category) {
                group.bench_function(BenchmarkId::new("linmod", &size), |b| {
                    b.iter(|| black_box(table.feed(&estimator)))
                });
            }
            if let Ok(estimator) = summary(&table, by_category) {
                group.bench_function(BenchmarkId::new("summary", &size), |b| {
                    b.iter(|| black_box(table.feed(&estimator)))
                });
            }
        }
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
