//! What the passes of a logistic regression cost at least: a plain loop over columns in memory, with nothing missing,
//! nothing decoded and nothing solved, that computes probabilities, weights, the deviance and the weighted tables of
//! `late ~ DayOfWeek + x + y + z`, or with airports of `late ~ Origin + Dest + x + y + z`.
//!
//! `cargo run --release -p rx-stats --example bare_logit -- ROWS THREADS PASSES AIRPORTS`, the last one 0 or 1

use std::hint::black_box;
use std::time::Instant;

const WIDTH: usize = 5;

struct Table {
    numeric: [Vec<f64>; 3],
    codes: Vec<Vec<u32>>,
    levels: Vec<usize>,
    late: Vec<f64>,
}

/// The sums of a pass.
struct Sums {
    square: [[f64; WIDTH]; WIDTH],
    across: Vec<Vec<[f64; WIDTH]>>,
    between: Vec<f64>,
    deviance: f64,
}

impl Table {
    fn new(rows: usize, levels: Vec<usize>) -> Self {
        let mut seed = 88_172_645_463_325_252u64;
        let mut next = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed >> 11) as f64 / (1u64 << 53) as f64
        };
        let numeric = [0; 3].map(|_| (0..rows).map(|_| next() * 2.0 - 1.0).collect());
        let codes = levels.iter().map(|&levels| (0..rows).map(|_| (next() * levels as f64) as u32).collect()).collect();
        let late = (0..rows).map(|_| f64::from(u8::from(next() < 0.2))).collect();
        Table { numeric, codes, levels, late }
    }

    /// One pass over some rows with some coefficients.
    fn accumulate(&self, rows: std::ops::Range<usize>, b: f64) -> Sums {
        let slopes = [b, -b, b / 2.0];
        let effects: Vec<Vec<f64>> =
            self.levels.iter().map(|&n| (0..n).map(|l| b * l as f64 / n as f64).collect()).collect();
        let mut sums = Sums {
            square: [[0.0; WIDTH]; WIDTH],
            across: self.levels.iter().map(|&levels| vec![[0.0; WIDTH]; levels]).collect(),
            between: vec![0.0; if self.levels.len() > 1 { self.levels[0] * self.levels[1] } else { 0 }],
            deviance: 0.0,
        };
        let [x, y, z] = &self.numeric;
        for i in rows {
            let mut eta = -1.0 + slopes[0] * x[i] + slopes[1] * y[i] + slopes[2] * z[i];
            for (effects, codes) in effects.iter().zip(&self.codes) {
                eta += effects[codes[i] as usize];
            }
            let small = (-eta.abs()).exp();
            let large = 1.0 / (1.0 + small);
            let p = if eta < 0.0 { small * large } else { large };
            let weight = p * (1.0 - p);
            let response = eta + (self.late[i] - p) / weight;
            let against = if (self.late[i] == 1.0) == (eta < 0.0) { eta.abs() } else { 0.0 };
            sums.deviance += 2.0 * (against + small.ln_1p());
            let row = [1.0, x[i], y[i], z[i], response];
            let weighted = row.map(|value| value * weight);
            for (to, value) in sums.square.iter_mut().zip(row) {
                to.iter_mut().zip(weighted).for_each(|(to, weighted)| *to += value * weighted);
            }
            for (table, codes) in sums.across.iter_mut().zip(&self.codes) {
                table[codes[i] as usize].iter_mut().zip(weighted).for_each(|(to, weighted)| *to += weighted);
            }
            if let [first, second] = &self.codes[..] {
                sums.between[first[i] as usize * self.levels[1] + second[i] as usize] += weight;
            }
        }
        sums
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|a| a.parse::<f64>().ok());
    let mut next = |or: f64| arguments.next().unwrap_or(or);
    let (rows, threads, passes, airports) =
        (next(5e6) as usize, next(2.0) as usize, next(6.0) as usize, next(0.0) > 0.0);
    let table = Table::new(rows, if airports { vec![300, 300] } else { vec![7] });
    let run = || {
        let start = Instant::now();
        for pass in 0..passes {
            std::thread::scope(|scope| {
                for thread in 0..threads {
                    let table = &table;
                    let part = rows * thread / threads..rows * (thread + 1) / threads;
                    scope.spawn(move || {
                        let sums = table.accumulate(part, pass as f64 / 7.0);
                        black_box((sums.square, sums.across, sums.between, sums.deviance));
                    });
                }
            });
        }
        start.elapsed().as_secs_f64()
    };
    let best = (0..5).map(|_| run()).fold(f64::INFINITY, f64::min);
    // As the benchmarks of R read it: seconds, and the peak of the process's memory in KB.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    println!("MEASURED {best:.4} {}", peak.trim().trim_end_matches(" kB"));
}
