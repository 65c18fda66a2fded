//! The other side of a session, played by hand. It answers calls before they are made, makes many at once, and takes what
//! comes without looking at it: so one side of a call can be run by itself, on one thread, without waiting.

use std::io::IoSlice;

use twinring::session::header::{Header, Kind, Status};
use twinring::session::hello::Hello;
use twinring::{Options, Receiver, Sender, WaitStrategy};

use super::side::Side;

/// What the peer accepts: what a session accepts by default.
const HELLO: Hello = Hello { calls: 64, open: 8, largest: 64 << 20 };

/// What the peer sends with.
pub struct Mouth {
    sender: Sender,
    payload: Vec<u8>,
    id: u64,
}

/// What the peer takes with.
pub struct Ear {
    receiver: Receiver,
}

/// A session, and its peer, whose messages have `size` bytes.
pub fn beside<S: Side>(size: usize) -> (S, Mouth, Ear) {
    let (here, there) = Options::new().wait(WaitStrategy::Spin).pair().expect("a pair");
    let (sender, receiver) = there.split();
    let (mut mouth, mut ear) = (Mouth { sender, payload: vec![7; size], id: S::FIRST }, Ear { receiver });
    mouth.say(Kind::Hello, 0, &HELLO.bytes());
    let session = S::new(here);
    ear.take(1);
    (session, mouth, ear)
}

impl Mouth {
    /// Sends `times` replies: to the calls that will be made next.
    pub fn reply(&mut self, times: usize) {
        self.repeat(Kind::Reply(Status::Ok), times);
    }

    /// Makes `times` calls.
    pub fn call(&mut self, times: usize) {
        self.repeat(Kind::Call, times);
    }

    /// Sends `times` events.
    pub fn notify(&mut self, times: usize) {
        self.repeat(Kind::Event, times);
    }

    fn repeat(&mut self, kind: Kind, times: usize) {
        let payload = std::mem::take(&mut self.payload);
        for _ in 0..times {
            self.say(kind, self.id, &payload);
            self.id += 1;
        }
        self.payload = payload;
    }

    fn say(&mut self, kind: Kind, id: u64, payload: &[u8]) {
        let header = Header::whole(kind, id, 0).bytes();
        self.sender.send_vectored(&[IoSlice::new(&header), IoSlice::new(payload)]).expect("room");
    }
}

impl Ear {
    /// Takes `times` messages, which have come.
    pub fn take(&mut self, times: usize) {
        for _ in 0..times {
            drop(self.receiver.try_recv().expect("a message"));
        }
    }
}
