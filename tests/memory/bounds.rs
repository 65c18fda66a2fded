//! A wrong index panics, wherever it leads: it never reaches outside of the words that were asked for.

use std::fs::File;
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};

use twinring::memory::{Mapped, Memory, Ordering, Own};

/// Less than a page, so that what lies behind is mapped and would not fault.
const WORDS: usize = 4;

fn private() -> Own<Mapped> {
    Mapped::private(WORDS * 8).expect("a page")
}

fn said(action: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(action)).expect_err("a panic");
    panic.downcast_ref::<String>().expect("a formatted message").clone()
}

#[test]
fn a_word_behind_the_last_is_none() {
    let own = private();
    own.store(WORDS - 1, 7, Ordering::Relaxed);
    assert_eq!(own.load(WORDS - 1, Ordering::Acquire), 7);
    assert_eq!(said(|| own.store(WORDS, 0, Ordering::Relaxed)), "access to 1 at 4 of 4");
    assert_eq!(said(|| own.wake(WORDS)), "access to 1 at 4 of 4");
}

#[test]
fn bytes_behind_the_last_are_none() {
    let own = private();
    own.copy_in(1, &[1; 31]);
    own.copy_out(32, &mut []);
    assert_eq!(said(|| own.copy_in(0, &[1; 33])), "access to 33 at 0 of 32");
    assert_eq!(said(|| own.copy_in(8, &[1; 25])), "access to 25 at 8 of 32");
    assert_eq!(said(|| own.copy_out(40, &mut [])), "access to 0 at 40 of 32");
    assert_eq!(said(|| own.copy_out(16, &mut [0; 17])), "access to 17 at 16 of 32");
}

#[test]
fn an_exchange_is_of_what_was_expected_or_not_at_all() {
    let own = private();
    assert!(own.exchange(1, 0, 5));
    assert!(!own.exchange(1, 0, 6));
    assert_eq!(own.load(1, Ordering::Relaxed), 5);
}

#[test]
fn pages_that_are_not_there_are_an_error() {
    let empty: File = tempfile::tempfile().expect("a file");
    let writable = Mapped::writable(empty.as_fd(), 4096).expect_err("a page of an empty file");
    assert!(writable.to_string().contains("populate 4096 bytes"), "{writable}");
    let readable = Mapped::read_only(empty.as_fd(), 4096).expect_err("a page of an empty file");
    assert!(readable.to_string().contains("populate 4096 bytes"), "{readable}");
}
