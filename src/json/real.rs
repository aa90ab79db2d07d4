//! The double that is nearest to a decimal number. `core` has the same, with tables of 10 KB for every exponent; here those
//! that agents send are quick, and all others exact and slow.

use alloc::vec::Vec;
use core::cmp::Ordering;

/// The nearest double to `significand` times ten to the power of `exponent`; none where the exponent is not between -27
/// and -1. Source: "Number Parsing at a Gigabyte per Second" by Daniel Lemire, and "Fast Number Parsing Without Fallback"
/// by Noble Mushtak and Daniel Lemire, which proves that the product below is always exact enough.
pub(super) fn quick(significand: u64, exponent: i32) -> Option<f64> {
    let &(power_high, power_low) = RECIPROCALS.get(usize::try_from(-1 - exponent).ok()?)?;
    if significand == 0 {
        return Some(0.0);
    }
    let zeros = significand.leading_zeros();
    let scaled = u128::from(significand << zeros);
    let product = scaled * u128::from(power_high) + ((scaled * u128::from(power_low)) >> 64);
    let (high, low) = ((product >> 64) as u64, product as u64);
    let top = (high >> 63) as u32;
    // One bit more than a double has, for rounding.
    let shift = top + 64 - f64::MANTISSA_DIGITS - 1 - 1;
    let mut mantissa = high >> shift;
    let is_half = low <= 1 && exponent >= -4 && mantissa & 3 == 1 && mantissa << shift == high;
    mantissa -= u64::from(is_half);
    mantissa = (mantissa + (mantissa & 1)) >> 1;
    // An estimate of the logarithm to base 2 that is right for all these exponents.
    let log = (exponent * 217_706) >> 16;
    Some(f64::from_bits(mantissa.wrapping_add(u64::from((log + 1085 + top as i32 - zeros as i32) as u32) << 52)))
}

/// The 128 highest bits of 5 to the power of -1, -2 .. -27, rounded up, as two halves.
#[allow(clippy::indexing_slicing, reason = "an index that is too large does not compile")]
const RECIPROCALS: [(u64, u64); 27] = {
    let mut reciprocals = [(0, 0); 27];
    let (mut index, mut power) = (0, 1_u64);
    while index < reciprocals.len() {
        power *= 5;
        let (mut quotient, mut rest, mut bit) = (0_u128, 1, 0);
        while bit < 64 - (power - 1).leading_zeros() + 127 {
            rest <<= 1;
            quotient <<= 1;
            if rest >= power as u128 {
                rest -= power as u128;
                quotient |= 1;
            }
            bit += 1;
        }
        quotient += 1;
        reciprocals[index] = ((quotient >> 64) as u64, quotient as u64);
        index += 1;
    }
    reciprocals
};

/// The nearest double to the number in a text without a sign, infinite where it is too large, by arithmetic with integers
/// of any size: both numerator and denominator are made, and divided bit by bit.
#[cold]
#[inline(never)]
pub(super) fn exact(text: &str, mut exponent: i32) -> f64 {
    let mut numerator = Big::default();
    let mut digits = 0;
    let mut is_fraction = false;
    for byte in text.bytes() {
        match byte {
            b'.' => is_fraction = true,
            b'0'..=b'9' => {
                // Zeros in front are no digits of the number.
                digits += i32::from(digits > 0 || byte != b'0');
                if digits <= MAX_DIGITS {
                    numerator.multiply_and_add(10, u32::from(byte - b'0'));
                    exponent = exponent.saturating_sub(i32::from(is_fraction));
                } else {
                    exponent = exponent.saturating_add(i32::from(!is_fraction));
                    // What is cut off only matters if there is anything but zeros: the next digit stands for it.
                    numerator.is_more |= byte != b'0';
                }
            }
            _ => break,
        }
    }
    // The number has as many digits in front of its point.
    match exponent.saturating_add(digits.min(MAX_DIGITS)) {
        _ if digits == 0 => return 0.0,
        310.. => return f64::INFINITY,
        ..-330 => return 0.0,
        _ => {}
    }
    if numerator.is_more {
        numerator.multiply_and_add(10, 1);
        exponent -= 1;
    }
    let mut denominator = Big { limbs: Vec::from([1]), is_more: false };
    let scaled = if exponent < 0 { &mut denominator } else { &mut numerator };
    scaled.scale(10, exponent.unsigned_abs());
    divide(numerator, denominator)
}

/// The nearest double to a quotient, neither part of which is zero.
fn divide(mut numerator: Big, mut denominator: Big) -> f64 {
    // The numerator becomes at least the denominator, and less than twice as much; `exponent` is what that takes.
    let mut exponent = numerator.bits() - denominator.bits();
    let shifted = if exponent < 0 { &mut numerator } else { &mut denominator };
    shifted.scale(2, exponent.unsigned_abs());
    if numerator.compare(&denominator) == Ordering::Less {
        numerator.multiply_and_add(2, 0);
        exponent -= 1;
    }
    // All bits that a double has, and one for rounding; less than a normal double's below the smallest of them.
    let missing = (MIN_EXPONENT - exponent).max(0);
    let mut bits = 0_u64;
    for _ in missing..=f64::MANTISSA_DIGITS as i32 {
        bits <<= 1;
        if numerator.compare(&denominator) != Ordering::Less {
            numerator.subtract(&denominator);
            bits |= 1;
        }
        numerator.multiply_and_add(2, 0);
    }
    // Half goes to the even neighbour.
    let is_up = bits & 1 == 1 && (bits & 2 == 2 || numerator.bits() > 0);
    let mantissa = (bits >> 1) + u64::from(is_up);
    // Of a normal double the mantissa's highest bit is not stored, and adds one to the exponent. So does a mantissa that was
    // rounded up to the next power of two.
    let biased = (exponent.max(MIN_EXPONENT) - MIN_EXPONENT) as u64;
    let double = f64::from_bits(mantissa + (biased << (f64::MANTISSA_DIGITS - 1)));
    if exponent > f64::MAX_EXP - 1 { f64::INFINITY } else { double }
}

/// A natural number of any size.
#[derive(Default)]
struct Big {
    /// 32 bits each, the lowest first. The highest may be zero.
    limbs: Vec<u32>,
    /// Whether the number that is meant is a little larger.
    is_more: bool,
}

impl Big {
    fn multiply_and_add(&mut self, factor: u32, summand: u32) {
        let mut carry = summand;
        for limb in &mut self.limbs {
            let product = u64::from(*limb) * u64::from(factor) + u64::from(carry);
            (*limb, carry) = (product as u32, (product >> 32) as u32);
        }
        if carry > 0 {
            self.limbs.push(carry);
        }
    }

    /// Multiplies by a power of a small number, by as much at once as a factor holds.
    fn scale(&mut self, base: u32, exponent: u32) {
        let most = u32::MAX.ilog(base);
        for _ in 0..exponent / most {
            self.multiply_and_add(base.pow(most), 0);
        }
        self.multiply_and_add(base.pow(exponent % most), 0);
    }

    /// How many bits it has.
    fn bits(&self) -> i32 {
        match self.limbs.iter().rposition(|limb| *limb != 0) {
            Some(last) => 32 * (last as i32 + 1) - self.limb(last).leading_zeros() as i32,
            None => 0,
        }
    }

    fn limb(&self, index: usize) -> u32 {
        self.limbs.get(index).copied().unwrap_or_default()
    }

    fn compare(&self, other: &Self) -> Ordering {
        let limbs = (0..self.limbs.len().max(other.limbs.len())).rev();
        limbs
            .map(|index| self.limb(index).cmp(&other.limb(index)))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    /// Subtracts a number that is not larger.
    fn subtract(&mut self, other: &Self) {
        let mut borrow = false;
        for (index, limb) in self.limbs.iter_mut().enumerate() {
            let (difference, is_below) = limb.overflowing_sub(other.limb(index));
            let (difference, is_below_by_borrow) = difference.overflowing_sub(u32::from(borrow));
            (*limb, borrow) = (difference, is_below || is_below_by_borrow);
        }
    }
}

/// As many digits tell a number from the middle between two doubles; from a longer one only matters that it is longer.
const MAX_DIGITS: i32 = 800;
/// The exponent of the smallest normal double.
const MIN_EXPONENT: i32 = f64::MIN_EXP - 1;
