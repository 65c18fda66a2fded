//! `twinring ping`: measures round trips to an echo that somebody else started, or calls.

use std::time::Instant;

use hdrhistogram::Histogram;
use twinring::{LocalSession, Options, SessionOptions};

use crate::args::Ping;
use crate::cores::{self, Side};
use crate::failure::{Context, Failure};
use crate::measure::carrier::Asked;
use crate::measure::clock::{Clock, histogram};
use crate::measure::ours::Ends;
use crate::measure::plan::Mode;
use crate::measure::trips;
use crate::show::{self, units};
use crate::talk::who;

/// Trips that are not recorded, so that every page has been touched and every wait has learned.
const WARM_UP: u64 = 1_000;

/// Measures and prints.
///
/// # Errors
///
/// If there is no echo, the core may not be used, or an answer is not what was asked.
pub fn run(ping: &Ping) -> Result<(), Failure> {
    let core = cores::take_one(ping.core, Side::Asking, ping.wait == Mode::Spin)?;
    let connection = Options::new()
        .wait(ping.wait.strategy())
        .transport(ping.transport.transport())
        .connect(ping.name.as_str(), ping.timeout.0)
        .while_doing(|| format!("could not connect to {}", ping.name))?;
    let (peer, carrier) = (who(connection.peer()), connection.transport());
    let (recorded, rate) = if ping.call {
        measure(&mut LocalSession::new(connection, &SessionOptions::new().record_latency(ping.monitor), ()), ping)?
    } else {
        measure(&mut Ends::new(connection), ping)?
    };
    let (size, count, waits) = (units::size(ping.size.0), ping.count, ping.wait.word());
    let place = cores::whereabouts(core);
    let trips = if ping.call { "calls" } else { "round trips" };
    let heading = format!(
        "{count} {trips} of {size} over {carrier} to {peer}, {waits} on this side{place}; every byte came back\n"
    );
    show::print(&format!("{heading}{}\n{}, one after the other\n", percentiles(&recorded), units::rate(rate)))
}

/// The histogram, and round trips per second.
fn measure(other: &mut impl Asked, ping: &Ping) -> Result<(Histogram<u64>, f64), Failure> {
    let clock = Clock::calibrated();
    let mut recorded = histogram();
    let mut asker = trips::Asker::new(ping.size.0, clock);
    for number in 0..WARM_UP.min(ping.count) {
        asker.ask(other, number)?;
    }
    let started = Instant::now();
    for number in 0..ping.count {
        recorded.saturating_record(asker.ask(other, number)?.nanos);
    }
    Ok((recorded, ping.count as f64 / started.elapsed().as_secs_f64()))
}

const QUANTILES: [(&str, f64); 7] =
    [("min", 0.0), ("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("p99.99", 0.9999), ("max", 1.0)];

fn percentiles(recorded: &Histogram<u64>) -> String {
    let names: String = QUANTILES.iter().map(|(name, _)| format!("{name:>10}")).collect();
    let value = |quantile: f64| units::time(recorded.value_at_quantile(quantile) as f64);
    let values: String = QUANTILES.iter().map(|&(_, quantile)| format!("{:>10}", value(quantile))).collect();
    format!("{names}\n{values}")
}
