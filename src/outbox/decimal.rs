//! Reads numbers from an item, in each form in which another program may have written them.

use crate::model::item::Item;
use crate::model::ticks::Ticks;

/// The decimal digits of the largest `i64`.
const MAX_DIGITS: usize = 19;

/// Returns a decimal number, in whichever form another program wrote it, without its fraction and limited to the range
/// of an `i64`.
pub(crate) fn whole(number: &str) -> Option<i64> {
    if let Ok(whole) = number.parse() {
        return Some(whole);
    }
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let exponent: i32 = exponent.parse().ok()?;
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if before.is_empty() && after.is_empty() || !before.bytes().chain(after.bytes()).all(|it| it.is_ascii_digit()) {
        return None;
    }
    let places = i64::try_from(before.len()).ok()?.saturating_add(exponent.into());
    let digits = before.bytes().chain(after.bytes()).chain(std::iter::repeat(b'0'));
    let magnitude = digits
        .zip(0..places)
        .take(before.len() + after.len() + MAX_DIGITS)
        .fold(0_i64, |sum, (digit, _)| sum.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
    Some(if negative { -magnitude } else { magnitude })
}

/// Reads a number without its fraction, if the attribute is one.
pub(crate) fn whole_of(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok().and_then(|number| whole(number))
}

/// Reads a time in .NET ticks, if the attribute is one.
pub(crate) fn ticks(item: &Item, name: &str) -> Option<Ticks> {
    whole_of(item, name).and_then(Ticks::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_every_form() {
        for (number, expected) in [
            ("0", Some(0)),
            ("-1", Some(-1)),
            ("1.9", Some(1)),
            ("-1.9", Some(-1)),
            ("+2", Some(2)),
            (".5", Some(0)),
            ("12.34e1", Some(123)),
            ("1234E-2", Some(12)),
            ("1e-5", Some(0)),
            ("6.38448068967890000E17", Some(638_448_068_967_890_000)),
            ("1e99", Some(i64::MAX)),
            ("-1e99", Some(-i64::MAX)),
            ("1e2147483647", Some(i64::MAX)),
            ("0e2147483647", Some(0)),
            ("99999999999999999999999999999999999999", Some(i64::MAX)),
            ("", None),
            (".", None),
            ("-", None),
            ("1e", None),
            ("x", None),
            ("1x", None),
        ] {
            assert_eq!(whole(number), expected, "{number}");
        }
    }
}
