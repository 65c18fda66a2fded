//! A side of a session by hand: frames of one's own choosing through a real connection.

use std::io::IoSlice;
use std::time::Duration;

use twinring::session::header::{Header, Kind, LENGTH, Part};
use twinring::session::hello::Hello;
use twinring::{Connection, Receiver, Sender};

use crate::waits::LONG;

/// What an honest side accepts.
pub const HELLO: Hello = Hello { calls: 64, open: 8, largest: 64 << 20 };

/// The two ends, behind an exchanged hello.
pub struct RawSide {
    /// Sends frames.
    pub sender: Sender,
    /// Receives them.
    pub receiver: Receiver,
}

/// A frame.
pub fn frame(kind: Kind, part: Part, id: u64, selector: u32, remaining: u32) -> Header {
    Header { kind, part, id, selector, remaining }
}

impl RawSide {
    /// Says hello; what the other side says is the first frame that is received.
    pub fn new(connection: Connection) -> Self {
        Self::accepting(connection, HELLO)
    }

    /// The same, accepting something else.
    pub fn accepting(connection: Connection, hello: Hello) -> Self {
        let (sender, receiver) = connection.split();
        let mut side = Self { sender, receiver };
        side.send(Header::whole(Kind::Hello, 0, 0), &hello.bytes());
        side
    }

    /// Sends a frame.
    pub fn send(&mut self, header: Header, payload: &[u8]) {
        self.sender
            .send_vectored(&[IoSlice::new(&header.bytes()), IoSlice::new(payload)])
            .expect("a peer that listens");
    }

    /// Sends a frame whose header is anything.
    pub fn send_words(&mut self, words: [u64; 2], payload: &[u8]) {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.sender.send_vectored(&[IoSlice::new(&bytes), IoSlice::new(payload)]).expect("a peer that listens");
    }

    /// The next frame.
    pub fn receive(&mut self) -> (Header, Vec<u8>) {
        self.receive_in(LONG).expect("a frame")
    }

    /// The next frame, if it comes in time.
    pub fn receive_in(&mut self, timeout: Duration) -> Option<(Header, Vec<u8>)> {
        let bytes = self.receiver.recv_timeout(timeout).ok()?.to_vec();
        let (header, payload) = bytes.split_at(LENGTH);
        let header = Header::parse(words(header)).expect("an honest header");
        Some((header, payload.to_vec()))
    }

    /// The next frame that is no hello.
    pub fn receive_message(&mut self) -> (Header, Vec<u8>) {
        loop {
            let received = self.receive();
            if received.0.kind != Kind::Hello {
                return received;
            }
        }
    }
}

/// The two words of a header.
fn words(bytes: &[u8]) -> [u64; 2] {
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("a word"));
    [word(0), word(8)]
}
