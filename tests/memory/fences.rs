//! The race that the fences close, on this processor: each side stores its own word and then loads the other's. Without a
//! fence on both sides, both loads are served before either store is seen, once in some hundred times.
//!
//! A light and a heavy fence have no such test: `docs/TESTING.md` says why.

use std::thread;
use std::time::{Duration, Instant};

use twinring::memory::{Mapped, Memory, Ordering, Own};

/// So many races are lost sometimes, if they can be. Half a second, where both threads have a processor of their own.
const RACES: u64 = 400_000;

/// What they may take where the threads have to share.
const TIME: Duration = Duration::from_secs(8);

/// Races between two looks at the clock.
const BATCH: u64 = 1000;

/// Where each side says which race it has come to, and where it stores its number: lines of their own.
const COME: usize = 0;
const RACE: usize = 64;

fn private() -> Own<Mapped> {
    Mapped::private(4096).expect("a page")
}

/// Waits until the other side has come as far. The wait varies, so that now one side is ahead and now the other.
fn meet(own: &Mapped, other: &Mapped, number: u64) {
    own.store(COME, number, Ordering::Release);
    let mut looks = 0;
    while other.load(COME, Ordering::Acquire) < number {
        looks += 1;
        if looks % 1000 == 0 { thread::yield_now() } else { std::hint::spin_loop() }
    }
    (0..number % 7).for_each(|_| std::hint::spin_loop());
}

/// What one side sees of the other in each race.
fn race(own: &Mapped, other: &Mapped, first: u64, fence: fn(&Mapped)) -> Vec<u64> {
    let one = |number| {
        meet(own, other, number);
        own.store(RACE, number, Ordering::Relaxed);
        fence(own);
        other.load(RACE, Ordering::Relaxed)
    };
    (first..first + BATCH).map(one).collect()
}

/// A race in which neither side saw the other, if there is one.
fn missed(fences: [fn(&Mapped); 2]) -> Option<u64> {
    let ([here, there], started) = ([private(), private()], Instant::now());
    let batches = (1..RACES).step_by(BATCH as usize).take_while(|_| started.elapsed() < TIME);
    let mut batches = batches.map(|first| {
        let seen = thread::scope(|scope| {
            let second = scope.spawn(|| race(&there, &here, first, fences[1]));
            [race(&here, &there, first, fences[0]), second.join().expect("no panic")]
        });
        (first..).zip(seen[0].iter().zip(&seen[1])).find_map(|(number, (&one, &other))| {
            let blind = one < number && other < number;
            blind.then_some(number)
        })
    });
    batches.find_map(|missed| missed)
}

#[test]
fn two_fences_close_the_race() {
    assert_eq!(missed([Mapped::fence, Mapped::fence]), None);
}
