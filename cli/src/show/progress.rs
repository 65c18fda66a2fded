//! Progress, on a terminal only. It is drawn between rounds, never while one is measured: drawing takes a core.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::measure::rounds::Step;

/// A bar on standard error.
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar, hidden if standard error is no terminal.
    pub fn begun() -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{bar:32} {pos:>3}/{len} {msg}").ok();
        bar.set_style(style.unwrap_or_else(ProgressStyle::default_bar).progress_chars("━╸─"));
        Self(bar)
    }

    /// Shows which round comes next.
    pub fn show(&self, step: Step) {
        let subject = super::table::name(step.subject.mechanism, step.subject.mode);
        let again = if step.again { ", again: the floor moved" } else { "" };
        self.0.set_length(step.total as u64);
        self.0.set_position(step.done as u64);
        self.0.set_message(format!("{subject}{again}"));
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}
