//! Showing what was measured.

pub mod costs;
pub mod csv;
pub mod file;
pub mod html;
pub mod json;
pub mod notes;
pub mod progress;
pub mod table;
pub mod units;

use std::io::Write;

use crate::failure::{Context, Failure};

/// Prints to standard output.
///
/// # Errors
///
/// If nobody reads it.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .while_doing(|| "could not write to standard output".to_owned())
}
