//! Who reaches beyond a payload is stopped by name, before any word is touched: by the ring, and not by luck further down.

use std::panic::{AssertUnwindSafe, catch_unwind};

use twinring::memory::{Foreign, Heap, Own};
use twinring::ring::{Claim, Consumer, Geometry, Producer};

use super::inputs::GUARD;

fn ring() -> (Producer<Heap>, Consumer<Heap>) {
    let [ring, head] = Heap::family([GUARD + 16, GUARD + 1]);
    let geometry = Geometry::new(GUARD, GUARD, 16, 1);
    let producer = Producer::new(Own::new(ring.clone()), Foreign::new(head.clone()), geometry);
    (producer, Consumer::new(Own::new(head), Foreign::new(ring), geometry))
}

fn said(action: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(action)).expect_err("a panic");
    panic.downcast_ref::<String>().expect("a formatted message").clone()
}

#[test]
fn what_is_copied_out_ends_with_the_payload() {
    let (mut producer, mut consumer) = ring();
    producer.push(&[1; 12]).unwrap();
    let frame = consumer.peek().unwrap();
    let mut to = [0; 20];
    assert_eq!(said(|| frame.copy_to(0, &mut to[..13])), "13 bytes at 0 of a message of 12");
    assert_eq!(said(|| frame.copy_to(5, &mut to[..8])), "8 bytes at 5 of a message of 12");
    assert_eq!(said(|| frame.copy_to(13, &mut [])), "0 bytes at 13 of a message of 12");
    frame.copy_to(4, &mut to[..8]);
    frame.copy_to(12, &mut []);
    assert_eq!(to[..9], [1, 1, 1, 1, 1, 1, 1, 1, 0]);
}

#[test]
fn the_words_that_are_read_are_those_that_the_payload_fills() {
    let (mut producer, mut consumer) = ring();
    producer.push(&[[1; 8], [2; 8]].concat()).unwrap();
    let span = consumer.look().unwrap();
    assert_eq!(consumer.word(span, 1), u64::from_ne_bytes([2; 8]));
    assert_eq!(said(|| assert_eq!(consumer.word(span, 2), 0)), "8 bytes at 16 of a message of 16");
    consumer.release(span);
    producer.push(&[3; 15]).unwrap();
    let span = consumer.look().unwrap();
    assert_eq!(said(|| assert_eq!(consumer.word(span, 1), 0)), "8 bytes at 8 of a message of 15");
}

#[test]
fn what_is_written_ends_with_the_claim() {
    let (mut producer, _) = ring();
    let claim: Claim = producer.claim(12).unwrap();
    assert_eq!(said(|| producer.fill(&claim, 0, &[0; 13])), "13 bytes at 0 of a reservation of 12");
    assert_eq!(said(|| producer.fill(&claim, 5, &[0; 8])), "8 bytes at 5 of a reservation of 12");
    assert_eq!(said(|| producer.fill(&claim, 13, &[])), "0 bytes at 13 of a reservation of 12");
    producer.fill(&claim, 4, &[0; 8]);
    producer.fill(&claim, 12, &[]);
}
