//! The header word of a frame.

use arbitrary::{Arbitrary, Unstructured};
use twinring::ring::{Header, Kind};

use super::lies::Lie;
use super::oracle::{self, Said};

/// A header word and the largest payload that its reader allows.
#[derive(Debug, Arbitrary)]
struct Input {
    word: Lie,
    largest: u32,
}

/// `Header::parse` says what the table of bits says, and what it accepts is written back as the same word.
pub fn frame(data: &[u8]) {
    if let Ok(Input { word, largest }) = Input::arbitrary(&mut Unstructured::new(data)) {
        check(word.instead_of(0), largest as usize);
    }
}

fn check(word: u64, largest: usize) {
    let parsed = Header::parse(word, largest);
    match (oracle::said(word, largest), parsed) {
        (Said::Data(expected), Ok(Kind::Data(length))) => {
            assert_eq!(length, expected);
            assert_eq!(Header::data(length).word(), word);
        }
        (Said::Skip, Ok(Kind::Skip)) | (Said::Fin, Ok(Kind::Fin)) => {}
        (Said::Nothing | Said::Lie, Err(corrupt)) => oracle::assert_explains(corrupt),
        (expected, parsed) => panic!("{word:#x} with at most {largest} bytes: {parsed:?}, not {expected:?}"),
    }
}
