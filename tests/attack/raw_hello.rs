//! A session's hello, said by hand.

use twinring::Sender;
use twinring::session::header::{Header, Kind};
use twinring::session::hello::Hello;

/// Says hello as an honest side does, and need never say anything else.
pub fn say_hello(sender: &mut Sender) {
    let hello = Hello { calls: 64, open: 8, largest: 1 << 20 };
    let bytes: Vec<u8> = Header::whole(Kind::Hello, 0, 0).bytes().into_iter().chain(hello.bytes()).collect();
    sender.send(&bytes).expect("room");
}
