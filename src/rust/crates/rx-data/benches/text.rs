//! How fast text is parsed. A file of one's own is measured with `RX_BENCH_CSV=file.csv cargo bench --bench text`.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rx_data::source::{Source, TextOptions, TextSource};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Rows of the table that is made up where no file is given.
const ROWS: usize = 500_000;

/// A table like those of flights: delays, a decimal time, quoted codes.
fn made_up() -> PathBuf {
    let path = std::env::temp_dir().join(format!("rx-data-bench-{ROWS}.csv"));
    let mut text = String::from("\"ArrDelay\",\"CRSDepTime\",\"Distance\",\"DayOfWeek\",\"Origin\"\n");
    let mut random = 1u32;
    for _ in 0..ROWS {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let r = random >> 8;
        let delay = if r.is_multiple_of(33) { String::new() } else { (r % 200).to_string() };
        let _ = writeln!(
            text,
            "{delay},{}.{:04},{},\"Day {}\",\"A{:03}\"",
            r % 24,
            r % 10_000,
            80 + r % 2_720,
            r % 7,
            r % 300
        );
    }
    let _ = std::fs::write(&path, text);
    path
}

fn read(source: &TextSource, threads: usize) -> usize {
    let columns: Vec<_> = (0..source.schema().fields.len()).collect();
    let Ok(scan) = source.scan(&columns) else { return 0 };
    std::thread::scope(|scope| {
        let count = || std::iter::from_fn(|| scan.next().ok().flatten()).map(|block| block.rows).sum::<usize>();
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(count)).collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).sum()
    })
}

fn bench(c: &mut Criterion) {
    let path = std::env::var_os("RX_BENCH_CSV").map_or_else(made_up, PathBuf::from);
    let bytes = Path::new(&path).metadata().map_or(0, |m| m.len());
    let mut group = c.benchmark_group("text");
    group.throughput(Throughput::Bytes(bytes)).sample_size(10);
    for (name, strings_as_factors) in [("strings", false), ("factors", true)] {
        let options = TextOptions { strings_as_factors, ..TextOptions::new(&path) };
        let Ok(source) = TextSource::open(&options) else { continue };
        for threads in [1, 2] {
            let id = BenchmarkId::new(format!("{name}/{} MB", bytes / 1_000_000), format!("{threads} threads"));
            group.bench_function(id, |b| b.iter(|| read(&source, threads)));
        }
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
