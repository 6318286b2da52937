//! Names R's LAPACK and BLAS to the linker, for tests, benches and binaries. The R package links them by itself, and a
//! build without the feature `solve` needs none. Also tells whether the compiler knows the widest vectors of x86-64.

use std::{env, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=R_HOME");
    println!("cargo::rustc-check-cfg=cfg(avx512)");
    if minor_version().is_some_and(|minor| minor >= 89) {
        println!("cargo::rustc-cfg=avx512");
    }
    if env::var_os("CARGO_FEATURE_SOLVE").is_none() {
        return;
    }
    let r = env::var("R_HOME").map_or_else(|_| "R".into(), |home| format!("{home}/bin/R"));
    for variable in ["LAPACK_LIBS", "BLAS_LIBS", "FLIBS"] {
        // Without R there is nothing to link with; only executables would miss it.
        let Ok(answer) = Command::new(&r).args(["CMD", "config", variable]).output() else { return };
        for flag in String::from_utf8_lossy(&answer.stdout).split_whitespace() {
            if let Some(folder) = flag.strip_prefix("-L") {
                println!("cargo::rustc-link-search=native={folder}");
            } else if let Some(library) = flag.strip_prefix("-l") {
                println!("cargo::rustc-link-lib=dylib={library}");
            }
        }
    }
}

/// The y of the compiler's version 1.y.
fn minor_version() -> Option<u32> {
    let answer = Command::new(env::var_os("RUSTC")?).arg("--version").output().ok()?;
    String::from_utf8(answer.stdout).ok()?.split('.').nth(1)?.parse().ok()
}
