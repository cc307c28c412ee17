//! The limits of DynamoDB for the names and values of an item, except its size. All limits are from
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>, as of November 2026.

use crate::model::item::{AttributeValue, Item};

/// The maximum number of lists and maps around a value.
pub(crate) const MAX_NESTING: usize = 32;
/// The maximum length of the name of an attribute in bytes.
const MAX_NAME: usize = 64 * 1024 - 1;
/// The maximum number of significant digits of a number.
const MAX_DIGITS: usize = 38;
/// The exponents of the first digit of a number: from 1E-130 to 9.9E+125.
const EXPONENTS: std::ops::RangeInclusive<i64> = -130..=125;

/// A value that exceeds a limit: its path inside the item, from the innermost name to the outermost, and the problem.
#[derive(Debug)]
pub(crate) struct Violation {
    path: Vec<String>,
    problem: String,
}

impl Violation {
    fn new(problem: impl Into<String>) -> Self {
        Self { path: Vec::new(), problem: problem.into() }
    }

    fn within(mut self, step: String) -> Self {
        self.path.push(step);
        self
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Deep paths are shortened to the outermost names.
        let outermost = self.path.iter().rev().take(8);
        for step in outermost {
            f.write_str(step)?;
        }
        write!(f, "{} {}", if self.path.len() > 8 { "..." } else { "" }, self.problem)
    }
}

/// Checks the names and values of an item or a key.
pub(crate) fn check_item(item: &Item) -> Result<(), Violation> {
    members(item, MAX_NESTING, "")
}

fn members(item: &Item, levels: usize, separator: &str) -> Result<(), Violation> {
    for (name, value) in item {
        let step = || format!("{separator}{}", crate::model::error::shortened(name));
        check_name(name).map_err(|problem| Violation::new(problem).within(step()))?;
        check_value(value, levels).map_err(|violation| violation.within(step()))?;
    }
    Ok(())
}

fn check_value(value: &AttributeValue, levels: usize) -> Result<(), Violation> {
    let inner = || levels.checked_sub(1).ok_or_else(too_deep);
    match value {
        AttributeValue::N(number) => check_number(number).map_err(Violation::new),
        AttributeValue::M(item) => members(item, inner()?, "."),
        AttributeValue::L(values) => {
            let levels = inner()?;
            let mut values = values.iter().enumerate();
            values.try_for_each(|(at, value)| {
                check_value(value, levels).map_err(|violation| violation.within(format!("[{at}]")))
            })
        }
        AttributeValue::Ns(numbers) => {
            { check_set(numbers.len()).and_then(|()| numbers.iter().try_for_each(|number| check_number(number))) }
                .map_err(Violation::new)
        }
        AttributeValue::Ss(texts) => check_set(texts.len()).map_err(Violation::new),
        AttributeValue::Bs(blobs) => check_set(blobs.len()).map_err(Violation::new),
        _ => Ok(()),
    }
}

fn too_deep() -> Violation {
    Violation::new(format!("is nested in more than {MAX_NESTING} lists and maps, which DynamoDB does not allow"))
}

pub(crate) fn check_set(length: usize) -> Result<(), String> {
    if length == 0 { Err("is an empty set, which DynamoDB does not allow".into()) } else { Ok(()) }
}

/// Checks the name of an attribute.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    match name.len() {
        0 => Err("has an empty name, which DynamoDB does not allow".into()),
        1..=MAX_NAME => Ok(()),
        length => Err(format!("has a name of {length} bytes, but DynamoDB allows {MAX_NAME}")),
    }
}

/// Checks the syntax, the digits and the range of a number.
pub(crate) fn check_number(number: &str) -> Result<(), String> {
    let shown = || crate::model::error::shortened(number);
    let Some(magnitude) = Magnitude::of(number) else {
        return Err(format!("is not a decimal number: \"{}\"", shown()));
    };
    if magnitude.digits > MAX_DIGITS {
        return Err(format!(
            "is a number of {} digits, but DynamoDB stores {MAX_DIGITS}: \"{}\"",
            magnitude.digits,
            shown()
        ));
    }
    if magnitude.digits > 0 && !EXPONENTS.contains(&magnitude.exponent) {
        return Err(format!("is outside the range of DynamoDB, 1E-130 to 9.9E+125: \"{}\"", shown()));
    }
    Ok(())
}

struct Magnitude {
    /// The number of significant digits, which is 0 for zero.
    digits: usize,
    /// The exponent of the first significant digit.
    exponent: i64,
}

impl Magnitude {
    fn of(number: &str) -> Option<Self> {
        let (mantissa, exponent) = match number.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?.into()),
            None => (number, 0_i64),
        };
        let mantissa = mantissa.strip_prefix(['-', '+']).unwrap_or(mantissa);
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = whole.bytes().chain(fraction.bytes());
        if whole.len() + fraction.len() == 0 || !digits.clone().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let mut significant = digits.enumerate().filter(|(_, digit)| *digit != b'0').map(|(place, _)| place);
        let Some(first) = significant.next() else {
            return Some(Self { digits: 0, exponent: 0 });
        };
        let places = i64::try_from(whole.len()).ok()? - i64::try_from(first).ok()?;
        Some(Self { digits: significant.last().unwrap_or(first) - first + 1, exponent: exponent + places - 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AttributeValue::{L, M, N, S, Ss};

    #[test]
    fn numbers_are_checked_as_dynamodb_checks_them() {
        let (most, longer) = ("9".repeat(38), "9".repeat(39));
        for number in ["0", "-0", "1", "+1.50", ".5", "5.", "1e125", "9.99E+125", "1E-130", "0.1e-129", "0e999", &most]
        {
            assert_eq!(check_number(number), Ok(()), "{number}");
        }
        assert_eq!(check_number(&format!("{most}0000")), Ok(()), "zeros at the end are not significant");
        for (number, problem) in [
            (longer.as_str(), "39 digits"),
            ("1e126", "range"),
            ("1e-131", "range"),
            ("0.1e-130", "range"),
            ("1e99999999999", "not a decimal number"),
            ("", "not a decimal number"),
            ("-", "not a decimal number"),
            (".", "not a decimal number"),
            ("NaN", "not a decimal number"),
            ("inf", "not a decimal number"),
            ("1 ", "not a decimal number"),
            ("0x1", "not a decimal number"),
            ("1.2.3", "not a decimal number"),
            ("--1", "not a decimal number"),
        ] {
            let error = check_number(number).unwrap_err();
            assert!(error.contains(problem), "{number}: {error}");
        }
    }

    #[test]
    fn the_path_of_a_value_is_in_the_error() {
        let person =
            |value| Item::from([("Address".into(), M(Item::from([("Lines".into(), L(vec![S("1".into()), value]))])))]);
        let problem = |value| check_item(&person(value)).unwrap_err().to_string();
        assert_eq!(problem(N("x".into())), "Address.Lines[1] is not a decimal number: \"x\"");
        assert_eq!(problem(Ss(vec![])), "Address.Lines[1] is an empty set, which DynamoDB does not allow");
        let unnamed = M(Item::from([(String::new(), S("x".into()))]));
        assert_eq!(problem(unnamed), "Address.Lines[1]. has an empty name, which DynamoDB does not allow");
        assert!(check_item(&person(S(String::new()))).is_ok(), "only keys must not be empty");
    }

    #[test]
    fn a_value_can_be_in_32_lists_or_maps() {
        let nested = |levels: usize| (0..levels).fold(S("x".into()), |value, _| L(vec![value]));
        assert!(check_item(&Item::from([("a".into(), nested(32))])).is_ok());
        let error = check_item(&Item::from([("a".into(), nested(33))])).unwrap_err().to_string();
        assert!(error.starts_with("a[0][0]") && error.contains("... is nested in more than 32"), "{error}");
    }
}
