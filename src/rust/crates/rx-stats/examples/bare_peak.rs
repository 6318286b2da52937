//! How many products one core adds up in a second at most: multiplications and additions of numbers in registers, with
//! the widest vectors that this machine and the compiler have, and nothing else.
//!
//! `cargo run --release -p rx-stats --example bare_peak -- PRODUCTS` prints the seconds that so many take

use std::hint::black_box;
use std::time::Instant;

/// Numbers that are added to in turns, so that no addition waits for the one before.
const SUMS: usize = 16 * 8;

#[inline(always)]
fn add_products(rounds: usize, x: f64, y: f64) -> [f64; SUMS] {
    let mut sums = [0.0f64; SUMS];
    for _ in 0..rounds {
        sums.iter_mut().for_each(|sum| *sum = sum.mul_add(x, y));
    }
    sums
}

#[cfg(all(target_arch = "x86_64", avx512))]
#[target_feature(enable = "avx512f")]
fn add_products_512(rounds: usize, x: f64, y: f64) -> [f64; SUMS] {
    add_products(rounds, x, y)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn add_products_256(rounds: usize, x: f64, y: f64) -> [f64; SUMS] {
    // As many sums as fit into the registers.
    let mut sums = [0.0f64; SUMS];
    for part in sums.chunks_exact_mut(SUMS / 4) {
        let mut own = [0.0f64; SUMS / 4];
        for _ in 0..rounds {
            own.iter_mut().for_each(|sum| *sum = sum.mul_add(x, y));
        }
        part.copy_from_slice(&own);
    }
    sums
}

fn fastest(rounds: usize, x: f64, y: f64) -> [f64; SUMS] {
    #[cfg(all(target_arch = "x86_64", avx512))]
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the machine has what the function is compiled for.
        return unsafe { add_products_512(rounds, x, y) };
    }
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: the machine has what the function is compiled for.
        return unsafe { add_products_256(rounds, x, y) };
    }
    add_products(rounds, x, y)
}

fn main() {
    let products: f64 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1e10);
    let rounds = (products / SUMS as f64) as usize;
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        let start = Instant::now();
        black_box(fastest(black_box(rounds), black_box(0.999), black_box(1e-3)));
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("MEASURED {best} 0");
}
