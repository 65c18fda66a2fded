//! What the kernel refuses on the way is said as that, and promised to nobody.

use std::thread;

use twinring::connection::wire::Features;
use twinring::{HandshakeError, Options, WaitStrategy};

use crate::alone;
use crate::fences::connected;
use crate::process::Child;
use crate::raw;
use crate::refusing::refuse;
use crate::waits::LONG;

#[test]
fn who_cannot_fence_for_both_relies_on_nobody_who_can() {
    let _alone = alone();
    Child::start("has no membarrier", &[]).finish();
}

/// A process in which the kernel refuses it.
pub fn has_no_membarrier() {
    refuse(nix::libc::SYS_membarrier);
    let (features, light) = connected(WaitStrategy::Park, Features::MEMBARRIER);
    assert!(!features.has(Features::MEMBARRIER));
    assert_eq!(light, [false; 2]);
}

#[test]
fn a_socket_that_fails_is_not_a_peer_that_hung_up() {
    let _alone = alone();
    Child::start("may not receive", &[]).finish();
}

/// A process that may not receive packets.
pub fn may_not_receive() {
    refuse(nix::libc::SYS_recvmsg);
    let (ours, theirs) = raw::introduced_pair();
    raw::send(&ours, &raw::hello(), &[]);
    let accepting = thread::spawn(move || Options::new().accept_over(theirs, LONG));
    let error = accepting.join().expect("a thread").map(drop).expect_err("nothing can be received");
    assert!(matches!(error, HandshakeError::Setup(_)), "{error:?}");
}
