//! Random messages, cut into random packets, through a real relay; and random sizes both ways through two.

use proptest::prelude::*;
use twinring::carrier::stream::{self, LONGEST_PACKET};
use twinring::{End, TryRecvError};

use crate::raw;
use crate::waits::LONG;

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Lengths that fit a ring of 64 KiB: small ones most often.
fn lengths() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![4 => 0..40_usize, 2 => 0..3000_usize, 1 => 0..28_000_usize], 0..40)
}

/// Lengths of packets: some of a few bytes, and enough large ones that there are not too many.
fn cuts() -> impl Strategy<Value = Vec<usize>> {
    let cut = prop_oneof![1..10_usize, 1..LONGEST_PACKET];
    prop::collection::vec(cut, 0..20).prop_map(|mut cuts| {
        cuts.push(5000);
        cuts
    })
}

fn message(number: usize, length: usize) -> Vec<u8> {
    (0..length).map(|at| (number * 31 + at) as u8).collect()
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn messages_come_whole_however_they_are_cut(lengths in lengths(), cuts in cuts()) {
        let (peer, connection) = raw::carried();
        let (_sender, mut receiver) = connection.split();
        let mut bytes = Vec::new();
        for (number, &length) in lengths.iter().enumerate() {
            bytes.extend(stream::data(length));
            bytes.extend(message(number, length));
        }
        bytes.extend(stream::fin());
        let writing = std::thread::spawn(move || {
            let (mut left, mut cuts) = (&bytes[..], cuts.iter().cycle());
            while let (false, Some(&cut)) = (left.is_empty(), cuts.next()) {
                let (packet, rest) = left.split_at(cut.min(left.len()));
                raw::send(&peer, packet, &[]);
                left = rest;
            }
            peer
        });
        for (number, &length) in lengths.iter().enumerate() {
            prop_assert!(receiver.recv_timeout(LONG).expect("a message").to_vec() == message(number, length));
        }
        prop_assert_eq!(receiver.recv().err(), Some(End::Closed));
        drop(writing.join().expect("the peer"));
    }

    #[test]
    fn each_direction_is_a_queue(steps in prop::collection::vec((any::<bool>(), any::<bool>(), 0..900_usize), 0..300)) {
        let (here, there) = crate::options().ring_capacity(4096).pair().expect("a pair");
        let mut sides = [here, there];
        let mut queues = [std::collections::VecDeque::new(), std::collections::VecDeque::new()];
        for (number, (side, sends, length)) in steps.into_iter().enumerate() {
            let (from, to) = (usize::from(side), usize::from(!side));
            if sends {
                let message = message(number, length);
                if sides[from].ends().0.try_send(&message).is_ok() {
                    queues[to].push_back(message);
                }
            } else {
                match sides[from].ends().1.try_recv() {
                    Ok(received) => prop_assert_eq!(Some(received.to_vec()), queues[from].pop_front()),
                    // Perhaps it is on its way.
                    Err(error) => prop_assert_eq!(error, TryRecvError::Empty),
                }
            }
        }
        for (mut side, queue) in sides.into_iter().zip(queues) {
            for message in queue {
                let received = side.ends().1.recv_timeout(LONG).expect("what was sent").to_vec();
                prop_assert_eq!(received, message);
            }
        }
    }
}
