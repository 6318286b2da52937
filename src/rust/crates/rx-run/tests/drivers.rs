//! The drivers: the same bits for any number of threads and any order of blocks, and a clean end when something fails.
#![allow(clippy::unwrap_used, clippy::panic)]

use rx_data::sink::{FrameSink, Sink};
use rx_data::source::Frame;
use rx_data::{Block, BlockMap, Column, Error, ErrorKind, Field, Identity, Kind, Result, Scan, Schema, Source};
use rx_run::local::lane_count;
use rx_run::{Control, Passes, Pool, map, reduce};
use rx_stats::Finish;
use rx_stats::design::{Category, Coding, Design, Numeric, Precision, Rows, Weight, WeightKind};
use rx_stats::glm::{self, Glm};
use rx_stats::levels::Finding;
use rx_stats::linmod::{self, LinMod};
use rx_stats::summary::{self, Summary};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const ROWS: usize = 6_000;

/// Two numbers with some missing, a weight, two factors; in blocks so small that every lane gets three at least.
fn frame() -> Frame {
    let number = |i: usize, m: usize| {
        if (i * 31 + m).is_multiple_of(97) { f64::NAN } else { ((i * i + m) % 1013) as f64 / 7.0 - 0.1 }
    };
    let column = |m: usize| Column::F64((0..ROWS).map(|i| number(i, m)).collect::<Vec<_>>().into());
    let labels = |k: usize| Arc::new((0..k).map(|l| format!("l{l}")).collect::<Vec<_>>());
    let factor = |k: usize| Column::Dict {
        codes: (0..ROWS).map(|i| ((i / 3 + i * k) % k) as i32 + 1).collect::<Vec<_>>().into(),
        labels: labels(k),
    };
    let fields = vec![
        Field::new("x", Kind::Numeric),
        Field::new("y", Kind::Numeric),
        Field::new("w", Kind::Numeric),
        Field::new("f", Kind::Factor { ordered: false }).with_levels(labels(5)),
        Field::new("g", Kind::Factor { ordered: false }).with_levels(labels(3)),
    ];
    let weights = Column::F64((0..ROWS).map(|i| (i % 4) as f64 * 0.3).collect::<Vec<_>>().into());
    Frame::new(Schema::new(fields), vec![column(1), column(2), weights, factor(5), factor(3)], ROWS)
        .unwrap()
        .with_block_rows(ROWS / (3 * 64))
}

fn design(rows: Rows, weighted: bool) -> Design {
    let numeric = |column: usize, name: &str| Numeric { column, name: name.into(), precision: Precision::Double };
    let category = |column: usize, name: &str, k: usize| Category {
        column,
        name: name.into(),
        levels: Arc::new((0..k).map(|l| format!("l{l}")).collect()),
        coding: Coding::Label(None),
    };
    Design {
        columns: vec![0, 1, 2, 3, 4],
        numeric: vec![numeric(0, "x"), numeric(1, "y")],
        categories: vec![category(3, "f", 5), category(4, "g", 3)],
        weight: weighted.then(|| Weight { variable: numeric(2, "w"), kind: WeightKind::Probability }),
        rows,
    }
}

/// Runs an estimator with 1, 2 and 8 threads, in order and with blocks delayed at random: one answer.
fn one_answer<E: Finish>(design: &Design, estimator: &E, bits: impl Fn(&E::Model) -> Vec<u64>) {
    let frame = frame();
    assert!(ROWS / (ROWS / (3 * 64)) >= 3 * lane_count(estimator.state_bytes()));
    let run = |threads: usize, control: Control| {
        bits(&reduce(&Pool::new(threads).unwrap(), &control, &frame, &mut design.clone(), estimator.clone()).unwrap())
    };
    let expected = run(1, Control::new());
    for threads in [1, 2, 8] {
        for control in [Control::new(), Control::shuffled(1), Control::shuffled(20_261)] {
            assert!(run(threads, control) == expected, "{threads} threads give other bits");
        }
    }
}

fn bits_of(values: impl IntoIterator<Item = f64>) -> Vec<u64> {
    values.into_iter().map(f64::to_bits).collect()
}

#[test]
fn summaries_are_the_same_for_any_threads() {
    for (weighted, sparse) in [(false, false), (true, false), (false, true)] {
        let design = design(Rows::All, weighted);
        let term = |numeric, categories: &[usize]| summary::Term { numeric, categories: categories.to_vec() };
        let terms = [term(Some(0), &[]), term(None, &[0, 1]), term(Some(1), &[0]), term(Some(0), &[1, 0])];
        let estimator = Summary::new(&design, &terms, sparse, u64::MAX).unwrap();
        one_answer(&design, &estimator, |model| {
            bits_of(model.terms.iter().flat_map(|t| {
                let cells = t.cells.iter().map(|(_, s)| s.clone());
                std::iter::once(t.overall.clone())
                    .chain(cells)
                    .flat_map(|s| [s.n as f64, s.w, s.mean, s.sd, s.min, s.max, s.sum])
                    .chain([t.missing.n as f64, t.missing.w])
                    .collect::<Vec<_>>()
            }))
        });
    }
}

#[test]
fn linear_models_are_the_same_for_any_threads() {
    for weighted in [false, true] {
        let design = design(Rows::Finite, weighted);
        let term = |numeric: &[usize], categories: &[usize]| linmod::Term {
            numeric: numeric.to_vec(),
            categories: categories.to_vec(),
        };
        let formula = linmod::Formula {
            intercept: true,
            terms: vec![term(&[0], &[]), term(&[], &[0]), term(&[], &[1]), term(&[0], &[0]), term(&[], &[0, 1])],
            responses: vec![1],
            drop_first: false,
            drop_main: false,
            cube: false,
            at_means: false,
            covariance: true,
            centred_products: true,
        };
        let estimator = LinMod::new(&design, formula, u64::MAX).unwrap();
        one_answer(&design, &estimator, |model| {
            let sums = model.residual_squares.iter().chain(&model.centred_squares).chain([&model.condition]);
            bits_of(model.coefficients.iter().chain(&model.unscaled_covariance).chain(sums).copied())
        });
    }
}

/// Poisson's model of y by x and both categories.
fn poisson(design: &Design, limit: u64) -> Glm {
    let term = |numeric: &[usize], categories: &[usize]| linmod::Term {
        numeric: numeric.to_vec(),
        categories: categories.to_vec(),
    };
    let plan = glm::Plan {
        formula: linmod::Formula {
            intercept: true,
            terms: vec![term(&[0], &[]), term(&[], &[0]), term(&[], &[1])],
            responses: vec![],
            drop_first: false,
            drop_main: false,
            cube: false,
            at_means: false,
            covariance: true,
            centred_products: false,
        },
        response: glm::Response::Numeric(1),
        offsets: vec![],
        family: glm::Family {
            kind: glm::Kind::Quasi(glm::Variance::Mean),
            link: glm::Link::Log,
            binary: false,
            fixed_dispersion: false,
        },
        starts: vec![glm::Start::Same(0.0)],
        most_iterations: 40,
        coefficient_tolerance: 0.0,
        deviance_tolerance: 1e-10,
        sharp: true,
        best: false,
        keep: false,
        plain: false,
        counted: false,
        products: false,
    };
    Glm::new(design, plan, None, limit).unwrap()
}

fn glm_bits(model: &glm::GlmModel) -> Vec<u64> {
    let sums = [model.deviance, model.pearson, model.null_deviance, model.linear.condition];
    bits_of(model.coefficients.iter().chain(&model.linear.unscaled_covariance).copied().chain(sums))
}

#[test]
fn generalized_linear_models_are_the_same_for_any_threads() {
    for weighted in [false, true] {
        let design = design(Rows::Finite, weighted);
        one_answer(&design, &poisson(&design, 1 << 30), glm_bits);
    }
}

/// Tells how often it is scanned.
struct Counted(Frame, AtomicUsize);

impl Source for Counted {
    fn schema(&self) -> &Schema {
        self.0.schema()
    }
    fn rows(&self) -> Option<u64> {
        self.0.rows()
    }
    fn scan(&self, columns: &[usize]) -> Result<Box<dyn Scan + '_>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.scan(columns)
    }
}

/// Rows that fit into memory are read once, others once a pass, and the answer is the same; so it is where levels are found
/// in the first pass.
#[test]
fn kept_rows_give_the_same_answer_as_rows_read_again() {
    let mut answers = Vec::new();
    for found in [false, true] {
        for limit in [1u64 << 30, 120_000] {
            let mut design = design(Rows::Finite, true);
            if found {
                for category in &mut design.categories {
                    category.levels = Arc::default();
                    category.coding = Coding::Found { finding: Finding::Sorted, room: 0 };
                }
            }
            let source = Counted(frame(), AtomicUsize::new(0));
            let estimator = poisson(&design, limit);
            let pool = Pool::new(3).unwrap();
            let control = Control::shuffled(7);
            let mut passes = Passes::new(&pool, &control, &source, &mut design);
            let model = passes.reduce(estimator).unwrap();
            // Another estimator goes over the same rows.
            let again = passes.reduce(poisson(passes.design(), limit)).unwrap();
            let scans = source.1.load(Ordering::Relaxed);
            assert!(if limit > 200_000 { scans == 1 } else { scans > 10 }, "{scans} scans within {limit} bytes");
            let pairs = glm_bits(&model).into_iter().zip(glm_bits(&again));
            // While levels are found there are fewer lanes.
            let near = |(a, b)| a == b || (f64::from_bits(a) / f64::from_bits(b) - 1.0).abs() < 1e-9;
            assert!(pairs.into_iter().all(|pair| if found { near(pair) } else { pair.0 == pair.1 }));
            answers.push(glm_bits(&model));
        }
    }
    assert!(answers[0] == answers[1] && answers[2] == answers[3]);
}

/// Levels that are found in the pass: the answer is that of levels known before, for any number of threads.
#[test]
fn levels_found_in_the_pass_are_the_same_for_any_threads() {
    let known = design(Rows::All, true);
    let terms = [summary::Term { numeric: Some(0), categories: vec![0, 1] }];
    let values = |model: summary::SummaryModel| {
        let cells = model.terms[0].cells.iter().filter(|(_, s)| s.n > 0);
        cells.map(|(_, s)| (s.n, s.mean, s.sd)).collect::<Vec<_>>()
    };
    let run = |mut design: Design, threads: usize, control: Control| {
        let estimator = Summary::new(&design, &terms, false, u64::MAX).unwrap();
        let pool = Pool::new(threads).unwrap();
        let model = reduce(&pool, &control, &frame(), &mut design, estimator).unwrap();
        (values(model), design.categories.iter().map(|c| c.levels.to_vec()).collect::<Vec<_>>())
    };
    let (expected, labels) = run(known.clone(), 1, Control::new());
    let mut unknown = known;
    for category in &mut unknown.categories {
        category.levels = Arc::default();
        category.coding = Coding::Found { finding: Finding::Sorted, room: 0 };
    }
    let first = run(unknown.clone(), 1, Control::new());
    assert_eq!(first.1, labels);
    for (a, b) in first.0.iter().zip(&expected) {
        assert!(a.0 == b.0 && (a.1 - b.1).abs() < 1e-9 && (a.2 - b.2).abs() < 1e-9, "{a:?} {b:?}");
    }
    for threads in [1, 2, 8] {
        for control in [Control::new(), Control::shuffled(1), Control::shuffled(20_261)] {
            assert!(run(unknown.clone(), threads, control) == first, "{threads} threads give other bits");
        }
    }
}

/// Drops every third block.
struct SomeBlocks;

impl BlockMap for SomeBlocks {
    fn map(&self, block: Block) -> Result<Option<Block>> {
        Ok((!block.index.is_multiple_of(3)).then_some(block))
    }
}

#[test]
fn maps_keep_the_order_of_rows() {
    let frame = frame();
    let schema = Schema::new(vec![frame.schema().fields[0].clone(), frame.schema().fields[3].clone()]);
    let run = |threads: usize, control: &Control, which: &dyn BlockMap| {
        let sink = FrameSink::new(schema.clone());
        let table = map(&Pool::new(threads).unwrap(), control, &frame, &[0, 3], which, sink).unwrap();
        let x = Column::concat(&table.columns[0]).unwrap();
        match x {
            Column::F64(values) => bits_of(values.iter().copied()),
            _ => vec![],
        }
    };
    let all = run(1, &Control::new(), &Identity);
    assert_eq!(all.len(), ROWS);
    let some = run(1, &Control::new(), &SomeBlocks);
    assert!(some.len() < ROWS && !some.is_empty());
    for seed in 0..3 {
        assert!(run(8, &Control::shuffled(seed), &Identity) == all);
        assert!(run(3, &Control::shuffled(seed), &SomeBlocks) == some);
    }
}

/// A source whose block `bad` cannot be read, or panics.
struct Faulty {
    schema: Schema,
    bad: usize,
    panics: bool,
}

struct FaultyScan<'a>(&'a Faulty, AtomicUsize);

impl Source for Faulty {
    fn schema(&self) -> &Schema {
        &self.schema
    }
    fn rows(&self) -> Option<u64> {
        None
    }
    fn scan(&self, _: &[usize]) -> Result<Box<dyn Scan + '_>> {
        Ok(Box::new(FaultyScan(self, AtomicUsize::new(0))))
    }
}

impl Scan for FaultyScan<'_> {
    fn next(&self) -> Result<Option<Block>> {
        let index = self.1.fetch_add(1, Ordering::Relaxed);
        if index == self.0.bad {
            if self.0.panics {
                std::panic::panic_any("on purpose");
            }
            return Err(Error::new(ErrorKind::CorruptFile, "broken"));
        }
        let columns = vec![Column::F64(vec![1.0; 10].into())];
        Ok((index < 500).then_some(Block { index, rows: 10, columns }))
    }
}

#[test]
fn a_failing_block_ends_the_job_with_its_error() {
    let schema = Schema::new(vec![Field::new("x", Kind::Numeric)]);
    for threads in [1, 4] {
        for (panics, kind) in [(false, ErrorKind::CorruptFile), (true, ErrorKind::Internal)] {
            let source = Faulty { schema: schema.clone(), bad: 37, panics };
            let pool = Pool::new(threads).unwrap();
            let sink = FrameSink::new(schema.clone());
            let error = map(&pool, &Control::new(), &source, &[0], &Identity, sink).err().unwrap();
            assert_eq!(error.kind, kind);
            let mut design = design(Rows::All, false);
            (design.columns, design.categories) = (vec![0], vec![]);
            design.numeric.truncate(1);
            let term = summary::Term { numeric: Some(0), categories: vec![] };
            let estimator = Summary::new(&design, &[term], false, u64::MAX).unwrap();
            let error = reduce(&pool, &Control::new(), &source, &mut design.clone(), estimator).err().unwrap();
            assert_eq!(error.kind, kind);
        }
    }
}

#[test]
fn a_cancelled_job_ends_as_interrupted() {
    let control = Control::new();
    control.cancel();
    let frame = frame();
    let sink = FrameSink::new(frame.schema().clone());
    let error = map(&Pool::new(2).unwrap(), &control, &frame, &[0, 1, 2, 3, 4], &Identity, sink).err().unwrap();
    assert_eq!(error.kind, ErrorKind::Interrupted);
}

/// The sink must see its blocks one at a time and in order even when they are encoded out of order.
struct InOrder(AtomicUsize);

impl Sink for InOrder {
    type Admitted = usize;
    type Encoded = usize;
    type Output = usize;
    fn admit(&self, block: Block) -> Result<usize> {
        Ok(block.index)
    }
    fn encode(&self, index: usize) -> Result<usize> {
        Ok(index)
    }
    fn write(&self, index: usize) -> Result<()> {
        let expected = self.0.fetch_add(1, Ordering::SeqCst);
        if index == expected { Ok(()) } else { Err(Error::internal(format!("{index} came as {expected}"))) }
    }
    fn finish(self) -> Result<usize> {
        Ok(self.0.into_inner())
    }
}

#[test]
fn sinks_write_in_order() {
    let frame = frame();
    let blocks = ROWS.div_ceil(ROWS / (3 * 64));
    for seed in 0..3 {
        let sink = InOrder(AtomicUsize::new(0));
        let done = map(&Pool::new(8).unwrap(), &Control::shuffled(seed), &frame, &[0], &Identity, sink);
        assert_eq!(done.unwrap(), blocks);
    }
}
