//! Logarithmic scales: every quantity of the page spans decades, even one minus a quantile.

use crate::show::units;

/// Where values lie along an axis.
#[derive(Clone, Debug)]
pub struct Scale {
    /// The least and the greatest value, which is greater.
    domain: (f64, f64),
    /// Where those two lie, in pixels.
    range: (f64, f64),
}

/// A mark on an axis: where its value is, and how it reads.
pub type Tick = (f64, String);

/// By how much a domain goes beyond its values, as a factor.
const MARGIN: f64 = 1.25;

impl Scale {
    /// Of all positive `values`, with some room at both ends. `None` if there are none.
    pub fn around(values: impl Iterator<Item = f64>) -> Option<Self> {
        let (least, most) = extremes(values)?;
        Some(Self { domain: (least / MARGIN, most * MARGIN), range: (0.0, 1.0) })
    }

    /// From the least of all positive `values` to the greatest; of a single one, some room beside it.
    pub fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let (least, most) = extremes(values)?;
        let domain = if most > least { (least, most) } else { (least / 2.0, most * 2.0) };
        Some(Self { domain, range: (0.0, 1.0) })
    }

    /// The same values, between these pixels.
    pub fn between(mut self, from: f64, to: f64) -> Self {
        self.range = (from, to);
        self
    }

    /// The pixel of a positive value.
    pub fn place(&self, value: f64) -> f64 {
        let (low, high) = self.domain;
        let part = (value / low).ln() / (high / low).ln();
        self.range.0 + part * (self.range.1 - self.range.0)
    }

    /// Those of `ticks` that lie on the scale.
    pub fn keep(&self, ticks: Vec<Tick>) -> Vec<Tick> {
        // What was computed in logarithms may miss its own end by a bit.
        let (low, high) = (self.domain.0 * 0.999_999, self.domain.1 * 1.000_001);
        ticks.into_iter().filter(|&(value, _)| (low..=high).contains(&value)).collect()
    }

    /// Round numbers: powers of ten, or on a short scale their doubles and halves too.
    pub fn decades(&self, read: fn(f64) -> String) -> Vec<Tick> {
        let (low, high) = (self.domain.0.log10().floor() as i32, self.domain.1.log10().ceil() as i32);
        let steps = |steps: &[f64]| {
            let values = (low..=high).flat_map(|power| steps.iter().map(move |step| step * 10f64.powi(power)));
            self.keep(values.map(|value| (value, whole(&read(value)))).collect())
        };
        let tens = steps(&[1.0]);
        if tens.len() < 3 { steps(&[1.0, 2.0, 5.0]) } else { tens }
    }

    /// Payloads: powers of two, as far apart as leaves a few.
    pub fn payloads(&self) -> Vec<Tick> {
        let every = |bits: usize| {
            let powers = (0..40).step_by(bits).map(|power| 8usize << power);
            self.keep(powers.map(|bytes| (bytes as f64, units::size(bytes))).collect())
        };
        [3, 2].into_iter().map(every).find(|ticks| ticks.len() > 2).unwrap_or_else(|| every(1))
    }
}

/// The parts of all round trips that a curve has marks at, as what they leave: 1 in 1, 2, 10, 100, …
pub fn quantiles() -> Vec<Tick> {
    let marks = ["0", "50 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %", "99.9999 %"];
    let left = |mark: usize| if mark < 2 { 1.0 + mark as f64 } else { 10f64.powi(mark as i32 - 1) };
    marks.iter().enumerate().map(|(mark, text)| (left(mark), (*text).to_owned())).collect()
}

/// A round number without the zeros behind its point.
fn whole(text: &str) -> String {
    text.replacen(".00 ", " ", 1).replacen(".0 ", " ", 1)
}

fn extremes(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let positive = values.filter(|&value| value.is_finite() && value > 0.0);
    positive.fold(None, |ends, value| {
        let (least, most) = ends.unwrap_or((value, value));
        Some((value.min(least), value.max(most)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn a_decade_is_as_wide_as_the_next_one() {
        let scale = Scale::of([1.0, 100.0].into_iter()).unwrap().between(0.0, 200.0);
        for (value, pixel) in [(1.0, 0.0), (10.0, 100.0), (100.0, 200.0)] {
            assert!((scale.place(value) - pixel).abs() < 1e-9, "{value}");
        }
    }

    #[test]
    fn what_is_not_positive_has_no_place() {
        assert!(Scale::around([0.0, -1.0, f64::NAN, f64::INFINITY].into_iter()).is_none());
        let scale = Scale::around([0.0, 4.0].into_iter()).unwrap();
        assert_eq!(scale.domain, (4.0 / MARGIN, 4.0 * MARGIN));
    }

    #[test]
    fn long_scales_have_decades_and_short_ones_have_halves() {
        let marks = |low, high| Scale::around([low, high].into_iter()).unwrap().decades(units::time);
        assert_eq!(texts(&marks(300.0, 200_000.0)), ["1 µs", "10 µs", "100 µs"]);
        assert_eq!(texts(&marks(300.0, 2_000.0)), ["500 ns", "1 µs", "2 µs"]);
    }

    #[test]
    fn payloads_are_powers_of_two_both_ends_included() {
        let scale = |low, high| Scale::of([low, high].into_iter()).unwrap();
        assert_eq!(texts(&scale(8.0, 65_536.0).payloads()), ["8 B", "64 B", "512 B", "4 KiB", "32 KiB"]);
        assert_eq!(texts(&scale(8.0, 64.0).payloads()), ["8 B", "16 B", "32 B", "64 B"]);
        assert_eq!(texts(&scale(64.0, 64.0).payloads()), ["32 B", "64 B", "128 B"]);
    }

    #[test]
    fn each_nine_of_a_quantile_is_a_mark() {
        let marks = quantiles();
        assert_eq!((marks[1].0, marks[2].0, marks[4].0), (2.0, 10.0, 1_000.0));
        assert_eq!(marks[4].1, "99.9 %");
    }
}
