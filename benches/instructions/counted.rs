//! What is counted: calls of one function, between whose entry and return callgrind counts.

use std::hint::black_box;

/// An operation on messages of one size. `operation` does it as often as it is told; `before` and `after`, which are told
/// the same, are not counted.
pub struct Case<B, O, A> {
    pub name: &'static str,
    pub size: usize,
    pub before: B,
    pub operation: O,
    pub after: A,
}

/// What is run, and for what.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// Under callgrind, to be counted; else to see that every operation works.
    pub counted: bool,
    /// What is in the names of the operations.
    pub filter: &'a str,
}

/// How often an operation is done between two marks: enough for 1 KiB to go around the ring several times, so that what is
/// done once a lap has its share.
pub const ROUNDS: usize = 128;

/// How often in one round; and twice that in another, of which the difference is taken.
pub const BATCH: usize = 32;

/// The functions within which callgrind counts, and before which it writes down what it has counted, as patterns of names.
pub const COUNTED: &str = "*counted_by_callgrind*";
pub const MARK: &str = "*mark_for_callgrind*";

/// How many marks a case makes: after the first round, after all, and after all at twice the batch.
pub const MARKS: usize = 3;

impl Run<'_> {
    pub fn case<B, O, A>(self, mut case: Case<B, O, A>)
    where
        B: FnMut(usize),
        O: FnMut(usize),
        A: FnMut(usize),
    {
        if !case.name.contains(self.filter) {
            return;
        }
        // Not looked at: buffers grow, the hello comes.
        case.rounds(1, BATCH);
        if self.counted {
            case.rounds(ROUNDS, BATCH);
            case.rounds(ROUNDS, 2 * BATCH);
            println!("{}\t{}", case.name, case.size);
        }
    }
}

impl<B: FnMut(usize), O: FnMut(usize), A: FnMut(usize)> Case<B, O, A> {
    fn rounds(&mut self, rounds: usize, times: usize) {
        for _ in 0..rounds {
            (self.before)(times);
            counted_by_callgrind(&mut self.operation, times);
            (self.after)(times);
        }
        mark_for_callgrind();
    }
}

#[inline(never)]
fn counted_by_callgrind(operation: &mut impl FnMut(usize), times: usize) {
    operation(times);
}

#[inline(never)]
fn mark_for_callgrind() {
    black_box(());
}

/// Does `once` so many times, by a loop of as few instructions as can be.
#[inline(always)]
pub fn each(times: usize, mut once: impl FnMut()) {
    for _ in 0..times {
        once();
    }
}

/// For `before` and `after` where there is nothing to be done.
pub fn nothing(_times: usize) {}
