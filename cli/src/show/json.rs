//! Rows as JSON: one object a line, always the same keys, null for what was not measured.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use crate::failure::{Context, Failure};
use crate::measure::plan::{Mechanism, Mode};
use crate::measure::summary::Row;

/// The keys, in order. Others may rely on them.
///
/// Of a call, `payload_bytes` is the length of its request and of its reply; `messages_per_s` counts calls, one after the
/// other, and `bytes_per_s` the bytes of their requests.
#[derive(Serialize)]
struct Line {
    mechanism: Mechanism,
    mode: Mode,
    payload_bytes: usize,
    p50_ns: Option<f64>,
    p99_ns: Option<f64>,
    p999_ns: Option<f64>,
    floor_p50_ns: Option<f64>,
    ratio: Option<f64>,
    messages_per_s: Option<f64>,
    bytes_per_s: Option<f64>,
}

impl From<&Row> for Line {
    fn from(row: &Row) -> Self {
        Self {
            mechanism: row.mechanism,
            mode: row.mode,
            payload_bytes: row.payload,
            p50_ns: row.trip.map(|trip| trip.p50),
            p99_ns: row.trip.map(|trip| trip.p99),
            p999_ns: row.trip.map(|trip| trip.p999),
            floor_p50_ns: row.floor,
            ratio: row.ratio().map(|ratio| (ratio * 1_000.0).round() / 1_000.0),
            messages_per_s: row.rate.map(f64::round),
            bytes_per_s: row.bytes_per_second().map(f64::round),
        }
    }
}

/// Prints a line for each row.
///
/// # Errors
///
/// If nobody reads it.
pub fn print(rows: &[Row]) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    for row in rows {
        serde_json::to_writer(&mut out, &Line::from(row))?;
        out.write_all(b"\n")?;
    }
    out.flush().while_doing(|| "could not write to standard output".to_owned())
}
