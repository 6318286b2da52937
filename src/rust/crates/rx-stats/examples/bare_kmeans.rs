//! What the passes of k-means cost a plain loop over the rows of five columns in memory, with nothing missing, that finds
//! the nearest of ten centres and adds the row to its sums.
//!
//! `cargo run --release -p rx-stats --example bare_kmeans -- ROWS THREADS PASSES`

use std::ops::Range;
use std::time::Instant;

const COLUMNS: usize = 5;
const CENTRES: usize = 10;

type Centres = [[f64; COLUMNS]; CENTRES];
/// Rows, squared distances and sums of each centre.
type Sums = [[f64; COLUMNS + 2]; CENTRES];

/// One pass over some rows.
fn accumulate(columns: &[Vec<f64>; COLUMNS], rows: Range<usize>, centres: &Centres) -> Sums {
    let mut sums = [[0.0; COLUMNS + 2]; CENTRES];
    let columns = columns.each_ref().map(|values| &values[rows.clone()]);
    for row in 0..rows.len() {
        let x = columns.map(|values| values[row]);
        let distance = |centre: &[f64; COLUMNS]| (0..COLUMNS).map(|c| (x[c] - centre[c]) * (x[c] - centre[c])).sum();
        let distances: [f64; CENTRES] = centres.each_ref().map(distance);
        let (mut least, mut at) = (f64::INFINITY, 0);
        for (j, &distance) in distances.iter().enumerate() {
            if distance < least {
                (least, at) = (distance, j);
            }
        }
        let sums = &mut sums[at];
        sums[0] += 1.0;
        sums[1] += least;
        sums[2..].iter_mut().zip(x).for_each(|(to, x)| *to += x);
    }
    sums
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|a| a.parse::<f64>().ok());
    let mut next = |or: f64| arguments.next().unwrap_or(or) as usize;
    let (rows, threads, passes) = (next(5e6), next(2.0), next(20.0));
    let mut seed = 88_172_645_463_325_252u64;
    let mut random = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 11) as f64 / (1u64 << 53) as f64
    };
    let columns: [Vec<f64>; COLUMNS] = std::array::from_fn(|_| (0..rows).map(|_| random()).collect());
    let run = || {
        let mut centres: Centres = std::array::from_fn(|j| std::array::from_fn(|c| columns[c][j]));
        let start = Instant::now();
        for _ in 0..passes {
            let centres_now = &centres;
            let parts: Vec<Sums> = std::thread::scope(|scope| {
                let started: Vec<_> = (0..threads)
                    .map(|thread| {
                        let part = rows * thread / threads..rows * (thread + 1) / threads;
                        let columns = &columns;
                        scope.spawn(move || accumulate(columns, part, centres_now))
                    })
                    .collect();
                started.into_iter().filter_map(|thread| thread.join().ok()).collect()
            });
            for (j, centre) in centres.iter_mut().enumerate() {
                let total = |i: usize| parts.iter().map(|part| part[j][i]).sum::<f64>();
                centre.iter_mut().enumerate().for_each(|(c, to)| *to = total(c + 2) / total(0));
            }
        }
        start.elapsed().as_secs_f64()
    };
    let best = (0..5).map(|_| run()).fold(f64::INFINITY, f64::min);
    // As the benchmarks of R read it: seconds, and the peak of the process's memory in KB.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    println!("MEASURED {best:.4} {}", peak.trim().trim_end_matches(" kB"));
}
