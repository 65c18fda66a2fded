//! Futexes: sleeping on two words at once, and waking.
//!
//! Idea: `futex_waitv(2)` (Linux 5.16) waits on a word that the peer's process wakes and on one that only this process
//! can reach, so a peer that requeues or withholds wakes cannot keep us asleep past our own shutdown or its own death.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use rustix::io::Errno;
use rustix::thread::ClockId;
use rustix::thread::futex::{self, Flags, Wait, WaitFlags, WaitPtr, WaitvFlags};

use super::clock::{Deadline, SLICE, nap, timespec};

/// A 32-bit word to sleep on. The pointer must stay mapped while the call runs; the kernel checks it, so a dangling one
/// is an error from the kernel, not undefined behaviour.
#[derive(Clone, Copy)]
pub(crate) struct Word {
    pub(crate) address: *const u32,
    /// Whether other processes wake it.
    pub(crate) shared: bool,
}

/// Set once the kernel or a sandbox has refused `futex_waitv`.
static REFUSED: AtomicBool = AtomicBool::new(false);

/// Sleeps while both words hold what was expected of them, until a wake, a signal or the deadline. May return early:
/// look again, always. Where the call is refused, for whatever reason, the sleep is a slice: never a busy loop.
pub(crate) fn wait(words: [(Word, u32); 2], deadline: Deadline) {
    if REFUSED.load(Ordering::Relaxed) {
        return wait_slice(words[0], deadline);
    }
    let waiters = words.map(|(word, expected)| waiter(word, expected));
    let timeout = deadline.absolute();
    let woken = futex::waitv(&waiters, WaitvFlags::empty(), timeout.as_ref(), ClockId::Monotonic);
    match woken {
        // Woken, a word had changed, a signal, the deadline: look again.
        Ok(_) | Err(Errno::AGAIN | Errno::INTR | Errno::TIMEDOUT) => {}
        Err(refused) => {
            // A want of memory passes, a refusal does not.
            if refused != Errno::NOMEM {
                REFUSED.store(true, Ordering::Relaxed);
            }
            wait_slice(words[0], deadline);
        }
    }
}

fn waiter(word: Word, expected: u32) -> Wait {
    let mut wait = Wait::new();
    wait.val = expected.into();
    wait.uaddr = WaitPtr::new(word.address.cast_mut().cast());
    wait.flags = if word.shared { WaitFlags::SIZE_U32 } else { WaitFlags::SIZE_U32 | WaitFlags::PRIVATE };
    wait
}

#[cold]
fn wait_slice((word, expected): (Word, u32), deadline: Deadline) {
    let slice = deadline.remaining().map_or(SLICE, |left| left.min(SLICE));
    match futex::wait(word.atomic(), word.flags(), expected, timespec(slice).as_ref()) {
        // Whatever happened, the caller looks again.
        Ok(()) | Err(Errno::AGAIN | Errno::INTR | Errno::TIMEDOUT) => {}
        Err(_) => nap(slice),
    }
}

/// Wakes whoever sleeps on the word; `false` if a sandbox refuses it. An address that is not mapped needs no waking.
pub(crate) fn wake(word: Word) -> bool {
    matches!(futex::wake(word.atomic(), word.flags(), u32::MAX >> 1), Ok(_) | Err(Errno::FAULT))
}

impl Word {
    fn atomic(&self) -> &AtomicU32 {
        // SAFETY: the caller keeps the word mapped while the call runs, and the reference only carries the address into
        // the kernel: nothing in this process reads or writes through it.
        unsafe { AtomicU32::from_ptr(self.address.cast_mut()) }
    }

    fn flags(self) -> Flags {
        if self.shared { Flags::empty() } else { Flags::PRIVATE }
    }
}
