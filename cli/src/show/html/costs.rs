//! What each mechanism costs besides time: a table with a bar in each cell.

use maud::{Markup, html};

use super::subject::Subject;
use crate::measure::summary::Row;
use crate::show::costs::{self, Cost};
use crate::show::units;

/// A kind of cost: its title, its value, and how that reads.
type Kind = (&'static str, fn(&Cost) -> Option<f64>, fn(f64) -> String);

const KINDS: [Kind; 4] = [
    ("processor time a trip", |cost| cost.cpu, units::time),
    ("system calls a trip", |cost| cost.system_calls, units::count),
    ("memory", |cost| cost.memory.map(|bytes| bytes as f64), |bytes| units::memory(bytes as u64)),
    ("set-up", |cost| cost.set_up, units::time),
];

/// The table, unless no cost is known.
pub fn section(rows: &[Row]) -> Markup {
    let costs = costs::of(rows);
    let known = |kind: &Kind| costs.iter().any(|cost| kind.1(cost).is_some());
    let kinds: Vec<(Kind, f64)> = KINDS.into_iter().filter(known).map(|kind| (kind, most(&costs, kind))).collect();
    if kinds.is_empty() {
        return html! {};
    }
    html! {
        figure id="costs" data-plot="costs" {
            figcaption {
                h2 { "What it costs" }
                p { "Of both processes together. Time and system calls are those of a round trip with the payload named; memory is \
                    what the processes hold for it, without what the kernel keeps; set-up is the time from the wish to talk \
                    until both sides could." }
            }
            div class="scroll" {
                table class="costs" {
                    thead { tr { th scope="col" {} th scope="col" { "payload" } @for ((title, ..), _) in &kinds { th scope="col" { (title) } } } }
                    tbody { @for cost in &costs { (line(cost, &kinds)) } }
                }
            }
        }
    }
}

fn most(costs: &[Cost], (_, value, _): Kind) -> f64 {
    costs.iter().filter_map(value).fold(0.0, f64::max)
}

fn line(cost: &Cost, kinds: &[(Kind, f64)]) -> Markup {
    let subject = Subject::new(cost.mechanism, cost.mode);
    html! {
        tr class={ "series " (subject.class()) } data-series=(subject.key()) {
            th scope="row" { (subject.name()) }
            td { (cost.payload.map(units::size).unwrap_or_default()) }
            @for ((_, value, read), most) in kinds {
                td {
                    @if let Some(value) = value(cost) {
                        (read(value)) i class="meter" { i style={ "width:" (format!("{:.1}", part(value, *most))) "%" } {} }
                    }
                }
            }
        }
    }
}

/// How much of the most, in percent.
fn part(value: f64, most: f64) -> f64 {
    if most > 0.0 { value / most * 100.0 } else { 0.0 }
}
