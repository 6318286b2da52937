//! Double-double arithmetic: the unevaluated sum of two doubles holds about 32 digits.
//!
//! Sums are split into result and error by the algorithm of Knuth (1969), products by a fused multiply-add where the
//! machine has one and by those of Veltkamp and Dekker (1971) elsewhere. Both find the error exactly as long as nothing
//! underflows, so all machines give the same bits; [`without_tiny`] keeps underflow away. References: Dekker, T. J. (1971) A
//! floating-point technique for extending the available precision, Numerische Mathematik 18; Hida, Li and Bailey (2001)
//! Algorithms for quad-double precision floating point arithmetic.

use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// A number that sums and solutions are computed in: a double, or two of them.
pub trait Number:
    Copy
    + Debug
    + Default
    + PartialEq
    + Send
    + Sync
    + From<f64>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + 'static
{
    /// Relative rounding error of one operation.
    const EPSILON: f64;
    /// The nearest double.
    fn value(self) -> f64;
    /// Square root.
    fn sqrt(self) -> Self;
}

impl Number for f64 {
    const EPSILON: f64 = f64::EPSILON;

    fn value(self) -> f64 {
        self
    }

    fn sqrt(self) -> f64 {
        f64::sqrt(self)
    }
}

/// The sum of two doubles, the second at most half a unit in the last place of the first. Infinite and undefined results
/// have a second part of zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Dd {
    /// The nearest double.
    pub hi: f64,
    /// What is left.
    pub lo: f64,
}

impl Dd {
    /// The exact sum of two doubles.
    #[inline(always)]
    pub fn sum(a: f64, b: f64) -> Dd {
        let (hi, lo) = two_sum(a, b);
        Dd { hi, lo }.finite()
    }

    /// The exact product of two doubles.
    #[inline(always)]
    pub fn product(a: f64, b: f64) -> Dd {
        let (hi, lo) = Split::two_product(a, b);
        Dd { hi, lo }.finite()
    }

    /// The errors of an infinite or undefined number are undefined, too.
    #[inline(always)]
    fn finite(self) -> Dd {
        Dd { hi: self.hi, lo: if self.hi.is_finite() { self.lo } else { 0.0 } }
    }

    /// Adds in full precision.
    #[inline(always)]
    fn plus(self, other: Dd) -> Dd {
        let (hi, lo) = two_sum(self.hi, other.hi);
        if !hi.is_finite() {
            return hi.into();
        }
        let (low, error) = two_sum(self.lo, other.lo);
        let (hi, lo) = quick_two_sum(hi, lo + low);
        let (hi, lo) = quick_two_sum(hi, lo + error);
        Dd { hi, lo }
    }
}

impl Number for Dd {
    const EPSILON: f64 = f64::EPSILON * f64::EPSILON;

    fn value(self) -> f64 {
        self.hi
    }

    fn sqrt(self) -> Dd {
        if self.hi <= 0.0 || !self.hi.is_finite() {
            return self.hi.sqrt().into();
        }
        let root = self.hi.sqrt();
        let rest = self - Dd::product(root, root);
        Dd::sum(root, rest.hi / (2.0 * root))
    }
}

impl From<i64> for Dd {
    fn from(x: i64) -> Dd {
        let hi = x as f64;
        Dd { hi, lo: (i128::from(x) - hi as i128) as f64 }
    }
}

impl From<f64> for Dd {
    fn from(hi: f64) -> Dd {
        Dd { hi, lo: 0.0 }
    }
}

impl Add for Dd {
    type Output = Dd;
    fn add(self, other: Dd) -> Dd {
        self.plus(other)
    }
}

impl Sub for Dd {
    type Output = Dd;
    fn sub(self, other: Dd) -> Dd {
        self.plus(-other)
    }
}

impl Neg for Dd {
    type Output = Dd;
    fn neg(self) -> Dd {
        Dd { hi: -self.hi, lo: -self.lo }
    }
}

impl Mul for Dd {
    type Output = Dd;
    fn mul(self, other: Dd) -> Dd {
        let (hi, lo) = Split::two_product(self.hi, other.hi);
        if !hi.is_finite() {
            return hi.into();
        }
        let (hi, lo) = quick_two_sum(hi, lo + (self.hi * other.lo + self.lo * other.hi));
        Dd { hi, lo }
    }
}

impl Div for Dd {
    type Output = Dd;
    fn div(self, other: Dd) -> Dd {
        let first = self.hi / other.hi;
        if !first.is_finite() || first == 0.0 {
            return first.into();
        }
        let rest = self - other * first.into();
        let second = rest.hi / other.hi;
        let third = (rest - other * second.into()).hi / other.hi;
        Dd::sum(first, second) + third.into()
    }
}

impl std::iter::Sum for Dd {
    fn sum<I: Iterator<Item = Dd>>(values: I) -> Dd {
        values.fold(Dd::default(), |a, b| a + b)
    }
}

/// The sum and its rounding error.
#[inline(always)]
pub fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let part = sum - a;
    (sum, (a - (sum - part)) + (b - part))
}

/// The same where `a` is the larger one.
#[inline(always)]
pub fn quick_two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    (sum, b - (sum - a))
}

/// How a machine finds the rounding error of a product.
pub trait TwoProduct: Copy {
    /// The product and its rounding error.
    fn two_product(a: f64, b: f64) -> (f64, f64);
}

/// By a fused multiply-add. Only for functions compiled for machines that have it.
#[derive(Debug, Clone, Copy)]
pub struct Fused;

/// By halves of 26 bits.
#[derive(Debug, Clone, Copy)]
pub struct Split;

impl TwoProduct for Fused {
    #[inline(always)]
    fn two_product(a: f64, b: f64) -> (f64, f64) {
        let product = a * b;
        (product, a.mul_add(b, -product))
    }
}

impl TwoProduct for Split {
    #[inline(always)]
    fn two_product(a: f64, b: f64) -> (f64, f64) {
        let halves = |x: f64| {
            let scaled = 134_217_729.0 * x; // 2^27 + 1
            let high = scaled - (scaled - x);
            (high, x - high)
        };
        let product = a * b;
        let ((a, a_low), (b, b_low)) = (halves(a), halves(b));
        (product, ((a * b - product) + a * b_low + a_low * b) + a_low * b_low)
    }
}

/// Makes of values whose products would lose their errors to underflow the least there is. They are so much smaller than
/// the rest of a scaled column that they add nothing; that they are not zero tells whether all of it is so small.
#[inline(always)]
pub fn without_tiny(x: f64) -> f64 {
    if x.abs() < 3.2e-145 && x != 0.0 { f64::MIN_POSITIVE.copysign(x) } else { x } // 2^-480
}

/// Runs `$kernel::<P>($arguments)` with the fastest [`TwoProduct`] of this machine. The kernel must be inlined always,
/// with all that it calls.
macro_rules! on_this_machine {
    ($kernel:ident($($name:ident: $type:ty),*)) => {{
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = "avx2,fma")]
            fn fused($($name: $type),*) {
                $kernel::<$crate::dd::Fused>($($name),*)
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                // SAFETY: the machine has what the function is compiled for.
                unsafe { fused($($name),*) }
            } else {
                $kernel::<$crate::dd::Split>($($name),*)
            }
        }
        #[cfg(target_arch = "aarch64")]
        $kernel::<$crate::dd::Fused>($($name),*);
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        $kernel::<$crate::dd::Split>($($name),*);
    }};
}
pub(crate) use on_this_machine;

/// `to -= factor * from`, entry by entry.
pub fn subtract_multiple(to: &mut [Dd], factor: Dd, from: &[Dd]) {
    #[inline(always)]
    fn kernel<P: TwoProduct>(to: &mut [Dd], factor: Dd, from: &[Dd]) {
        for (to, from) in to.iter_mut().zip(from) {
            let (product, error) = P::two_product(factor.hi, from.hi);
            let error = error + (factor.hi * from.lo + factor.lo * from.hi);
            let (hi, lo) = two_sum(to.hi, -product);
            let (hi, lo) = quick_two_sum(hi, lo + (to.lo - error));
            *to = Dd { hi, lo };
        }
    }
    on_this_machine!(kernel(to: &mut [Dd], factor: Dd, from: &[Dd]));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Doubles of many sizes.
    fn values(count: usize) -> Vec<f64> {
        let mut seed = 88_172_645_463_325_252u64;
        (0..count)
            .map(|_| {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                let mantissa = (seed >> 12) as f64 / 1e15 - 2.0;
                mantissa * 2f64.powi((seed % 64) as i32 - 32)
            })
            .collect()
    }

    #[test]
    fn one_third_has_32_digits() {
        let third = Dd::from(1.0) / Dd::from(3.0);
        assert_eq!((third.hi, third.lo), (1.0 / 3.0, 1.850371707708594e-17));
        let error = third * Dd::from(3.0) - Dd::from(1.0);
        assert!(error.hi.abs() < 1e-31, "{error:?}");
    }

    #[test]
    fn the_root_of_two_has_32_digits() {
        let root = Dd::from(2.0).sqrt();
        assert_eq!(root.hi, 2f64.sqrt());
        assert!((root.lo / -9.667293313452913e-17 - 1.0).abs() < 1e-14, "{root:?}");
        assert_eq!(Dd::from(0.0).sqrt(), Dd::from(0.0));
    }

    #[test]
    fn sums_and_products_are_exact() {
        // Integers show it: 2^80 + 1 fits in two doubles, and (2^40 + 1)^2 = 2^80 + 2^41 + 1.
        let x = 2f64.powi(40) + 1.0;
        let exact = Dd { hi: 2f64.powi(80) + 2f64.powi(41), lo: 1.0 };
        assert_eq!(Dd::product(x, x), exact);
        assert_eq!(exact - Dd::from(2f64.powi(80)), Dd::from(2f64.powi(41) + 1.0));
    }

    #[test]
    fn infinity_stays_infinity() {
        let infinity = Dd::from(f64::INFINITY);
        for x in [infinity + Dd::from(1.0), infinity * Dd::from(2.0), Dd::from(1.0) / Dd::from(0.0), infinity.sqrt()] {
            assert_eq!(x, infinity);
        }
        assert!((infinity - infinity).hi.is_nan());
    }

    #[test]
    fn both_ways_to_multiply_give_the_same_bits() {
        #[inline(always)]
        fn products<P: TwoProduct>(a: &[f64], b: &[f64], out: &mut Vec<(f64, f64)>) {
            out.extend(a.iter().zip(b).map(|(&a, &b)| P::two_product(a, b)));
        }
        let (a, b) = (values(10_000), values(20_000)[10_000..].to_vec());
        let (mut here, mut split) = (Vec::new(), Vec::new());
        {
            let (a, b, here): (&[f64], &[f64], &mut Vec<(f64, f64)>) = (&a, &b, &mut here);
            on_this_machine!(products(a: &[f64], b: &[f64], here: &mut Vec<(f64, f64)>));
        }
        products::<Split>(&a, &b, &mut split);
        assert!(here.iter().zip(&split).all(|(x, y)| x.0.to_bits() == y.0.to_bits() && x.1 == y.1));
    }
}
