//! One plot: lines over two logarithmic axes, each named at its end.
//!
//! Written here, not by a plotting crate. A page that is dark, printed or small needs colours that style sheets choose, labels that
//! keep out of each other's way, and marks that a script finds; what such a crate draws has its colours in it, or brings a large
//! script of its own. What remains is a few lines of SVG.

use maud::{Markup, html};

use super::labels;
use super::scale::{Scale, Tick};
use super::subject::{Rank, Subject};

/// What is plotted.
#[derive(Clone, Debug)]
pub struct Chart {
    /// From left to right.
    pub x: Axis,
    /// From bottom to top.
    pub y: Axis,
    /// The lines, the last one above the others.
    pub lines: Vec<Line>,
}

/// A direction of a plot.
#[derive(Clone, Debug)]
pub struct Axis {
    /// What is measured along it.
    pub title: &'static str,
    /// Where values lie.
    pub scale: Scale,
    /// What is marked.
    pub ticks: Vec<Tick>,
}

/// A mechanism in a plot.
#[derive(Clone, Debug)]
pub struct Line {
    /// Which.
    pub subject: Subject,
    /// From left to right.
    pub points: Vec<Point>,
    /// Whether it goes all the way at the height of its only point.
    pub flat: bool,
}

/// A value of a line.
#[derive(Clone, Debug)]
pub struct Point {
    /// Along the first axis.
    pub x: f64,
    /// Along the second.
    pub y: f64,
    /// What a reader is told who points at it; without it the line passes here unmarked.
    pub said: Option<String>,
}

/// The paper that a plot is drawn on, in pixels.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// The class that says on which screens it is shown.
    class: &'static str,
    width: f64,
    height: f64,
    /// What the labels at the ends of lines take.
    label: f64,
}

/// A page's whole width.
pub const FULL: Frame = Frame { class: "wide", width: 1040.0, height: 470.0, label: 226.0 };
/// Half of it.
pub const HALF: Frame = Frame { class: "wide", width: 506.0, height: 360.0, label: 148.0 };
/// A phone.
pub const NARROW: Frame = Frame { class: "narrow", width: 380.0, height: 410.0, label: 164.0 };

/// What stands above the plot: the second axis's title.
const TOP: f64 = 34.0;
/// What stands left of it: that axis's numbers.
const LEFT: f64 = 66.0;
/// What stands below it: the first axis's.
const BOTTOM: f64 = 44.0;
/// How wide a character of a number is, at most.
const DIGIT: f64 = 7.0;
/// From one label to the next.
const LEADING: f64 = 15.0;
/// From the plot to its labels.
const GUTTER: f64 = 20.0;

impl Frame {
    /// As high as it takes for so many labels.
    fn with_room_for(mut self, labels: usize) -> Self {
        self.height = self.height.max(TOP + BOTTOM + LEADING * labels as f64);
        self
    }

    fn right(self) -> f64 {
        self.width - self.label
    }

    fn bottom(self) -> f64 {
        self.height - BOTTOM
    }

    fn name(self, subject: Subject) -> String {
        if self.width < FULL.width { subject.short_name() } else { subject.name() }
    }
}

impl Chart {
    /// The plot on that paper.
    pub fn svg(&self, frame: Frame) -> Markup {
        let frame = frame.with_room_for(self.lines.len());
        let plot = Plot {
            frame,
            x: self.x.scale.clone().between(LEFT, frame.right()),
            y: self.y.scale.clone().between(frame.bottom(), TOP),
        };
        let ends: Vec<f64> = self.lines.iter().map(|line| plot.end(line).1).collect();
        let labels = labels::spread(&ends, LEADING, (TOP, frame.bottom()));
        html! {
            svg class=(frame.class) viewBox={ "0 0 " (frame.width) " " (frame.height) } role="img"
                aria-label={ (self.y.title) " by " (self.x.title) } {
                (plot.axes(self))
                @for (line, &label) in self.lines.iter().zip(&labels) { (plot.line(line, label)) }
            }
        }
    }
}

/// A chart on its way to paper.
struct Plot {
    frame: Frame,
    x: Scale,
    y: Scale,
}

impl Plot {
    fn axes(&self, chart: &Chart) -> Markup {
        let (right, bottom) = (self.frame.right(), self.frame.bottom());
        html! {
            g class="axes" {
                @for (value, text) in &chart.y.ticks {
                    @let y = pixel(self.y.place(*value));
                    line x1=(LEFT) x2=(right) y1=(y) y2=(y) {}
                    text class="number" x=(LEFT - 10.0) y=(y) dy="0.35em" text-anchor="end" { (text) }
                }
                @for (x, text) in self.legible(&chart.x.ticks) {
                    @let x = pixel(x);
                    line class="tick" x1=(x) x2=(x) y1=(bottom) y2=(bottom + 5.0) {}
                    text class="number" x=(x) y=(bottom + 20.0) text-anchor="middle" { (text) }
                }
                line class="base" x1=(LEFT) x2=(right) y1=(bottom) y2=(bottom) {}
                text class="axis" x="4" y="14" { (chart.y.title) }
                text class="axis" x=(right) y=(bottom + 38.0) text-anchor="end" { (chart.x.title) }
            }
        }
    }

    /// Those marks of the first axis whose texts do not touch, from the last one on: there lies what is rare.
    fn legible<'a>(&self, ticks: &'a [Tick]) -> Vec<(f64, &'a str)> {
        let mut free = f64::INFINITY;
        let mut kept = Vec::new();
        for (value, text) in ticks.iter().rev() {
            let (x, half) = (self.x.place(*value), text.chars().count() as f64 * DIGIT / 2.0);
            if x + half < free {
                kept.push((x, text.as_str()));
                free = x - half - DIGIT;
            }
        }
        kept
    }

    /// The line, its points, and its name, which is joined to its end.
    fn line(&self, line: &Line, label: f64) -> Markup {
        let (x, y) = self.end(line);
        let name = self.frame.right() + GUTTER;
        html! {
            g class={ "series " (line.subject.class()) } data-series=(line.subject.key()) {
                path class="line" d=(self.path(line)) {}
                path class=(if self.frame.right() - x > GUTTER { "far leader" } else { "leader" }) d={ "M" (pixel(x)) " " (pixel(y)) "L" (name - 14.0) " " (pixel(label)) "H" (name - 4.0) } {}
                @for point in &line.points {
                    @if let Some(said) = &point.said { (self.mark(line.subject, point, said)) }
                }
                text class="label" x=(name) y=(pixel(label)) dy="0.35em" { (self.frame.name(line.subject)) }
            }
        }
    }

    fn mark(&self, subject: Subject, point: &Point, said: &str) -> Markup {
        let radius = match subject.rank() {
            Rank::Ours => 3.5,
            Rank::Other => 3.0,
            Rank::Bound => 2.0,
        };
        let (x, y) = (self.x.place(point.x), self.y.place(point.y));
        html! {
            path class="mark" d=(subject.shape().outline(x, y, radius)) data-x=(pixel(x)) data-y=(pixel(y)) { title { (said) } }
        }
    }

    fn path(&self, line: &Line) -> String {
        if line.flat {
            let y = line.points.first().map_or(self.frame.bottom(), |point| self.y.place(point.y));
            return format!("M{LEFT} {y:.1}H{}", self.frame.right());
        }
        let mut path = String::new();
        let mut before = None;
        for point in &line.points {
            let at = (self.x.place(point.x), self.y.place(point.y));
            // A curve has more points than pixels.
            if before.is_none_or(|before| apart(before, at)) || point.said.is_some() {
                let verb = if before.is_none() { 'M' } else { 'L' };
                path.push_str(&format!("{verb}{:.1} {:.1}", at.0, at.1));
                before = Some(at);
            }
        }
        path
    }

    /// Where a line ends: a flat one at the plot's.
    fn end(&self, line: &Line) -> (f64, f64) {
        let last = line.points.last().map(|point| (self.x.place(point.x), self.y.place(point.y)));
        let (x, y) = last.unwrap_or((self.frame.right(), self.frame.bottom()));
        if line.flat { (self.frame.right(), y) } else { (x, y) }
    }
}

fn apart(one: (f64, f64), other: (f64, f64)) -> bool {
    (one.0 - other.0).abs() + (one.1 - other.1).abs() > 0.7
}

/// A place on paper: a tenth of a pixel is enough.
fn pixel(place: f64) -> String {
    format!("{place:.1}")
}
