//! What fits into a ring, to the message, and what is seen of it at once. Over a socket more fits, and a batch is seen at its end.

use std::time::Instant;

use twinring::{SendTimeoutError, TrySendError};

use crate::ends::{SHORT, direction, fill, next};

#[test]
fn a_batch_is_seen_at_once_and_in_order() {
    let (mut sender, mut receiver, ..) = direction();
    let mut batch = sender.batch();
    batch.push(b"one").expect("room");
    assert_eq!(next(&mut receiver), b"one");
    batch.try_push(b"two").expect("room");
    batch.flush();
    batch.push(b"").expect("room");
    drop(batch);
    assert_eq!(next(&mut receiver), b"two");
    assert_eq!(next(&mut receiver), b"");
    let mut batch = sender.batch();
    let pushed = (0..).take_while(|_| batch.try_push(&[1; 100]) != Err(TrySendError::Full)).count();
    drop(batch);
    assert_eq!(receiver.drain(usize::MAX, |message| assert_eq!(message.to_vec(), [1; 100])), Ok(pushed));
}

#[test]
fn a_full_ring_says_so_until_there_is_room() {
    let (mut sender, mut receiver, ..) = direction();
    let message = [5; 100];
    let count = fill(&mut sender, &message);
    assert!((30..42).contains(&count), "{count} messages in 4 KiB");
    assert_eq!(sender.try_reserve(100).map(drop), Err(TrySendError::Full));
    let waited = sender.reserve_timeout(100, SHORT);
    assert_eq!(waited.map(drop), Err(SendTimeoutError::Timeout));
    assert_eq!(sender.batch().try_push(&message), Err(TrySendError::Full));
    let started = Instant::now();
    assert_eq!(sender.send_timeout(&message, SHORT), Err(SendTimeoutError::Timeout));
    assert_eq!(sender.send_deadline(&message, started), Err(SendTimeoutError::Timeout));
    assert!(started.elapsed() >= SHORT);
    assert_eq!(sender.counters().messages, count as u64);
    assert_eq!(sender.counters().times_full, 3);
    assert_eq!(receiver.drain(usize::MAX, |received| assert_eq!(received.to_vec(), message)), Ok(count));
    // All the room is back; a message that does not fit before the end of the ring leaves a gap there.
    let again = fill(&mut sender, &message);
    assert!((count - 1..=count).contains(&again), "{again} messages, {count} at first");
}
