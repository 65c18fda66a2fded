//! Of sessions that began and ended, nothing is left: no thread, no descriptor, no mapping.

use std::thread;
use std::time::Duration;

use crate::answering::{ECHO, KEEP, MAKE, NEST};
use crate::leaks::Held;
use crate::process::Child;
use crate::sides::{FORMS, SHARED, caller, ring, serving, sessions};
use crate::waits::until;

#[test]
fn of_sessions_nothing_is_left() {
    Child::start("begins and ends sessions", &[]).finish();
}

/// A process of its own: beside another test, threads come and go.
pub fn begins_and_ends() {
    // The first connection starts what the process keeps.
    begin_and_end(0);
    let before = settled();
    for round in 0..40 {
        begin_and_end(round);
    }
    until(&format!("{before:?} to be all that is held, not {:?}", settled()), || Held::now().is_within(before));
}

fn begin_and_end(round: usize) {
    for form in SHARED {
        let (here, there, answering) = sessions(&ring(1 << 16), &form.options(), &form.options());
        thread::scope(|scope| {
            for side in [&here, &there] {
                scope.spawn(move || {
                    assert_eq!(side.call(ECHO, b"hello"), Ok(b"hello".to_vec()));
                    side.call(NEST, &3_u64.to_le_bytes()).expect("a nested reply");
                    side.notify(0, b"an event").expect("room");
                });
            }
        });
        let pending = here.begin(KEEP, b"kept").expect("sent");
        until("the request", || answering.keeps() == 1);
        // A responder that its own handler owns keeps the session, and that keeps the handler.
        let kept = answering.take_kept();
        let large = here.begin(MAKE, &(1_u64 << 20).to_le_bytes()).expect("sent");
        // In another order each time.
        match round % 3 {
            0 => drop((pending, large, here, there, kept)),
            1 => drop((there, here, kept, large, pending)),
            _ => drop((kept, large, there, pending, here)),
        }
    }
    for (ours, theirs) in FORMS.into_iter().zip(FORMS) {
        let (here, there) = ring(1 << 16).pair().expect("a pair");
        let serving = serving(theirs, there);
        let mut here = caller(ours, here, ());
        assert_eq!(here.ask(ECHO, b"hello"), Ok(b"hello".to_vec()));
        drop(here);
        assert_eq!(serving.join().expect("the other side"), Ok(()));
    }
}

/// What this process holds once nothing changes any more.
fn settled() -> Held {
    let mut last = Held::now();
    loop {
        thread::sleep(Duration::from_millis(100));
        let now = Held::now();
        if now == last {
            return now;
        }
        last = now;
    }
}
