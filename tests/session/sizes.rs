//! Messages of every size, each way, between all forms.

use std::io::IoSlice;

use twinring::{LocalSession, WaitStrategy};

use crate::answering::{CHECK, ECHO, MAKE, checksum, content};
use crate::sides::{FORMS, Form, caller, other_process, ring, serving};

/// The payload of one frame of a message in fragments, in a ring of 1 MiB.
const FRAGMENT: usize = 32 * 1024;

/// The largest message that is accepted if nothing is chosen.
const LARGEST: usize = 64 << 20;

fn sizes() -> impl Iterator<Item = usize> {
    let around = |size: usize| [size - 16, size - 8, size - 1, size, size + 1, size + 8, size + 16];
    [0, 1, 7, 8, 40, 63, 64, 4096]
        .into_iter()
        .chain(around(FRAGMENT))
        .chain(around(2 * FRAGMENT))
        .chain(around(3 * FRAGMENT - 16))
        .chain([1 << 20, (1 << 20) + 1, 5_000_000])
}

#[test]
fn messages_of_every_size_cross() {
    for (ours, theirs) in FORMS.into_iter().flat_map(|ours| FORMS.map(|theirs| (ours, theirs))) {
        for capacity in [4096, 1 << 20] {
            let (here, there) = ring(capacity).pair().expect("a pair");
            let serving = serving(theirs, there);
            let mut here = caller(ours, here, ());
            for (number, size) in sizes().filter(|size| capacity > 4096 || *size < 1 << 20).enumerate() {
                let request = content(number as u64, size);
                let reply = here.ask(ECHO, &request).unwrap_or_else(|error| panic!("{size} bytes: {error}"));
                assert!(reply == request, "{ours:?} to {theirs:?}: the echo of {size} bytes differs");
            }
            // In a small ring, fragments are smaller: every size around them.
            for size in (0..3000).step_by(if capacity == 4096 { 7 } else { 501 }) {
                let request = content(7, size);
                assert!(here.ask(ECHO, &request).expect("an echo") == request, "the echo of {size} bytes differs");
            }
            drop(here);
            assert_eq!(serving.join().expect("the other side"), Ok(()));
        }
    }
}

#[test]
fn the_largest_messages_cross_between_processes() {
    for (ours, theirs) in [(Form::Local, Form::Inline), (Form::Workers, Form::Local), (Form::Inline, Form::Workers)] {
        let (_directory, child, connection) = other_process(theirs, WaitStrategy::SpinThenPark, 1 << 20);
        let mut here = caller(ours, connection, ());
        let request = content(1, LARGEST);
        assert_eq!(here.ask(CHECK, &request), Ok(checksum(&request).to_le_bytes().to_vec()));
        let reply = here.ask(MAKE, &(LARGEST as u64).to_le_bytes()).expect("the largest reply");
        assert!(reply == content(0, LARGEST));
        drop(here);
        child.finish();
    }
}

#[test]
fn parts_are_put_together_wherever_they_are_cut() {
    let (here, there) = ring(4096).pair().expect("a pair");
    let serving = serving(Form::Inline, there);
    let mut here = LocalSession::new(here, &Form::Local.options(), ());
    let whole = content(3, 10_000);
    for cut in [0, 1, 8, 500, 511, 512, 5000, 9999, 10_000] {
        let (one, other) = whole.split_at(cut);
        let parts = [IoSlice::new(&[]), IoSlice::new(one), IoSlice::new(&[]), IoSlice::new(other)];
        assert!(here.call_vectored(ECHO, &parts).expect("an echo") == whole, "cut at {cut}");
    }
    assert_eq!(here.call_vectored(ECHO, &[]), Ok(Vec::new()));
    drop(here);
    assert_eq!(serving.join().expect("the other side"), Ok(()));
}
