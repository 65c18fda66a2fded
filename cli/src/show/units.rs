//! Numbers for people: three digits and a unit.

/// A time: `412 ns`, `11.8 µs`, `1.24 ms`.
pub fn time(nanos: f64) -> String {
    scaled(nanos, 1e3, &["ns", "µs", "ms", "s"])
}

/// A count per second: `152 M/s`.
pub fn rate(per_second: f64) -> String {
    scaled(per_second, 1e3, &["/s", "k/s", "M/s", "G/s"])
}

/// A rate that was asked for, in full: `10,000 /s`.
pub fn pace(per_second: u32) -> String {
    let digits = per_second.to_string();
    let parts: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|part| str::from_utf8(part).ok()).collect();
    format!("{} /s", parts.join(","))
}

/// Bytes per second: `14.1 GB/s`.
pub fn throughput(bytes_per_second: f64) -> String {
    scaled(bytes_per_second, 1e3, &["B/s", "kB/s", "MB/s", "GB/s", "TB/s"])
}

/// A number of things: `12`, `45.2k`, `1.24M`.
pub fn total(number: u64) -> String {
    if number < 1_000 { number.to_string() } else { amount(number as f64) }
}

/// The same of a number that need not be whole, in as few characters: `0`, `12`, `45.2k`.
pub fn amount(number: f64) -> String {
    let text = scaled(number, 1e3, &["", "k", "M", "G", "T", "P", "E"]);
    let (digits, unit) = text.split_once(' ').unwrap_or((&text, ""));
    if number < 999.5 { format!("{number:.0}") } else { format!("{digits}{unit}") }
}

/// So many of what has a plural in `s`: `1 call`, `12 calls`.
pub fn counted(number: u64, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// Bytes, in as few characters: `79.4MB`.
pub fn bytes(number: f64) -> String {
    format!("{}B", amount(number))
}

/// How many of something, on average: `0.02`, `4.00`.
pub fn count(number: f64) -> String {
    three_digits(number)
}

/// Memory: `132 KiB`, `2.13 MiB`.
pub fn memory(bytes: u64) -> String {
    if bytes < 1_000 { format!("{bytes} B") } else { scaled(bytes as f64, 1024.0, &["B", "KiB", "MiB", "GiB"]) }
}

/// A payload: `56 B`, `64 KiB`.
pub fn size(bytes: usize) -> String {
    let whole = |unit: usize| bytes >= unit && bytes.is_multiple_of(unit);
    match bytes {
        _ if whole(1 << 20) => format!("{} MiB", bytes >> 20),
        _ if whole(1 << 10) => format!("{} KiB", bytes >> 10),
        _ => format!("{bytes} B"),
    }
}

/// A part of something, give or take: `±3 %`. Beyond tenfold it says no more than that.
pub fn spread(part: f64) -> String {
    if part < 9.995 { format!("±{:.0} %", part * 100.0) } else { "> ±999 %".to_owned() }
}

/// The largest unit that leaves at least one digit before the point.
fn scaled(value: f64, step: f64, units: &[&str]) -> String {
    let mut value = value;
    let mut unit = 0;
    // 999.5 would be rounded to 1000.
    while value >= 999.5 && unit + 1 < units.len() {
        value /= step;
        unit += 1;
    }
    format!("{} {}", three_digits(value), units[unit])
}

fn three_digits(value: f64) -> String {
    match value {
        value if value >= 99.95 => format!("{value:.0}"),
        value if value >= 9.995 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_no_plural() {
        assert_eq!([0, 1, 2].map(|calls| counted(calls, "call")), ["0 calls", "1 call", "2 calls"]);
    }

    #[test]
    fn few_characters_are_enough() {
        assert_eq!([0, 999, 1_000, 45_230, 1_239_000].map(total), ["0", "999", "1.00k", "45.2k", "1.24M"]);
        assert_eq!([0.4, 999.4, 999.6, 79_440_000.0].map(bytes), ["0B", "999B", "1.00kB", "79.4MB"]);
        assert_eq!(total(u64::MAX), "18.4E");
    }

    #[test]
    fn three_digits_and_a_unit() {
        let times: Vec<String> = [0.0, 8.0, 412.0, 999.4, 999.6, 11_840.0, 1.2e9].map(time).into();
        assert_eq!(times, ["0.00 ns", "8.00 ns", "412 ns", "999 ns", "1.00 µs", "11.8 µs", "1.20 s"]);
        assert_eq!(rate(152_300_000.0), "152 M/s");
        assert_eq!(throughput(14.13e9), "14.1 GB/s");
        assert_eq!(
            ["56 B", "1 KiB", "1500 B", "1025 KiB", "16 MiB"],
            [56, 1_024, 1_500, 1_049_600, 16 << 20].map(size).each_ref().map(String::as_str)
        );
        assert_eq!([1, 100, 10_000, 1_234_567].map(pace), ["1 /s", "100 /s", "10,000 /s", "1,234,567 /s"]);
        assert_eq!([0, 999, 135_168, 2_233_466].map(memory), ["0 B", "999 B", "132 KiB", "2.13 MiB"]);
        assert_eq!([spread(0.034), spread(133.0)], ["±3 %", "> ±999 %"]);
    }
}
