//! A report that nobody measured, with everything that a page can show.

use std::time::Duration;

use twinring_cli::bench::Report;
use twinring_cli::cores::Placement;
use twinring_cli::measure::plan::{CALL_SIZES, Mechanism, Mode, PACED_SIZE, Plan, SIZES};
use twinring_cli::measure::rivals::Brought;
use twinring_cli::measure::rounds::{Measured, Refusal};
use twinring_cli::measure::summary::{Percentiles, Row};

use Mechanism::*;
use Mode::{Adaptive, Park, Spin};

/// Who carries messages: the round trip of 8 bytes in nanoseconds, messages a second, the largest payload.
const CARRIERS: [(Mechanism, Mode, f64, f64, usize); 18] = [
    (Twinring, Spin, 291.0, 54e6, 65_536),
    (Twinring, Adaptive, 334.0, 42e6, 65_536),
    (Twinring, Park, 11_900.0, 31e6, 65_536),
    (RtrbThreads, Spin, 657.0, 9.4e6, 65_536),
    (Iceoryx2, Spin, 1_100.0, 7.2e6, 65_536),
    (Iceoryx2, Park, 18_400.0, 0.5e6, 65_536),
    (Tachyon, Spin, 510.0, 11e6, 65_536),
    (Tachyon, Park, 12_900.0, 10e6, 65_536),
    (Ringfire, Spin, 350.0, 12e6, 4_096),
    (Ringfire, Park, 14_800.0, 9.8e6, 4_096),
    (Pipe, Park, 12_400.0, 1.1e6, 65_536),
    (UnixStream, Park, 13_900.0, 0.8e6, 65_536),
    (UnixSeqpacket, Park, 16_100.0, 0.7e6, 65_536),
    (Tcp, Park, 21_300.0, 0.6e6, 65_536),
    (MqPosix, Park, 13_300.0, 0.9e6, 8_192),
    (MqSysv, Park, 13_100.0, 1.0e6, 8_192),
    (Eventfd, Park, 12_100.0, 1.3e6, 65_536),
    (Signal, Park, 15_500.0, 0.0, 8),
];

/// Who is called: the time of a call of 8 bytes.
const CALLED: [(Mechanism, Mode, f64); 11] = [
    (TwinringCall, Spin, 318.0),
    (TwinringCall, Adaptive, 362.0),
    (TwinringCall, Park, 12_600.0),
    (TwinringCallShared, Spin, 452.0),
    (TwinringCallShared, Adaptive, 497.0),
    (TwinringCallShared, Park, 14_200.0),
    (SemaphoreSysv, Park, 93_400.0),
    (SemaphorePosix, Park, 37_800.0),
    (Iceoryx2Call, Spin, 1_700.0),
    (Iceoryx2Call, Park, 24_100.0),
    (Libqb, Park, 15_900.0),
];

const BOUNDS: [(Mechanism, Mode, usize, f64); 3] =
    [(Floor, Spin, 8, 277.0), (Futex, Park, 8, 11_200.0), (Memcpy, Spin, 65_536, 3_600.0)];

const RATES: [u32; 4] = [1, 100, 1_000, 10_000];

const LOAD: u32 = 100_000;

/// All of it.
pub fn report() -> Report {
    let rows = [bounds(), messages(), calls(), paced()].concat();
    Report { plan: plan(), placement: placement(), measured: measured(), rows }
}

fn plan() -> Plan {
    Plan {
        rounds: 7,
        cell: Duration::from_millis(60),
        sizes: SIZES.to_vec(),
        call_sizes: CALL_SIZES.to_vec(),
        paced_sizes: vec![PACED_SIZE],
        rates: RATES.to_vec(),
        loads: vec![LOAD],
        modes: vec![Spin, Adaptive, Park],
        baselines: true,
        shared_calls: true,
        tour: true,
        rivals: true,
        brought: Brought::default(),
        only: Vec::new(),
        system_calls: true,
        huge_pages: false,
    }
}

fn placement() -> Placement {
    let notes = vec!["a note with <b>marks</b> & \"quotes\" is text".to_owned()];
    Placement { pinned: Some((0, 1)), usable: 2, notes }
}

fn measured() -> Measured {
    let why = "a message has 8192 bytes at most".to_owned();
    let refusals = vec![Refusal { mechanism: MqSysv, size: 65_536, why }];
    Measured { floor: Some(277.0), clock_cost: 18, repeated: 2, refusals, ..Measured::default() }
}

/// A row of which nothing is known.
pub fn row(mechanism: Mechanism, mode: Mode, payload: usize) -> Row {
    Row {
        mechanism,
        mode,
        payload,
        trip: None,
        floor: Some(277.0),
        rate: None,
        rate_spread: None,
        pace: None,
        one_way: None,
        curve: Vec::new(),
        cpu: None,
        system_calls: None,
        set_up: None,
        memory: None,
    }
}

/// A distribution with a tail that is longer the more the kernel has a hand in it.
fn percentiles(p50: f64) -> Percentiles {
    let tail = if p50 < 2_000.0 { 1.25 } else { 1.7 };
    let [p99, p999, p9999] = [1.0, 2.5, 6.0].map(|more| p50 * (1.0 + (tail - 1.0) * more));
    Percentiles { p50, p99, p999, p9999: Some(p9999), spread: Some(0.034) }
}

fn curve(p50: f64) -> Vec<(f64, f64)> {
    let left = (0..=50).map(|step| 10f64.powf(-f64::from(step) / 10.0));
    let steep = if p50 < 2_000.0 { 0.12 } else { 0.34 };
    let nanos = |left: f64| p50 * (0.94 + steep * (1.0 / left).log10().powf(1.4));
    let mut curve: Vec<(f64, f64)> = left.map(|left| (1.0 - left, nanos(left))).collect();
    curve.push((1.0, nanos(1e-5) * 2.0));
    curve
}

/// What a payload adds to a small one's time: a line's transfer, then a copy each way.
fn of_payload(payload: usize) -> f64 {
    payload as f64 / 3.0 + if payload > 56 { 40.0 } else { 0.0 }
}

fn bounds() -> Vec<Row> {
    let bound = |(mechanism, mode, payload, nanos): (Mechanism, Mode, usize, f64)| {
        let rate = (mechanism == Memcpy).then_some(1e9 / nanos);
        Row { trip: Some(percentiles(nanos)), curve: curve(nanos), rate, ..row(mechanism, mode, payload) }
    };
    BOUNDS.map(bound).into()
}

fn messages() -> Vec<Row> {
    let carried = |&(mechanism, mode, nanos, rate, largest): &(Mechanism, Mode, f64, f64, usize)| {
        let sizes = SIZES.into_iter().filter(move |&size| size <= largest);
        sizes.map(move |size| carrier(mechanism, mode, size, (nanos, rate)))
    };
    CARRIERS.iter().flat_map(carried).collect()
}

fn carrier(mechanism: Mechanism, mode: Mode, payload: usize, (nanos, rate): (f64, f64)) -> Row {
    let p50 = nanos + of_payload(payload);
    let flow = 1.0 / (1.0 / rate + payload as f64 / 18e9);
    Row {
        rate: (rate > 0.0).then_some(flow),
        rate_spread: (rate > 0.0).then_some(0.11),
        ..costly(mechanism, mode, payload, p50)
    }
}

fn costly(mechanism: Mechanism, mode: Mode, payload: usize, p50: f64) -> Row {
    let sleeps = mode == Park;
    Row {
        trip: Some(percentiles(p50)),
        curve: curve(p50),
        cpu: Some(if sleeps { p50 * 0.7 } else { p50 * 2.0 }),
        system_calls: Some(if sleeps { 4.0 } else { 0.0 }),
        set_up: Some(p50 * 9.0 + 40_000.0),
        memory: Some(if mechanism == Pipe { 131_072 } else { 2_233_466 }),
        ..row(mechanism, mode, payload)
    }
}

fn calls() -> Vec<Row> {
    let called = |&(mechanism, mode, nanos): &(Mechanism, Mode, f64)| {
        CALL_SIZES.map(|size| {
            let p50 = nanos + of_payload(size);
            Row { rate: Some(1e9 / p50), ..costly(mechanism, mode, size, p50) }
        })
    };
    CALLED.iter().flat_map(called).collect()
}

fn paced() -> Vec<Row> {
    let carriers = CARRIERS.iter().filter(|carrier| carrier.0 != Signal).map(|one| (one.0, one.1, one.2));
    let subjects = carriers.chain([(Futex, Park, 11_200.0), (SemaphorePosix, Park, 37_800.0)]);
    subjects.flat_map(|(mechanism, mode, nanos)| at_paces(mechanism, mode, nanos)).collect()
}

/// Round trips, slower the longer the other side has slept; then messages one way, where there are any.
fn at_paces(mechanism: Mechanism, mode: Mode, nanos: f64) -> Vec<Row> {
    let known = |pace: u32, one_way: f64| Row {
        one_way: Some(percentiles(one_way)),
        pace: Some(pace),
        ..row(mechanism, mode, PACED_SIZE)
    };
    let trip = |pace: u32| {
        let p50 = nanos * (1.0 + 2.2 / f64::from(pace).sqrt());
        Row { trip: Some(percentiles(p50)), cpu: Some(p50 * 0.8), ..known(pace, p50 * 0.55) }
    };
    let load = Row { rate: Some(f64::from(LOAD)), ..known(LOAD, nanos * 0.6) };
    let loads = mechanism.streams() && !mechanism.is_called();
    RATES.into_iter().map(trip).chain(loads.then_some(load)).collect()
}
