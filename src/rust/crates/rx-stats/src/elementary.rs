//! Exponentials and logarithms of whole batches, and the normal distribution.
//!
//! Loops without branches over additions, multiplications and divisions only, so that the compiler does several values
//! at a time and all machines give the same bits, which the C library's functions do not. Errors are below one unit in
//! the last place: arguments are reduced in two parts (Cody and Waite 1980, Software Manual for the Elementary
//! Functions), and the last operation adds a small term to a large one.

/// Runs a loop with the widest registers of this machine: the same operations, more of them at a time.
macro_rules! wide {
    ($kernel:ident $(::<$($constant:literal),*>)? ($($name:ident: $type:ty),*) $(-> $result:ty)?) => {{
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = "avx2")]
            fn wide($($name: $type),*) $(-> $result)? {
                $kernel $(::<$($constant),*>)? ($($name),*)
            }
            if is_x86_feature_detected!("avx2") {
                // SAFETY: the machine has what the function is compiled for.
                return unsafe { wide($($name),*) };
            }
        }
        $kernel $(::<$($constant),*>)? ($($name),*)
    }};
}
pub(crate) use wide;

/// The largest argument whose exponential is a number.
const LARGEST: f64 = 709.782_712_893_384;
/// Below it exponentials stop falling: 3.3e-308 is the least.
const SMALLEST: f64 = -708.0;
/// 1.5 times 2^52: adding it rounds to a whole number, which then stands in the last bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// The first 32 bits of log(2), and the rest.
const LN_2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];

/// exp(x), with an error below one unit in the last place.
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    let clamped = if x > LARGEST { LARGEST } else { x };
    let clamped = if clamped < SMALLEST { SMALLEST } else { clamped };
    // x = k log(2) + r, and r = high - low.
    let shifted = clamped * std::f64::consts::LOG2_E + ROUND;
    let k = shifted - ROUND;
    let (high, low) = (clamped - k * LN_2[0], k * LN_2[1]);
    let r = high - low;
    let lost = (high - r) - low;
    // Taylor's series of (exp(r) - 1 - r) / r^2 for |r| < 0.347.
    const TERMS: [f64; 12] = [
        1.0 / 6_227_020_800.0,
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
    ];
    let mut series = TERMS[0];
    for term in &TERMS[1..] {
        series = series * r + term;
    }
    let value = 1.0 + (r + (lost + r * r * series));
    // Half of 2^k, so that it is a number for the largest x.
    let half = f64::from_bits(shifted.to_bits().wrapping_add(1022) << 52);
    let value = value * half * 2.0;
    if x > LARGEST { f64::INFINITY } else { value }
}

/// 2 atanh(s) / s - 2 = 2/3 s^2 + 2/5 s^4 + ..., for |s| up to 3 - 2 sqrt(2).
#[inline(always)]
fn atanh_rest(s: f64) -> f64 {
    let square = s * s;
    let mut series = 2.0 / 23.0;
    for k in [21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0] {
        series = series * square + 2.0 / k;
    }
    series * square
}

/// log(x), with an error below one unit in the last place; minus infinity of zero, undefined below. Numbers below
/// 2.2e-308 count as that.
#[inline(always)]
pub fn ln(x: f64) -> f64 {
    let bits = (if x < f64::MIN_POSITIVE { f64::MIN_POSITIVE } else { x }).to_bits();
    // x = m 2^k with m from sqrt(1/2) to sqrt(2).
    const ROOT: u64 = 0x3FE6_A09E_667F_3BCD; // sqrt(1/2)
    let moved = bits.wrapping_sub(ROOT);
    let k = ((moved >> 52) | 0x4330_0000_0000_0000) ^ 0x0000_0000_0000_0800;
    // As bits of a double 2^52 + (k + 2048).
    let k = f64::from_bits(k) - (4_503_599_627_370_496.0 + 2048.0);
    let m = f64::from_bits((moved & 0x000F_FFFF_FFFF_FFFF).wrapping_add(ROOT));
    let f = m - 1.0;
    let s = f / (2.0 + f);
    // log(1 + f) = f - (f^2/2 - s (f^2/2 + rest)), which loses nothing where f is small.
    let half = 0.5 * f * f;
    let value = k * LN_2[0] - ((half - (s * (half + atanh_rest(s)) + k * LN_2[1])) - f);
    let value = if x == 0.0 { f64::NEG_INFINITY } else { value };
    let value = if x == f64::INFINITY { x } else { value };
    if x >= 0.0 { value } else { f64::NAN }
}

/// log(1 + x) for x from 0 to 1, with an error below two units in the last place.
#[inline(always)]
pub fn ln_1p(x: f64) -> f64 {
    // Beyond sqrt(2) the logarithm of the half.
    let large = x > std::f64::consts::SQRT_2 - 1.0;
    let (above, below) = if large { (x - 1.0, x + 3.0) } else { (x, x + 2.0) };
    let s = above / below;
    let value = s * (2.0 + atanh_rest(s));
    if large { value + std::f64::consts::LN_2 } else { value }
}

/// Replaces every value by its exponential.
pub fn exp_all(values: &mut [f64]) {
    #[inline(always)]
    fn kernel(values: &mut [f64]) {
        values.iter_mut().for_each(|x| *x = exp(*x));
    }
    wide!(kernel(values: &mut [f64]))
}

/// Replaces every value by its logarithm.
pub fn ln_all(values: &mut [f64]) {
    #[inline(always)]
    fn kernel(values: &mut [f64]) {
        values.iter_mut().for_each(|x| *x = ln(*x));
    }
    wide!(kernel(values: &mut [f64]))
}

/// The density of the standard normal distribution.
pub fn normal_density(x: f64) -> f64 {
    exp(-0.5 * x * x) / (2.0 * std::f64::consts::PI).sqrt()
}

/// The standard normal distribution function, by the rational approximations of Cody, W. J. (1969) Rational Chebyshev
/// approximations for the error function, Mathematics of Computation 23.
pub fn normal(x: f64) -> f64 {
    let y = x.abs();
    if x.is_nan() {
        return x;
    }
    if y <= 0.674_489_75 {
        const P: [f64; 5] = [
            6.568_233_791_820_745e-2,
            2.235_252_035_460_684,
            1.610_282_310_685_558_8e2,
            1.067_689_485_460_371e3,
            1.815_498_125_334_356e4,
        ];
        const Q: [f64; 5] =
            [1.0, 4.720_258_190_468_824e1, 9.760_985_517_377_767e2, 1.026_093_220_861_898e4, 4.550_778_933_502_673e4];
        return 0.5 + x * ratio(&P, &Q, x * x);
    }
    let tail = if y <= 32f64.sqrt() {
        const P: [f64; 9] = [
            1.076_557_677_372_019_2e-8,
            3.989_415_120_881_347e-1,
            8.883_149_794_388_377,
            9.350_665_613_217_785e1,
            5.972_702_763_948_002e2,
            2.494_537_585_290_372_6e3,
            6.848_190_450_536_283e3,
            1.160_265_143_764_735e4,
            9.842_714_838_383_978e3,
        ];
        const Q: [f64; 9] = [
            1.0,
            2.226_668_804_432_811_6e1,
            2.353_879_017_826_25e2,
            1.519_377_599_407_554_7e3,
            6.485_558_298_266_761e3,
            1.861_557_164_088_509_6e4,
            3.490_095_272_114_598e4,
            3.891_200_328_609_327e4,
            1.968_542_967_685_999e4,
        ];
        gauss(y) * ratio(&P, &Q, y)
    } else {
        const P: [f64; 6] = [
            2.307_344_176_494_017_3e-2,
            2.158_985_340_579_57e-1,
            1.274_011_611_602_473_6e-1,
            2.223_527_787_064_980_7e-2,
            1.421_619_193_227_893_4e-3,
            2.911_287_495_116_879_2e-5,
        ];
        const Q: [f64; 6] = [
            1.0,
            1.284_260_096_144_911,
            4.682_382_124_808_651e-1,
            6.598_813_786_892_856e-2,
            3.782_396_332_027_582_6e-3,
            7.297_515_550_839_662e-5,
        ];
        let square = 1.0 / (x * x);
        let root = 1.0 / (2.0 * std::f64::consts::PI).sqrt();
        gauss(y) * (root - square * ratio(&P, &Q, square)) / y
    };
    if x > 0.0 { 1.0 - tail } else { tail }
}

/// A ratio of polynomials, highest powers first.
fn ratio(p: &[f64], q: &[f64], x: f64) -> f64 {
    let at = |c: &[f64]| c.iter().fold(0.0, |sum, c| sum * x + c);
    at(p) / at(q)
}

/// exp(-y^2 / 2), the square in two parts so that its rounding is not magnified.
fn gauss(y: f64) -> f64 {
    let head = (y * 16.0).trunc() / 16.0;
    exp(-0.5 * head * head) * exp(-0.5 * (y - head) * (y + head))
}

/// The quantile of the standard normal distribution: Newton's method on the logarithm of the tail, from the
/// approximation 26.2.23 of Abramowitz and Stegun (1964).
pub fn normal_quantile(p: f64) -> f64 {
    if !(p > 0.0 && p < 1.0) {
        return if p == 0.0 {
            f64::NEG_INFINITY
        } else if p == 1.0 {
            f64::INFINITY
        } else {
            f64::NAN
        };
    }
    let tail = p.min(1.0 - p);
    let t = (-2.0 * tail.ln()).sqrt();
    let mut x = -(t - ratio(&[0.010_328, 0.802_853, 2.515_517], &[0.001_308, 0.189_269, 1.432_788, 1.0], t));
    for _ in 0..4 {
        let at = normal(x);
        x -= (at / tail).ln() * at / normal_density(x);
    }
    if p < 0.5 { x } else { -x }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dd::{Dd, Number};

    /// exp(x) in double-double: Taylor's series after halving the argument, the result squared.
    fn exp_exactly(x: f64) -> Dd {
        let halvings = 12;
        let r = Dd::from(x) / Dd::from(f64::from(1 << halvings));
        let mut term = Dd::from(1.0);
        let mut sum = Dd::from(1.0);
        for k in 1..20 {
            term = term * r / Dd::from(f64::from(k));
            sum = sum + term;
        }
        (0..halvings).for_each(|_| sum = sum * sum);
        sum
    }

    /// The difference in units in the last place of the exact value.
    fn units(found: f64, exact: Dd) -> f64 {
        let unit = 2f64.powi(exact.hi.abs().log2().floor() as i32 - 52);
        ((Dd::from(found) - exact).value() / unit).abs()
    }

    fn arguments(low: f64, high: f64) -> impl Iterator<Item = f64> {
        (0..20_000).map(move |i| low + (high - low) * (f64::from(i) + 0.1 * f64::from(i % 7)) / 20_001.0)
    }

    #[test]
    fn exponentials_are_right_to_the_last_digit() {
        let worst = arguments(-30.0, 30.0).map(|x| units(exp(x), exp_exactly(x))).fold(0.0, f64::max);
        assert!(worst < 0.9, "{worst}");
        for x in [-700.0, -345.6, 345.6, 700.0, 709.0] {
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-15, "{x}");
        }
        assert_eq!((exp(0.0), exp(f64::INFINITY), exp(710.0)), (1.0, f64::INFINITY, f64::INFINITY));
        assert!(exp(f64::NAN).is_nan() && exp(-1e4) < 1e-307);
    }

    #[test]
    fn logarithms_are_right_to_the_last_digit() {
        // Newton's step from the double nearest to the logarithm.
        let exact = |x: f64| {
            let y = x.ln();
            Dd::from(y) + (Dd::from(x) / exp_exactly(y) - Dd::from(1.0))
        };
        let worst = arguments(0.01, 40.0).map(|x| units(ln(x), exact(x))).fold(0.0, f64::max);
        assert!(worst < 1.0, "{worst}");
        for x in [1e-300, 3.7e-12, 1.0 - 1e-9, 1.0 + 1e-9, 1e15, 1e300, f64::MAX] {
            assert!((ln(x) / x.ln() - 1.0).abs() < 4e-16, "{x}");
        }
        assert_eq!((ln(1.0), ln(0.0), ln(f64::INFINITY)), (0.0, f64::NEG_INFINITY, f64::INFINITY));
        assert!(ln(-1.0).is_nan() && ln(f64::NAN).is_nan());
    }

    #[test]
    fn logarithms_beside_one_keep_their_digits() {
        for x in arguments(0.0, 1.0).chain([1e-300, 1e-17, 1e-9, 1.0]) {
            assert!((ln_1p(x) - x.ln_1p()).abs() <= 4.4e-16 * x.ln_1p(), "{x}");
        }
    }

    #[test]
    fn batches_have_the_bits_of_single_values() {
        let values: Vec<f64> = arguments(-20.0, 20.0).collect();
        let mut many = values.clone();
        exp_all(&mut many);
        assert!(values.iter().zip(&many).all(|(&x, y)| exp(x).to_bits() == y.to_bits()));
        let positive = many.clone();
        ln_all(&mut many);
        assert!(positive.iter().zip(&many).all(|(&x, y)| ln(x).to_bits() == y.to_bits()));
    }

    #[test]
    fn the_normal_distribution_is_that_of_r() {
        // pnorm()
        for (x, p) in [
            (0.3, 0.617_911_422_188_952_7),
            (-1.0, 0.158_655_253_931_457_05),
            (2.5, 0.993_790_334_674_223_8),
            (-8.0, 6.220_960_574_271_784e-16),
            (-4.0, 3.167_124_183_311_992e-5),
        ] {
            assert!((normal(x) / p - 1.0).abs() < 4e-15, "{x}: {}", normal(x));
            assert!((normal_quantile(normal(x)) - x).abs() < 1e-12 * x.abs().max(1.0) || x > 2.0, "{x}");
        }
        assert_eq!(normal(0.0), 0.5);
        assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-14);
        assert!((normal_quantile(f64::EPSILON) + 8.125_890_664_701_906).abs() < 1e-11);
    }
}
