//! Rows as JSON: one object a line, always the same keys, null for what was not measured.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use crate::failure::{Context, Failure};
use crate::measure::plan::{Mechanism, Mode};
use crate::measure::summary::Row;

/// The keys, in order; of CSV the columns. Others may rely on them.
///
/// Of a call, `payload_bytes` is the length of its request and of its reply; `messages_per_s` counts calls, one after the
/// other, and `bytes_per_s` the bytes of their requests. With `offered_per_s` each message was due at a time of its own, from
/// which times count: round trips, or, if `p50_ns` is null, messages one way that nobody answered. `cpu_ns` and `system_calls`
/// are those of both processes for a round trip; `set_up_ns` and `memory_bytes` those of having the mechanism open.
#[derive(Serialize)]
pub(super) struct Line {
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
    p9999_ns: Option<f64>,
    offered_per_s: Option<u32>,
    one_way_p50_ns: Option<f64>,
    one_way_p99_ns: Option<f64>,
    one_way_p999_ns: Option<f64>,
    cpu_ns: Option<f64>,
    system_calls: Option<f64>,
    set_up_ns: Option<f64>,
    memory_bytes: Option<u64>,
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
            p9999_ns: row.trip.and_then(|trip| trip.p9999),
            offered_per_s: row.pace,
            one_way_p50_ns: row.one_way.map(|way| way.p50),
            one_way_p99_ns: row.one_way.map(|way| way.p99),
            one_way_p999_ns: row.one_way.map(|way| way.p999),
            cpu_ns: row.cpu.map(f64::round),
            system_calls: row.system_calls,
            set_up_ns: row.set_up,
            memory_bytes: row.memory,
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
