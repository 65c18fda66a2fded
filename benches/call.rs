//! What a call takes when nobody interferes, by both forms of a session: each side by itself, on one thread. The side that
//! calls finds its reply there already, the side that serves finds its requests (`benches/instructions/peer.rs`); what prepares
//! them is not timed.
//!
//! Not in it: the cache misses between two cores, waiting and waking, and the other side. A call from request to reply
//! between two processes is what `twinring bench --calls` measures. For small differences see `benches/instructions`, which
//! counts.

#[path = "instructions/peer.rs"]
mod peer;
#[path = "instructions/side.rs"]
mod side;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use peer::beside;
use side::{Echo, Side};
use twinring::{LocalSession, Session};

const SIZES: [usize; 4] = [8, 56, 64, 1024];

/// Calls between two looks at the clock, as many as fit into half of the ring.
const BATCH: u64 = 256;

fn call<S: Side>(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group(S::CALL.replace('`', ""));
    for size in SIZES {
        let (mut session, mut mouth, mut ear) = beside::<S>(size);
        let (request, mut reply) = (vec![7; size], Vec::new());
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter_custom(|times| {
                in_batches(times, |batch| {
                    mouth.reply(batch);
                    let taken = time(|| (0..batch).for_each(|_| session.call(black_box(&request), &mut reply)));
                    ear.take(batch);
                    taken
                })
            });
        });
    }
}

fn serve<S: Side>(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group(S::SERVE.replace('`', ""));
    for size in SIZES {
        let (mut session, mut mouth, mut ear) = beside::<S>(size);
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter_custom(|times| {
                in_batches(times, |batch| {
                    mouth.call(batch);
                    let taken = time(|| session.dispatch(batch));
                    ear.take(batch);
                    taken
                })
            });
        });
    }
}

fn notify<S: Side>(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group(S::NOTIFY.replace('`', ""));
    for size in SIZES {
        let (mut session, _mouth, mut ear) = beside::<S>(size);
        let event = vec![7; size];
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter_custom(|times| {
                in_batches(times, |batch| {
                    let taken = time(|| (0..batch).for_each(|_| session.notify(black_box(&event))));
                    ear.take(batch);
                    taken
                })
            });
        });
    }
}

fn take<S: Side>(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group(S::TAKE.replace('`', ""));
    for size in SIZES {
        let (mut session, mut mouth, _ear) = beside::<S>(size);
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter_custom(|times| {
                in_batches(times, |batch| {
                    mouth.notify(batch);
                    time(|| session.dispatch(batch))
                })
            });
        });
    }
}

/// Does `times` in batches, of which each says how long it took.
fn in_batches(times: u64, mut batch: impl FnMut(usize) -> Duration) -> Duration {
    let batches = (0..times).step_by(BATCH as usize);
    batches.map(|done| batch((times - done).min(BATCH) as usize)).sum()
}

fn time(what: impl FnOnce()) -> Duration {
    let started = Instant::now();
    what();
    started.elapsed()
}

type Local = LocalSession<Echo>;

criterion_group!(local, call::<Local>, serve::<Local>, notify::<Local>, take::<Local>);
criterion_group!(shared, call::<Session>, serve::<Session>, notify::<Session>, take::<Session>);
criterion_main!(local, shared);
