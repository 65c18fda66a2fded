//! The frames of `examples/appview.rs`: what is split is put together again, and each rule, broken, is noticed.

#[path = "../examples/appview/frames.rs"]
mod frames;

use proptest::prelude::*;

use frames::{Assembly, LARGEST, LONGEST, Violation, Way, split};

fn frame(metadata: &str, part: &[u8]) -> Vec<u8> {
    [metadata.as_bytes(), &[0], part].concat()
}

/// What comes of these frames of a request.
fn request(frames: &[Vec<u8>]) -> Result<Option<(u64, Vec<u8>)>, Violation> {
    let mut assembly = Assembly::of_request();
    frames.iter().try_fold(None, |_, frame| assembly.take(frame))
}

/// What comes of these frames of the reply to request 5.
fn reply(frames: &[Vec<u8>]) -> Result<Option<(u64, Vec<u8>)>, Violation> {
    let mut assembly = Assembly::of_reply(5);
    frames.iter().try_fold(None, |_, frame| assembly.take(frame))
}

#[test]
fn the_messages_of_the_protocol_are_understood() {
    let ask = frame(r#"{"req":0,"uniq":1234,"remain":9}"#, br#"{"req":0}"#);
    assert_eq!(request(&[ask]), Ok(Some((1234, br#"{"req":0}"#.to_vec()))));
    let parts = [
        frame(r#"{"status":206,"uniq":5,"remain":6}"#, b"abcd"),
        frame(r#"{"status":200,"uniq":5,"remain":2}"#, b"ef"),
    ];
    assert_eq!(reply(&parts), Ok(Some((5, b"abcdef".to_vec()))));
    assert_eq!(reply(&parts[..1]), Ok(None));
}

#[test]
fn a_frame_that_is_none() {
    let long = vec![b' '; LONGEST + 1];
    assert_eq!(request(&[long]), Err(Violation::TooLong(LONGEST + 1)));
    assert_eq!(request(&[b"{}".to_vec()]), Err(Violation::NoMetadata));
    assert!(matches!(request(&[frame("{", b"")]), Err(Violation::Malformed(_))));
    for lacking in [r#"{"uniq":1,"remain":0}"#, r#"{"req":0,"remain":0}"#, r#"{"req":0,"uniq":1}"#] {
        assert!(matches!(request(&[frame(lacking, b"")]), Err(Violation::Malformed(_))), "{lacking}");
    }
    // A reply is no request, nor a negative number a number.
    let other = frame(r#"{"status":200,"uniq":1,"remain":0}"#, b"");
    assert!(matches!(request(&[other]), Err(Violation::Malformed(_))));
    let negative = frame(r#"{"req":0,"uniq":1,"remain":-1}"#, b"");
    assert!(matches!(request(&[negative]), Err(Violation::Malformed(_))));
}

#[test]
fn a_mark_that_there_is_none_of() {
    assert_eq!(request(&[frame(r#"{"req":2,"uniq":1,"remain":1}"#, b"x")]), Err(Violation::Mark(2)));
    assert_eq!(reply(&[frame(r#"{"status":100,"uniq":5,"remain":1}"#, b"x")]), Err(Violation::Mark(100)));
}

#[test]
fn another_number_than_the_first_frames_or_the_requests() {
    let parts = [frame(r#"{"req":1,"uniq":7,"remain":4}"#, b"ab"), frame(r#"{"req":0,"uniq":8,"remain":2}"#, b"cd")];
    assert_eq!(request(&parts), Err(Violation::Uniq { expected: 7, came: 8 }));
    let other = frame(r#"{"status":200,"uniq":6,"remain":1}"#, b"x");
    assert_eq!(reply(&[other]), Err(Violation::Uniq { expected: 5, came: 6 }));
}

#[test]
fn what_remains_does_not_fall_as_it_should() {
    let first = frame(r#"{"req":1,"uniq":7,"remain":4}"#, b"ab");
    for (came, next) in [(4, r#"{"req":0,"uniq":7,"remain":4}"#), (1, r#"{"req":0,"uniq":7,"remain":1}"#)] {
        let parts = [first.clone(), frame(next, b"c")];
        assert_eq!(request(&parts), Err(Violation::Remain { expected: 2, came }));
    }
    assert_eq!(request(&[frame(r#"{"req":1,"uniq":7,"remain":4}"#, b"")]), Err(Violation::Empty));
    let overrun = frame(r#"{"req":0,"uniq":7,"remain":1}"#, b"ab");
    assert_eq!(request(&[overrun]), Err(Violation::Overrun { remain: 1, came: 2 }));
    let large = frame(&format!(r#"{{"req":1,"uniq":7,"remain":{}}}"#, LARGEST + 1), b"ab");
    assert_eq!(request(&[large]), Err(Violation::TooLarge(LARGEST + 1)));
}

#[test]
fn the_mark_of_the_last_where_it_is_not_or_is_missing() {
    let early = frame(r#"{"req":0,"uniq":7,"remain":3}"#, b"ab");
    assert_eq!(request(&[early]), Err(Violation::NotTheLast { left: 1 }));
    let missing = frame(r#"{"status":206,"uniq":5,"remain":2}"#, b"ab");
    assert_eq!(reply(&[missing]), Err(Violation::TheLast));
}

proptest! {
    #[test]
    fn what_is_split_is_put_together_again(uniq: u64, body in prop::collection::vec(any::<u8>(), 0..2000)) {
        for way in [Way::Request, Way::Reply] {
            let frames = split(way, uniq, &body);
            prop_assert!(frames.iter().all(|frame| frame.len() <= LONGEST), "a frame is too long");
            let mut assembly = match way {
                Way::Request => Assembly::of_request(),
                Way::Reply => Assembly::of_reply(uniq),
            };
            for (number, frame) in frames.iter().enumerate() {
                let taken = assembly.take(frame).expect("a frame of ours");
                let expected = (number + 1 == frames.len()).then(|| (uniq, body.clone()));
                prop_assert_eq!(taken, expected);
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 0..4)) {
        let (mut request, mut reply) = (Assembly::of_request(), Assembly::of_reply(1));
        for frame in frames {
            let _ = (request.take(&frame), reply.take(&frame));
        }
    }

    #[test]
    fn no_numbers_make_it_panic(mark in 0..3_u64, remain: u64, length in 0..8_usize) {
        let metadata = format!(r#"{{"req":{mark},"status":200,"uniq":1,"remain":{remain}}}"#);
        let frame = frame(&metadata, &vec![b'x'; length]);
        let last = Assembly::of_request().take(&frame);
        prop_assert_eq!(matches!(last, Ok(Some(_))), mark == 0 && remain == length as u64);
    }
}
