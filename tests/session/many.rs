//! Many threads, many calls: none is lost, and each gets its share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use twinring::{Session, WaitStrategy};

use crate::answering::{CHECK, ECHO, KEEP, LATER, MAKE, NEST, checksum, content, number};
use crate::sides::{SHARED, other_process, ring, sessions};
use crate::waits::LONG;

/// Calls in all, of both sides; another number may be given by the environment.
const CALLS: u64 = 200_000;

/// How long this may take at most, for each so many calls.
const LATE: Duration = Duration::from_secs(60);

#[test]
fn mixed_calls_of_both_sides_have_the_right_replies() {
    let calls = std::env::var("TWINRING_CALLS").map_or(CALLS, |text| text.parse().expect("a number of calls"));
    let started = Instant::now();
    for form in SHARED {
        let (here, there, _) = sessions(&ring(1 << 16), &form.options(), &form.options());
        let done = AtomicU64::new(0);
        thread::scope(|scope| {
            for (number, side) in [&here, &there].into_iter().enumerate() {
                for thread in 0..4 {
                    let done = &done;
                    let seed = (number * 4 + thread) as u64;
                    scope.spawn(move || mixed(side, seed, calls / 2 / 8, done));
                }
            }
        });
        assert_eq!(done.into_inner(), calls / 2 / 8 * 8, "{form:?}");
    }
    let most = LATE * u32::try_from(calls.div_ceil(CALLS)).expect("not too many calls");
    assert!(started.elapsed() < most, "{calls} calls took {:?}", started.elapsed());
}

fn mixed(side: &Session, seed: u64, calls: u64, done: &AtomicU64) {
    let mut reply = Vec::new();
    for round in 0..calls {
        let request = content(seed << 32 | round, (seed * 7 + round) as usize * 31 % 900);
        match round % 100 {
            0..70 => {
                side.call_into(ECHO, &request, &mut reply).expect("an echo");
                assert!(reply == request, "an echo of {} bytes differs", request.len());
            }
            70..85 => assert_eq!(side.call(CHECK, &request), Ok(checksum(&request).to_le_bytes().to_vec())),
            85..90 => side.notify(0, &request).map(drop).expect("an event"),
            90..94 => {
                let (first, second) = (side.begin(ECHO, &request), side.begin(CHECK, &request));
                assert_eq!(second.expect("sent").wait(), Ok(checksum(&request).to_le_bytes().to_vec()));
                assert_eq!(first.expect("sent").wait().as_ref(), Ok(&request));
            }
            94 => drop(side.begin(ECHO, &request).expect("sent")),
            95 | 96 => {
                // In time or too late: if there is a reply it is the right one.
                let result = side.call_timeout(ECHO, &request, Duration::from_micros(round % 300));
                assert!(result.is_err() || result.as_ref() == Ok(&request), "{result:?}");
            }
            97 => {
                let length = 50_000 + round * 7 % 50_000;
                let made = side.call(MAKE, &length.to_le_bytes()).expect("a reply");
                assert!(made == content(0, length as usize));
            }
            98 => assert_eq!(side.call(NEST, &2_u64.to_le_bytes()).map(|reply| number(&reply)), Ok(2)),
            _ if round % 1000 == 99 => assert_eq!(side.call(LATER, &request).as_ref(), Ok(&request)),
            _ => assert_eq!(side.call(CHECK, &request), Ok(checksum(&request).to_le_bytes().to_vec())),
        }
        done.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn eight_threads_get_a_fair_share_each_and_lose_nothing() {
    for form in SHARED {
        let (_directory, child, connection) = other_process(form, WaitStrategy::Park, 1 << 16);
        let here = Session::new(connection, &form.options(), ()).expect("a session");
        let over = AtomicBool::new(false);
        let shares: Vec<_> = thread::scope(|scope| {
            let calling: Vec<_> = (0..8_u64)
                .map(|thread| {
                    scope.spawn({
                        let (here, over) = (&here, &over);
                        move || share(here, thread, over)
                    })
                })
                .collect();
            thread::sleep(Duration::from_secs(3));
            over.store(true, Ordering::Relaxed);
            calling.into_iter().map(|thread| thread.join().expect("a calling thread")).collect()
        });
        let (least, most) = (shares.iter().min().expect("a share"), shares.iter().max().expect("a share"));
        println!("{form:?}: {shares:?} calls");
        assert_eq!(here.counters().calls, shares.iter().sum::<u64>());
        assert!(most <= &(2 * least), "{form:?}: between {least} and {most} calls: {shares:?}");
        drop(here);
        child.finish();
    }
}

fn share(here: &Session, thread: u64, over: &AtomicBool) -> u64 {
    let mut reply = Vec::new();
    let mut calls = 0;
    while !over.load(Ordering::Relaxed) {
        let request = thread << 56 | calls;
        here.call_into(ECHO, &request.to_le_bytes(), &mut reply).expect("an echo");
        assert_eq!(number(&reply), request);
        calls += 1;
    }
    calls
}

#[test]
fn many_calls_wait_for_the_same_moment_and_all_are_answered() {
    for form in SHARED {
        // As many as are agreed: each reply makes room for the next request.
        let (here, _there, answering) = sessions(&ring(1 << 16), &form.options(), &form.options().calls_in_flight(32));
        thread::scope(|scope| {
            for thread in 0..32_u64 {
                let here = &here;
                scope.spawn(move || {
                    for round in 0..20 {
                        let request = (thread << 32 | round).to_le_bytes();
                        assert_eq!(here.call(KEEP, &request), Ok(request.to_vec()));
                    }
                });
            }
            let (mut answered, started) = (0, Instant::now());
            while answered < 32 * 20 {
                answered += answering.answer_kept();
                thread::yield_now();
                assert!(started.elapsed() < LONG, "{form:?}: only {answered} were answered");
            }
        });
    }
}
