//! Figures as a person reads them, each with its unit.

/// A count with its thousands set apart.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time with three digits or more.
pub(crate) fn time(nanoseconds: u64) -> String {
    scaled(nanoseconds as f64, 1_000.0, &["ns", "µs", "ms", "s"])
}

/// A size with three digits or more.
pub(crate) fn size(bytes: u64) -> String {
    scaled(bytes as f64, 1_024.0, &["bytes", "KiB", "MiB", "GiB"])
}

/// Requests per second.
pub(crate) fn rate(per_second: f64) -> String {
    scaled(per_second, 1_000.0, &["req/s", "k req/s", "M req/s"])
}

/// A share in per cent.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A value in the largest unit that leaves something before the point; whole in the smallest.
fn scaled(value: f64, step: f64, units: &[&str]) -> String {
    let mut value = value;
    let mut units = units.iter();
    let mut unit = units.next();
    let smallest = value < step;
    while value >= step
        && let Some(larger) = units.next()
    {
        value /= step;
        unit = Some(larger);
    }
    let decimals = match value {
        _ if smallest => 0,
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    format!("{value:.decimals$} {}", unit.unwrap_or(&""))
}
