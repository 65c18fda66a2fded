//! Who makes the fences is agreed in the handshake: a side relies on its peer's only if both said that they can.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::Duration;

use twinring::connection::wire::{Features, Message};
use twinring::memory::{Mapped, Memory};
use twinring::region::VERSION;
use twinring::wait::Announced;
use twinring::{Options, WaitStrategy};

use crate::alone;
use crate::raw::{self, SHAPE};

/// Where a half says how its owner sleeps for want of data, and of room, in bytes.
const ANNOUNCED: [u64; 2] = [256, 384];

/// What the listener can do, and whether it has its peer leave out the fence, once it is connected with one that says that it can
/// do this.
pub fn connected(wait: WaitStrategy, features: u32) -> (Features, [bool; 2]) {
    let (ours, theirs) = raw::introduced_pair();
    let accepting = thread::spawn(move || Options::new().wait(wait).accept_over(theirs, Duration::from_secs(20)));
    let hello = Message::Hello { oldest: VERSION, newest: VERSION, features: Features(features) };
    raw::send(&ours, &hello.encode(), &[]);
    let Some((Message::Welcome { features, .. }, Some(half))) = raw::receive_message(&ours) else {
        panic!("no WELCOME with a half");
    };
    raw::send(&ours, &Message::Half(SHAPE).encode(), &raw::with(&raw::honest_half()));
    assert!(matches!(raw::receive_message(&ours), Some((Message::Ready, None))), "no READY");
    let connection = accepting.join().expect("a thread").expect("a connection");
    let half = File::from(half);
    let light = ANNOUNCED.map(|offset| {
        let mut word = [0; 8];
        half.read_exact_at(&mut word, offset).expect("a word of the half");
        Announced::from_word(u64::from_le_bytes(word)).has(Announced::LIGHT)
    });
    drop(connection);
    (features, light)
}

#[test]
fn a_peer_leaves_out_its_fence_only_if_both_can_do_without() {
    let _alone = alone();
    let here = connected(WaitStrategy::Park, 0).0.has(Features::MEMBARRIER);
    // This process is registered by now, if it can be.
    assert_eq!(here, Mapped::private(8).expect("a page").heavy_fence());
    assert_eq!(connected(WaitStrategy::Park, 0).1, [false; 2]);
    assert_eq!(connected(WaitStrategy::Park, Features::SPINS).1, [false; 2]);
    // For want of data a side sleeps seldom only once many messages have come without.
    assert_eq!(connected(WaitStrategy::Park, Features::MEMBARRIER).1, [false, here]);
}

#[test]
fn who_promises_to_spin_says_so_and_has_no_fence_made_for_it() {
    let _alone = alone();
    let (features, light) = connected(WaitStrategy::Spin, 0);
    assert!(features.has(Features::SPINS));
    assert_eq!(light, [true; 2]);
    assert!(!connected(WaitStrategy::SpinThenPark, 0).0.has(Features::SPINS));
}
