//! Which rows make which plots. What has no data makes none.

use std::collections::BTreeSet;

use super::chart::{Axis, Chart, Line, Point};
use super::scale::{self, Scale};
use super::subject::{Rank, Subject};
use crate::measure::plan::Mechanism;
use crate::measure::summary::{Percentiles, Row};
use crate::show::units;

/// Plots that belong together.
pub struct Figure {
    /// One word.
    pub id: &'static str,
    /// What is shown.
    pub title: &'static str,
    /// How it is to be read.
    pub caption: &'static str,
    /// One of these is looked at at a time: what it is called, and its plots.
    pub sheets: Vec<(String, Vec<Chart>)>,
}

/// Everything that there are data for, in the order of the page.
pub fn of(rows: &[Row]) -> Vec<Figure> {
    let back_to_back: Vec<&Row> = rows.iter().filter(|row| row.pace.is_none()).collect();
    let (called, sent): (Vec<&Row>, Vec<&Row>) = back_to_back.into_iter().partition(|row| row.mechanism.is_called());
    let bounds = sent.iter().copied().filter(|row| Subject::from(*row).rank() == Rank::Bound);
    let called: Vec<&Row> = bounds.chain(called).collect();
    let figures = [
        latency(("latency-messages", "Round trip of a message", TRIP), "time of a round trip", &sent),
        latency(("latency-calls", "A call and its reply", CALL), "time of a call", &called),
        curves(("percentiles-messages", "How often a round trip takes how long"), "part of all round trips", &sent),
        curves(("percentiles-calls", "How often a call takes how long"), "part of all calls", &called),
        throughput(&sent),
        pace(rows),
    ];
    figures.into_iter().filter(|figure| !figure.sheets.is_empty()).collect()
}

const TRIP: &str = "Median over rounds: send, the peer’s receive and reply, receive, every byte compared. One message is on \
    its way at a time. The floor is eight bytes stored and polled each way. A click on a name hides its line.";

const CALL: &str = "Median over rounds: request, the peer’s handler, reply. Shared calls are by the session that many threads \
    may use.";

const CURVE: &str =
    "All rounds together. To the right of 99 % lies what one trip in a hundred exceeds, and so on by tens.";

const FLOW: &str = "One way, as many as go through: payloads copied in by the sender and out by the receiver.";

const PACE: &str = "Each message is due at a time of its own, and what is late counts from then. Who is seldom woken has slept \
    deeper. One way at a rate without a round trip: messages that nobody answers.";

/// One word, what is shown, and how it is to be read.
type Heading = (&'static str, &'static str, &'static str);

/// What a plot shows from bottom to top, and how that reads.
type Measure = (&'static str, fn(f64) -> String);

/// Medians against payloads.
fn latency((id, title, caption): Heading, y: &'static str, rows: &[&Row]) -> Figure {
    let rows: Vec<&Row> = rows.iter().copied().filter(|row| row.mechanism != Mechanism::Memcpy).collect();
    let value = |row: &Row| row.trip.map(|trip| trip.p50);
    let said = |row: &Row| row.trip.map_or(String::new(), |trip| trip_said(row, trip));
    let chart = by_payload((y, units::time), &rows, value, said);
    Figure { id, title, caption, sheets: sheets([(String::new(), chart)]) }
}

fn trip_said(row: &Row, trip: Percentiles) -> String {
    let [p50, p99] = [trip.p50, trip.p99].map(units::time);
    format!("{}, {}: {p50}, p99 {p99}", Subject::from(row).name(), units::size(row.payload))
}

/// Messages and bytes a second against payloads.
fn throughput(rows: &[&Row]) -> Figure {
    let streams: Vec<&Row> = rows.iter().copied().filter(|row| row.mechanism != Mechanism::Memcpy).collect();
    let told = |row: &Row, text: String| format!("{}, {}: {text}", Subject::from(row).name(), units::size(row.payload));
    let messages = by_payload(
        ("messages a second", units::rate),
        &streams,
        |row| row.rate,
        |row| told(row, units::rate(row.rate.unwrap_or_default())),
    );
    let bytes = by_payload(("bytes a second", units::throughput), rows, Row::bytes_per_second, |row| {
        told(row, units::throughput(row.bytes_per_second().unwrap_or_default()))
    });
    let charts = messages.into_iter().chain(bytes).collect::<Vec<_>>();
    let sheets = if charts.is_empty() { Vec::new() } else { vec![(String::new(), charts)] };
    Figure { id: "throughput", title: "Streams", caption: FLOW, sheets }
}

/// A plot against payloads: what is measured and how it reads; which value of a row, and what is said of it. `None` if only bounds have any.
fn by_payload(
    measure: Measure,
    rows: &[&Row],
    value: impl Fn(&Row) -> Option<f64>,
    said: impl Fn(&Row) -> String,
) -> Option<Chart> {
    let point = |row: &Row| Some(Point { x: row.payload as f64, y: value(row)?, said: Some(said(row)) });
    let lines = lines(rows, |row| point(row).into_iter().collect());
    let x = Scale::of(across(&lines))?;
    let ticks = x.payloads();
    chart(Axis { title: "payload", scale: x, ticks }, measure, lines)
}

/// The distributions, a sheet for each payload.
fn curves((id, title): (&'static str, &'static str), x: &'static str, rows: &[&Row]) -> Figure {
    let plots = payloads(rows, |row| !row.curve.is_empty()).into_iter().map(|payload| {
        let shown = |row: &&&Row| row.payload == payload || Subject::from(**row).rank() == Rank::Bound;
        let rows: Vec<&Row> = rows.iter().filter(shown).copied().collect();
        (units::size(payload), curve_chart(x, &rows))
    });
    Figure { id, title, caption: CURVE, sheets: sheets(plots) }
}

fn curve_chart(title: &'static str, rows: &[&Row]) -> Option<Chart> {
    // A bound's whole curve would be one more among many: its median is what the others are held against.
    let drawn = |row: &Row| match Subject::from(row).rank() {
        Rank::Bound => bound_point(row).into_iter().collect(),
        _ => curve_points(row),
    };
    let rows: Vec<&Row> = rows.iter().copied().filter(|row| row.mechanism != Mechanism::Memcpy).collect();
    let lines = lines(&rows, drawn);
    let x = Scale::of(across(&lines).chain([1.0]))?;
    let ticks = x.keep(scale::quantiles());
    chart(Axis { title, scale: x, ticks }, ("time", units::time), lines)
}

fn bound_point(row: &Row) -> Option<Point> {
    let trip = row.trip?;
    let said = format!("{}, median: {}", Subject::from(row).name(), units::time(trip.p50));
    Some(Point { x: 1.0, y: trip.p50, said: Some(said) })
}

/// Rising parts and what they did not exceed, as what they leave: the last part leaves nothing, and is drawn where it began.
fn curve_points(row: &Row) -> Vec<Point> {
    let name = Subject::from(row).name();
    let marks: Vec<f64> = scale::quantiles().into_iter().skip(1).map(|(left, _)| left).collect();
    let mut points: Vec<Point> = Vec::new();
    for &(part, nanos) in row.curve.iter().filter(|(part, nanos)| *part < 1.0 && *nanos > 0.0) {
        let left = 1.0 / (1.0 - part);
        let before = points.last().map_or(0.0, |point| point.x);
        let marked = marks.iter().any(|&mark| before < mark * 0.999 && left >= mark * 0.999);
        let said = marked.then(|| format!("{name}: {} % within {}", percent(part), units::time(nanos)));
        points.push(Point { x: left, y: nanos, said });
    }
    points
}

/// `50`, `99`, `99.9`: as many digits as tell it from all.
fn percent(part: f64) -> String {
    // What was computed in logarithms may miss a whole number by a bit.
    let nines = -(1.0 - part).log10() - 1e-6;
    let digits = (nines - 2.0).ceil().clamp(0.0, 6.0) as usize;
    format!("{:.digits$}", part * 100.0)
}

/// Latencies against the rate that was offered, a sheet for each payload of messages and of calls.
fn pace(rows: &[Row]) -> Figure {
    let paced = rows.iter().filter(|row| row.pace.is_some());
    let (called, sent): (Vec<&Row>, Vec<&Row>) = paced.partition(|row| row.mechanism.is_called());
    let sheets = pace_sheets("messages", &sent).into_iter().chain(pace_sheets("calls", &called)).collect();
    Figure { id: "pace", title: "At a fixed rate", caption: PACE, sheets }
}

fn pace_sheets(kind: &str, rows: &[&Row]) -> Vec<(String, Vec<Chart>)> {
    let sheet = |payload| {
        let rows: Vec<&Row> = rows.iter().copied().filter(|row| row.payload == payload).collect();
        (format!("{kind}, {}", units::size(payload)), pace_charts(&rows))
    };
    payloads(rows, |_| true).into_iter().map(sheet).filter(|(_, charts)| !charts.is_empty()).collect()
}

type Part = fn(&Row) -> Option<f64>;

fn pace_charts(rows: &[&Row]) -> Vec<Chart> {
    let parts: [(&str, Part); 4] = [
        ("one way, median", |row| row.one_way.map(|way| way.p50)),
        ("one way, 99 %", |row| row.one_way.map(|way| way.p99)),
        ("round trip, median", |row| row.trip.map(|trip| trip.p50)),
        ("round trip, 99 %", |row| row.trip.map(|trip| trip.p99)),
    ];
    parts.into_iter().filter_map(|(y, part)| pace_chart(y, rows, part)).collect()
}

fn pace_chart(y: &'static str, rows: &[&Row], part: Part) -> Option<Chart> {
    let point = |row: &Row| {
        let (pace, nanos) = (row.pace?, part(row)?);
        let said = format!("{}, {}: {}", Subject::from(row).name(), units::pace(pace), units::time(nanos));
        Some(Point { x: pace.into(), y: nanos, said: Some(said) })
    };
    let lines = lines(rows, |row| point(row).into_iter().collect());
    let x = Scale::of(across(&lines))?;
    let mut paces: Vec<u32> = rows.iter().filter_map(|row| row.pace).collect();
    paces.sort_unstable();
    paces.dedup();
    let ticks = x.keep(paces.into_iter().map(|pace| (pace.into(), units::pace(pace))).collect());
    chart(Axis { title: "messages offered", scale: x, ticks }, (y, units::time), lines)
}

/// A line of each subject that has points, ours above the others and those above the bounds.
fn lines(rows: &[&Row], points: impl Fn(&Row) -> Vec<Point>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for row in rows {
        let subject = Subject::from(*row);
        let more = points(row).into_iter().filter(|point| point.y > 0.0 && point.y.is_finite());
        match lines.iter_mut().find(|line| line.subject == subject) {
            Some(line) => line.points.extend(more),
            None => lines.push(Line { subject, points: more.collect(), flat: false }),
        }
    }
    lines.retain(|line| !line.points.is_empty());
    for line in &mut lines {
        // What bounds everything is measured once, and drawn all the way.
        line.flat = line.subject.rank() == Rank::Bound && line.points.len() == 1;
        line.points.sort_by(|one, other| one.x.total_cmp(&other.x));
    }
    lines.sort_by_key(|line| {
        [Rank::Bound, Rank::Other, Rank::Ours].iter().position(|&rank| rank == line.subject.rank())
    });
    lines
}

/// The lines over those axes, unless there are none but bounds.
fn chart(x: Axis, (title, read): Measure, lines: Vec<Line>) -> Option<Chart> {
    let scale = Scale::around(lines.iter().flat_map(|line| &line.points).map(|point| point.y))?;
    let ticks = scale.decades(read);
    let says_anything = lines.iter().any(|line| line.subject.rank() != Rank::Bound);
    says_anything.then_some(Chart { x, y: Axis { title, scale, ticks }, lines })
}

/// Where the points of all lines lie along the first axis, but for those that go all the way.
fn across(lines: &[Line]) -> impl Iterator<Item = f64> {
    lines.iter().filter(|line| !line.flat).flat_map(|line| &line.points).map(|point| point.x)
}

/// The payloads of what is no bound and has what is wanted, from the smallest.
pub fn payloads(rows: &[&Row], wanted: impl Fn(&Row) -> bool) -> BTreeSet<usize> {
    let counted = rows.iter().filter(|row| Subject::from(**row).rank() != Rank::Bound && wanted(row));
    counted.map(|row| row.payload).collect()
}

fn sheets(charts: impl IntoIterator<Item = (String, Option<Chart>)>) -> Vec<(String, Vec<Chart>)> {
    charts.into_iter().filter_map(|(name, chart)| Some((name, vec![chart?]))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_as_many_digits_as_it_needs() {
        let parts = [0.5, 0.9, 0.99, 0.999, 0.999_9, 0.999_12].map(percent);
        assert_eq!(parts, ["50", "90", "99", "99.9", "99.99", "99.91"]);
    }
}
