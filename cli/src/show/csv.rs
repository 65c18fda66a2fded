//! Rows as CSV: a line of column names, which are the keys of JSON, and a line for each row; empty for what was not measured.

use std::io;

use csv::Writer;

use super::json::Line;
use crate::failure::{Context, Failure};
use crate::measure::summary::Row;

/// Prints the names and the rows.
///
/// # Errors
///
/// If nobody reads them.
pub fn print(rows: &[Row]) -> Result<(), Failure> {
    write(rows, io::stdout().lock()).while_doing(|| "could not write to standard output".to_owned())
}

fn write(rows: &[Row], to: impl io::Write) -> csv::Result<()> {
    let mut out = Writer::from_writer(to);
    rows.iter().try_for_each(|row| out.serialize(Line::from(row)))?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use csv::Reader;
    use serde_json::Value;

    use super::*;
    use crate::measure::plan::{Mechanism, Mode};
    use crate::measure::summary::Percentiles;

    #[test]
    fn a_cell_is_the_value_of_its_key_and_empty_for_null() {
        let trip = Percentiles { p50: 291.5, p99: 340.0, p999: 1_000.0, p9999: None, spread: Some(0.03) };
        let nothing = Row::unmeasured(Mechanism::MqSysv, Mode::Park, 65_536);
        let known = Row { trip: Some(trip), floor: Some(277.0), rate: Some(54e6), ..nothing.clone() };
        let mut written = Vec::new();
        write(&[known.clone(), nothing.clone()], &mut written).unwrap();
        let mut reader = Reader::from_reader(written.as_slice());
        let names = reader.headers().unwrap().clone();
        let records: Vec<_> = reader.records().map(Result::unwrap).collect();
        for (row, record) in [known, nothing].iter().zip(&records) {
            let json: Value = serde_json::to_value(Line::from(row)).unwrap();
            assert_eq!(names.len(), json.as_object().unwrap().len());
            for (name, cell) in names.iter().zip(record) {
                let expected = json[name].as_str().map_or(json[name].to_string(), str::to_owned);
                assert_eq!(cell, if expected == "null" { "" } else { &expected }, "{name}");
            }
        }
        assert_eq!(records.len(), 2);
    }
}
