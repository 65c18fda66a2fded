//! One descriptor for data and for the peer's end.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use twinring::{End, Readiness, ReadyError, Receiver, TryRecvError, WaitStrategy};

/// Whether the descriptor becomes readable within so many seconds.
fn readable(receiver: &Receiver, seconds: i64) -> bool {
    let timeout = Timespec { tv_sec: seconds, tv_nsec: 0 };
    poll(&mut [PollFd::new(receiver, PollFlags::IN)], Some(&timeout)).expect("a poll") == 1
}

#[test]
fn data_and_then_the_end_make_it_readable() {
    for wait in [WaitStrategy::Park, WaitStrategy::SpinThenPark] {
        let (here, there) = crate::options().wait(wait).pair().expect("a pair");
        let ((mut sender, _back), (_forth, mut receiver)) = (here.split(), there.split());
        for round in 0..5_u8 {
            assert_eq!(receiver.arm(), Ok(Readiness::Armed));
            assert!(!readable(&receiver, 0), "nothing was sent");
            sender.send(&[round]).expect("room");
            sender.send(&[round + 100]).expect("room");
            assert!(readable(&receiver, 30), "{wait:?}: a message does not show");
            assert_eq!(receiver.arm(), Ok(Readiness::Ready));
            assert_eq!(receiver.try_recv().expect("a message").to_vec(), [round]);
            assert_eq!(receiver.arm(), Ok(Readiness::Ready), "there is one more");
            assert_eq!(receiver.try_recv().expect("a message").to_vec(), [round + 100]);
        }
        // Over the socket, each message wakes what takes it there.
        assert_eq!(sender.counters().wakes, if crate::SHARED { 5 } else { 10 });
        assert_eq!(receiver.arm(), Ok(Readiness::Armed));
        drop(sender);
        assert!(readable(&receiver, 30), "{wait:?}: the end does not show");
        assert_eq!(receiver.arm(), Ok(Readiness::Ready));
        assert_eq!(receiver.try_recv().err(), Some(TryRecvError::Ended(End::Closed)));
    }
}

#[test]
fn hanging_up_makes_it_readable() {
    let (here, there) = crate::options().pair().expect("a pair");
    let (_forth, mut receiver) = there.split();
    assert_eq!(receiver.arm(), Ok(Readiness::Armed));
    drop(here);
    assert!(readable(&receiver, 30));
    assert_eq!(receiver.arm(), Ok(Readiness::Ready));
    assert_eq!(receiver.try_recv().err(), Some(TryRecvError::Ended(End::Closed)));
}

#[test]
fn who_promised_to_spin_has_nothing_to_poll() {
    let (_here, there) = crate::options().wait(WaitStrategy::Spin).pair().expect("a pair");
    let (_forth, mut receiver) = there.split();
    assert_eq!(receiver.arm(), Err(ReadyError::Spins));
}
