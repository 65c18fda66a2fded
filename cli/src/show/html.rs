//! A run as one page that needs nothing but itself: no network, no other file, and no script to be read.

pub mod chart;
pub mod labels;
pub mod scale;
pub mod subject;

mod costs;
mod figures;
mod rows;
mod summary;
mod waiting;

use std::time::SystemTime;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::bench::Report;
use crate::show::notes;
use chart::{Chart, FULL, HALF, NARROW};
use figures::Figure;

const STYLE: &str = include_str!("html/style.css");

/// What shows values, hides lines and sorts the table; the page can be read without it.
const SCRIPT: &str = include_str!("html/script.js");

/// A browser that is asked for more than the page has refuses.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/// The page of a run that ended at `ended`.
pub fn page(report: &Report, ended: SystemTime) -> String {
    let figures = figures::of(&report.rows);
    let (paced, others): (Vec<&Figure>, Vec<&Figure>) = figures.iter().partition(|figure| figure.id == "pace");
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head())
            body {
                (title(report, ended))
                main {
                    (summary::section(report))
                    @for one in others { (figure(one)) }
                    (waiting::section(&report.rows))
                    @for one in paced { (figure(one)) }
                    (costs::section(&report.rows))
                    (rows::section(&report.rows))
                }
                div id="tip" role="status" hidden {}
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

fn head() -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(POLICY);
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { "twinring bench" }
            style { (PreEscaped(STYLE)) }
        }
    }
}

/// What it is, when and where it was measured.
fn title(report: &Report, ended: SystemTime) -> Markup {
    let when = humantime::format_rfc3339_seconds(ended).to_string().replace('T', " ").replace('Z', " UTC");
    html! {
        header {
            p class="brand" { b { "twinring" } " bench · version " (env!("CARGO_PKG_VERSION")) }
            h1 { "Two processes, messages through shared memory" }
            p class="when" { "Measured on " time { (when) } }
            ul class="notes" { @for note in notes::of(report) { li { (note) } } }
        }
    }
}

fn figure(figure: &Figure) -> Markup {
    let sheets: Vec<(String, Markup)> =
        figure.sheets.iter().map(|(name, charts)| (name.clone(), sheet(charts))).collect();
    html! {
        figure id=(figure.id) data-plot=(figure.id) {
            figcaption { h2 { (figure.title) } p { (figure.caption) } }
            (tabs(&sheets))
        }
    }
}

/// One plot over the whole width, or several side by side.
fn sheet(charts: &[Chart]) -> Markup {
    let frame = if charts.len() > 1 { HALF } else { FULL };
    html! {
        div class="plots" {
            @for chart in charts {
                div class="plot" {
                    (chart.svg(frame))
                    (chart.svg(NARROW))
                }
            }
        }
    }
}

/// Sheets of which the script shows one at a time; without it they stand below each other.
fn tabs(sheets: &[(String, Markup)]) -> Markup {
    html! {
        div class="tabs" {
            @for (name, sheet) in sheets {
                section data-tab=(name) { @if sheets.len() > 1 { h3 class="tab" { (name) } } (sheet) }
            }
        }
    }
}
