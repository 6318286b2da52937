//! How much memory the engine takes where nobody says.

use std::sync::OnceLock;

/// A machine of this size is assumed where the system does not tell.
const ASSUMED_BYTES: u64 = 8 << 30;

/// A quarter of the machine's memory, in bytes.
pub fn default_memory() -> u64 {
    static QUARTER: OnceLock<u64> = OnceLock::new();
    *QUARTER.get_or_init(|| {
        let told = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| total_of(&text));
        told.unwrap_or(ASSUMED_BYTES) / 4
    })
}

/// `MemTotal` of Linux's /proc/meminfo, in bytes.
fn total_of(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_line_is_read() {
        assert_eq!(total_of("MemTotal:       24576 kB\nMemFree: 1 kB\n"), Some(24576 << 10));
        assert_eq!(total_of("nothing"), None);
        assert!(default_memory() > 0);
    }
}
