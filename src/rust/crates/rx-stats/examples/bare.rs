//! What accumulating the tables of `ArrDelay ~ Origin + Dest + Carrier + DayOfWeek + CRSDepTime + Distance` costs at
//! least: a bare loop over columns in memory, with nothing missing, nothing decoded and nothing solved.
//!
//! `cargo run --release -p rx-stats --example bare -- ROWS THREADS`

use std::hint::black_box;
use std::time::Instant;

const AIRPORTS: usize = 300;
const LEVELS: [usize; 4] = [AIRPORTS, AIRPORTS, 17, 7];

struct Table {
    numeric: [Vec<f64>; 3],
    codes: [Vec<u32>; 4],
}

impl Table {
    /// Made-up rows; airports follow Zipf's law, as those of `bench/generate.py` do.
    fn new(rows: usize) -> Self {
        let mut seed = 88_172_645_463_325_252u64;
        let mut next = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed >> 11) as f64 / (1u64 << 53) as f64
        };
        let numeric = [0; 3].map(|_| (0..rows).map(|_| next() * 100.0).collect());
        let codes = LEVELS.map(|levels| {
            let exponent = if levels == AIRPORTS { 0.8 } else { 0.0 };
            let mut shares: Vec<f64> = (0..levels).map(|level| (level as f64 + 1.0).powf(-exponent)).collect();
            (1..levels).for_each(|level| shares[level] += shares[level - 1]);
            let total = shares[levels - 1];
            (0..rows).map(|_| shares.partition_point(|&share| share < next() * total) as u32).collect()
        });
        Table { numeric, codes }
    }

    /// Sums over some rows.
    fn accumulate(&self, rows: std::ops::Range<usize>) -> f64 {
        let mut square = [[0.0f64; 4]; 4];
        let mut across = LEVELS.map(|levels| vec![[0.0f64; 4]; levels]);
        let pairs: Vec<(usize, usize)> = (0..4).flat_map(|a| (a + 1..4).map(move |b| (a, b))).collect();
        let mut between: Vec<Vec<u32>> = pairs.iter().map(|&(a, b)| vec![0; LEVELS[a] * LEVELS[b]]).collect();
        for start in rows.clone().step_by(2048) {
            let batch = start..rows.end.min(start + 2048);
            let [x, y, z] = [0, 1, 2].map(|j| &self.numeric[j][batch.clone()]);
            let codes = [0, 1, 2, 3].map(|f| &self.codes[f][batch.clone()]);
            for ((&x, &y), &z) in x.iter().zip(y).zip(z) {
                let row = [1.0, x, y, z];
                for i in 0..4 {
                    for j in 0..4 {
                        square[i][j] += row[i] * row[j];
                    }
                }
            }
            for (table, codes) in across.iter_mut().zip(codes) {
                for (((&x, &y), &z), &code) in x.iter().zip(y).zip(z).zip(codes) {
                    let to = &mut table[code as usize];
                    to.iter_mut().zip([1.0, x, y, z]).for_each(|(to, x)| *to += x);
                }
            }
            for (table, &(a, b)) in between.iter_mut().zip(&pairs) {
                for (&i, &j) in codes[a].iter().zip(codes[b]) {
                    table[i as usize * LEVELS[b] + j as usize] += 1;
                }
            }
        }
        black_box(&between);
        square[0][0] + across[0][0][0]
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|a| a.parse::<f64>().ok());
    let (rows, threads) = (arguments.next().unwrap_or(5e6) as usize, arguments.next().unwrap_or(2.0) as usize);
    let table = Table::new(rows);
    let run = || {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let table = &table;
                let part = rows * thread / threads..rows * (thread + 1) / threads;
                scope.spawn(move || black_box(table.accumulate(part)));
            }
        });
        start.elapsed().as_secs_f64()
    };
    let best = (0..5).map(|_| run()).fold(f64::INFINITY, f64::min);
    // As the benchmarks of R read it: seconds, and the peak of the process's memory in KB.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    println!("MEASURED {best:.4} {}", peak.trim().trim_end_matches(" kB"));
}
