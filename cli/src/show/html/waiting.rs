//! Parked against spinning: for each payload a bar from the median to the 99th percentile of every mechanism, by mode.

use maud::{Markup, html};

use super::figures::payloads;
use super::scale::{Scale, Tick};
use super::subject::{Rank, Subject};
use super::tabs;
use crate::measure::plan::{Mechanism, Mode};
use crate::measure::summary::{Percentiles, Row};
use crate::show::units;

/// One bar.
#[derive(Clone, Copy)]
struct Bar<'a> {
    row: &'a Row,
    trip: Percentiles,
}

/// The figure, unless nothing was measured in two ways.
pub fn section(rows: &[Row]) -> Markup {
    let rows: Vec<&Row> = rows.iter().filter(|row| row.pace.is_none() && row.mechanism != Mechanism::Memcpy).collect();
    let sheets: Vec<(String, Markup)> =
        payloads(&rows, |row| row.trip.is_some()).into_iter().filter_map(|payload| sheet(&rows, payload)).collect();
    if sheets.is_empty() {
        return html! {};
    }
    html! {
        figure id="waiting" data-plot="waiting" {
            figcaption {
                h2 { "Spinning, adaptive, parked" }
                p { "Each bar goes from the median of a round trip or call to its 99th percentile, the thin line on to the 99.9th. \
                    Spinning takes a core, parking takes time; the dashed lines are what neither can beat." }
            }
            (tabs(&sheets))
        }
    }
}

/// The bars of one payload, with the bounds of all.
fn sheet(rows: &[&Row], payload: usize) -> Option<(String, Markup)> {
    let of_payload = |row: &&&Row| row.payload == payload || Subject::from(**row).rank() == Rank::Bound;
    let bars: Vec<Bar<'_>> = rows.iter().filter(of_payload).filter_map(|row| Bar::of(row)).collect();
    let mut modes: Vec<Mode> = [Mode::Spin, Mode::Adaptive, Mode::Park].into();
    modes.retain(|&mode| bars.iter().any(|bar| bar.row.mode == mode && !bar.is_bound()));
    let scale = Scale::around(bars.iter().flat_map(|bar| [bar.trip.p50, bar.trip.p999]))?.between(0.0, 100.0);
    (modes.len() > 1).then(|| (units::size(payload), groups(&bars, &modes, &scale)))
}

fn groups(bars: &[Bar<'_>], modes: &[Mode], scale: &Scale) -> Markup {
    let (ticks, bounds) = (scale.decades(units::time), bars.iter().filter(|bar| bar.is_bound()).collect::<Vec<_>>());
    html! {
        div class="ranges" {
            @for &mode in modes {
                h3 { (mode.word()) }
                @for bar in in_order(bars, mode) { (bar.line(scale, &ticks, &bounds)) }
            }
            div class="range scale" aria-hidden="true" {
                span class="name" {}
                span class="track" {
                    @for (value, text) in &ticks { span class=(tick_class(*value)) style=(at(scale.place(*value))) { (text) } }
                }
                span class="value" {}
            }
        }
    }
}

/// Those of a mode, the fastest first.
fn in_order<'a>(bars: &[Bar<'a>], mode: Mode) -> Vec<Bar<'a>> {
    let mut chosen: Vec<Bar<'a>> = bars.iter().copied().filter(|bar| bar.row.mode == mode).collect();
    chosen.sort_by(|one, other| one.trip.p50.total_cmp(&other.trip.p50));
    chosen
}

impl<'a> Bar<'a> {
    fn of(row: &'a Row) -> Option<Self> {
        // What took no time has no place on a logarithmic axis.
        let trip = row.trip.filter(|trip| trip.p50 > 0.0)?;
        Some(Self { row, trip })
    }

    fn subject(&self) -> Subject {
        self.row.into()
    }

    fn is_bound(&self) -> bool {
        self.subject().rank() == Rank::Bound
    }

    fn line(&self, scale: &Scale, ticks: &[Tick], bounds: &[&Bar<'_>]) -> Markup {
        let [p50, p99, p999] = [self.trip.p50, self.trip.p99, self.trip.p999];
        let said =
            format!("{}: median {}, 99 % {}, 99.9 % {}", self.subject().name(), time(p50), time(p99), time(p999));
        html! {
            div class={ "range series " (self.subject().class()) } data-series=(self.subject().key()) title=(said) {
                span class="name" { (self.subject().name()) }
                span class="track" {
                    @for (value, _) in ticks { i class="rule" style=(at(scale.place(*value))) {} }
                    @for bound in bounds { i class="limit" style=(at(scale.place(bound.trip.p50))) {} }
                    i class="whisker" style=(from_to(scale, p50, p999)) {}
                    i class="bar" style=(from_to(scale, p50, p99)) {}
                }
                span class="value" { (time(p50)) }
            }
        }
    }
}

fn time(nanos: f64) -> String {
    units::time(nanos)
}

/// Where there is little room, only powers of ten keep their numbers.
fn tick_class(value: f64) -> &'static str {
    let power = value.log10();
    if (power - power.round()).abs() < 1e-6 { "power" } else { "between" }
}

fn at(place: f64) -> String {
    format!("left:{place:.2}%")
}

fn from_to(scale: &Scale, from: f64, to: f64) -> String {
    let start = scale.place(from);
    format!("left:{start:.2}%;width:{:.2}%", scale.place(to) - start)
}
