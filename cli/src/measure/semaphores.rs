//! Calls in the classic way: one buffer that both processes share, and semaphores that say whose turn it is.
//!
//! The design of Generic IPC, with its own numbers for the steps. Both sides are alike, each with a listener thread and two
//! server threads:
//!
//! | step | who | does |
//! |---|---|---|
//! | 1 to 3 | the thread that calls | takes the buffer's lock, writes the request, notifies the other side |
//! | 4 to 7 | the other side's listener | is notified, copies the request, puts it into a queue, releases the lock |
//! | 8 | a server thread there | takes it from the queue, a mutex and a condition, and runs the handler |
//! | 9 to 12 | the same | takes the buffer's lock, writes the reply, notifies this side |
//! | 13 to 16 | this side's listener | is notified, copies the reply, puts it into the other queue, releases the lock |
//! | 17 | the thread that called | takes the reply with its request's sequence number from the queue |
//!
//! Whoever writes takes the lock, and the one that reads on the other side releases it.

mod exchange;
mod posix;
mod system_v;
mod wait_queue;

use std::io;
use std::process::exit;

use super::carrier::Asked;
use super::passed::Passed;
use super::pattern;
use super::plan::Mechanism;
use crate::failure::{Context, Failure};
use crate::os::segment::Segment;
use exchange::{HEADER, Side, Work};

/// The buffer's length, header included.
const BUFFER: usize = 128 * 1_024;

/// The longest request or reply.
pub const LONGEST: usize = BUFFER - HEADER;

/// The semaphores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Semaphore {
    /// Something in the buffer is for the leader.
    Leader,
    /// Something in the buffer is for the second process.
    Second,
    /// The other side has answered the handshake.
    Acknowledged,
    /// The buffer is free.
    Buffer,
}

/// How many there are.
const SEMAPHORES: usize = 4;

impl Semaphore {
    fn number(self) -> u8 {
        self as u8
    }

    /// At the beginning nothing is in the buffer, which is free.
    fn initial(self) -> u8 {
        u8::from(self == Self::Buffer)
    }

    const ALL: [Self; SEMAPHORES] = [Self::Leader, Self::Second, Self::Acknowledged, Self::Buffer];
}

/// Semaphores of either kind.
pub trait Semaphores: Send + Sync + 'static {
    /// Whether each request begins with a handshake, and the buffer is zeroed before and after each use, as the original does
    /// both.
    const AS_THE_ORIGINAL: bool;

    /// Takes one; waits until there is one.
    fn wait(&self, which: Semaphore) -> io::Result<()>;

    /// Adds one.
    fn post(&self, which: Semaphore) -> io::Result<()>;

    /// Makes it zero.
    fn reset(&self, which: Semaphore) -> io::Result<()>;
}

/// The leader's side, and what the second process needs for the other.
///
/// # Errors
///
/// If the system has no semaphores or memory.
pub fn open(mechanism: Mechanism, size: usize) -> Result<(Box<dyn Asked>, Passed), Failure> {
    if size > LONGEST {
        return Err(Failure::new(format!("the buffer of {BUFFER} bytes holds a request of {LONGEST} at most")));
    }
    match mechanism {
        Mechanism::SemaphoreSysv => {
            let (semaphores, buffer, passed) = system_v::create()?;
            Ok((Box::new(side(semaphores, buffer, Semaphore::Leader)?), passed))
        }
        _ => {
            let (semaphores, buffer, passed) = posix::create()?;
            Ok((Box::new(side(semaphores, buffer, Semaphore::Leader)?), passed))
        }
    }
}

/// The second process's side, which answers until it is dropped.
///
/// # Errors
///
/// If it cannot reach what the leader has passed.
pub fn join(mechanism: Mechanism, passed: Passed) -> Result<Box<dyn Asked>, Failure> {
    match mechanism {
        Mechanism::SemaphoreSysv => {
            let (semaphores, buffer) = system_v::join(&passed)?;
            Ok(Box::new(side(semaphores, buffer, Semaphore::Second)?))
        }
        _ => {
            let (semaphores, buffer) = posix::join(passed)?;
            Ok(Box::new(side(semaphores, buffer, Semaphore::Second)?))
        }
    }
}

/// Replies with the request, as the handler of ours does.
fn side<S: Semaphores>(semaphores: S, buffer: Segment, own: Semaphore) -> Result<Side<S>, Failure> {
    let broken = if own == Semaphore::Second { give_up } else { |_: &str| {} };
    Side::start(semaphores, buffer, own, Work { handler: answer, broken })
        .while_doing(|| "could not start the threads of a side".to_owned())
}

fn answer(request: &[u8]) -> Vec<u8> {
    let mut reply = request.to_vec();
    pattern::answer(&mut reply);
    reply
}

/// The leader's threads would sleep for ever; the end of this process is something that it sees.
fn give_up(why: &str) {
    eprintln!("twinring: the second process: {why}");
    exit(1)
}

impl<S: Semaphores> Asked for Side<S> {
    #[inline]
    fn trip(&mut self, asked: &[u8], answer: &mut Vec<u8>) -> Result<usize, Failure> {
        *answer = self.call(asked)?;
        Ok(answer.len())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Mutex;
    use std::sync::mpsc::{self, RecvTimeoutError};
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::os::system_v::Semaphores as SystemV;

    /// Removes a set, whatever becomes of the test.
    struct Removed(SystemV);

    impl Drop for Removed {
        fn drop(&mut self) {
            self.0.remove().unwrap();
        }
    }

    fn with_system_v(test: fn(&Side<system_v::Set>, &Side<system_v::Set>)) {
        let set = Removed(SystemV::create(SEMAPHORES).unwrap());
        let (buffer, id) = Segment::system_v(BUFFER).unwrap();
        let here = system_v::Set::of(set.0.id());
        here.initialise().unwrap();
        let there = system_v::join(&Passed { ids: [set.0.id(), id], ..Passed::default() }).unwrap();
        test(&start(here, buffer, Semaphore::Leader), &start(there.0, there.1, Semaphore::Second));
    }

    fn with_posix(test: fn(&Side<crate::os::posix::Semaphores>, &Side<crate::os::posix::Semaphores>)) {
        let (here, buffer, passed) = posix::create().unwrap();
        let there = posix::join(passed).unwrap();
        test(&start(here, buffer, Semaphore::Leader), &start(there.0, there.1, Semaphore::Second));
    }

    /// Fails a test that would wait for ever.
    fn in_time(test: impl FnOnce() + Send + 'static) {
        let (done, ended) = mpsc::channel();
        let running = thread::spawn(move || {
            test();
            done.send(()).unwrap();
        });
        assert_ne!(
            ended.recv_timeout(Duration::from_secs(60)),
            Err(RecvTimeoutError::Timeout),
            "a call waits for ever"
        );
        running.join().unwrap();
    }

    /// A handler that does not give the request back: each byte is one more.
    fn start<S: Semaphores>(semaphores: S, buffer: Segment, own: Semaphore) -> Side<S> {
        let handler = |request: &[u8]| request.iter().map(|byte| byte.wrapping_add(1)).collect();
        let broken = |why: &str| panic!("{why}");
        Side::start(semaphores, buffer, own, Work { handler, broken }).unwrap()
    }

    /// Each thread's requests differ in length and bytes from all others, and so do the replies.
    fn parallel_calls<S: Semaphores>(here: &Side<S>, there: &Side<S>) {
        thread::scope(|scope| {
            for number in 0..8 {
                let side = if number % 2 == 0 { here } else { there };
                scope.spawn(move || {
                    for call in 0..100 {
                        let request =
                            vec![number * 20 + call % 20; 1 + usize::from(number) * 1_000 + usize::from(call)];
                        let expected: Vec<u8> = request.iter().map(|byte| byte + 1).collect();
                        assert_eq!(side.call(&request).unwrap(), expected);
                    }
                });
            }
        });
    }

    #[test]
    fn parallel_calls_both_ways_get_their_own_replies() {
        in_time(|| with_system_v(parallel_calls));
        in_time(|| with_posix(parallel_calls));
    }

    static FIRST_REQUEST: Mutex<Option<mpsc::Receiver<()>>> = Mutex::new(None);

    #[test]
    fn replies_are_matched_by_sequence_number_not_by_order() {
        in_time(hold_the_first_reply_back);
    }

    /// The reply of the first request waits until all later ones have had theirs: only the sequence number can tell them apart.
    fn hold_the_first_reply_back() {
        let (let_go, held) = mpsc::channel();
        *FIRST_REQUEST.lock().unwrap() = Some(held);
        let handler = |request: &[u8]| {
            let held = if request == [0] { FIRST_REQUEST.lock().unwrap().take() } else { None };
            if let Some(held) = held {
                held.recv().unwrap();
            }
            request.to_vec()
        };
        let (here, buffer, passed) = posix::create().unwrap();
        let (there, their_buffer) = posix::join(passed).unwrap();
        let work = Work { handler, broken: |why| panic!("{why}") };
        let caller = Side::start(here, buffer, Semaphore::Leader, work).unwrap();
        let _answering = Side::start(there, their_buffer, Semaphore::Second, work).unwrap();
        let (order, ended) = mpsc::channel();
        let call = |number: u8| {
            assert_eq!(caller.call(&[number]).unwrap(), [number]);
            order.send(number).unwrap();
        };
        thread::scope(|scope| {
            let first = scope.spawn(|| call(0));
            // Once it is taken, the first request is held.
            while FIRST_REQUEST.lock().unwrap().is_some() {
                thread::yield_now();
            }
            (1..10).for_each(call);
            let_go.send(()).unwrap();
            first.join().unwrap();
        });
        assert_eq!(ended.try_iter().collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]);
    }

    #[test]
    fn the_longest_request_fits_and_a_longer_one_is_refused() {
        with_posix(|here, _| {
            assert_eq!(here.call(&vec![1; LONGEST]).unwrap(), vec![2; LONGEST]);
            let said = here.call(&vec![1; LONGEST + 1]).unwrap_err().to_string();
            assert_eq!(said, "a request of 131061 bytes, 131060 fit the buffer");
        });
    }

    #[test]
    fn each_semaphore_has_a_number_of_its_own() {
        let numbers: BTreeSet<u8> = Semaphore::ALL.iter().map(|semaphore| semaphore.number()).collect();
        assert_eq!(numbers, (0..SEMAPHORES as u8).collect());
    }

    #[test]
    fn a_set_that_is_removed_is_a_failure_of_those_who_wait() {
        let set = SystemV::create(1).unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(move || set.add(0, -1));
            set.remove().unwrap();
            assert!(waiting.join().unwrap().is_err());
        });
    }
}
