//! Who is there beside the attackers: an honest client of the same victim, which counts its right answers.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use twinring::{Connection, Options, Session, SessionOptions, WaitStrategy};

use crate::random::Random;
use crate::waits::LONG;

/// What is called, both ways, by everybody here.
pub const CALL: u32 = 1;

/// The places of a victim: one for messages, the others for sessions.
pub const PLAIN: &str = "plain";
pub const LOCAL: &str = "local";
pub const SHARED: &str = "shared";
pub const SERVICE: &str = "service";

/// An honest client.
pub enum Bystander {
    Plain(Box<Connection>),
    Session(Session),
}

impl Bystander {
    /// Connects to one of a victim's places, and has a first answer.
    pub fn new(directory: &Path, place: &str) -> Self {
        let options = Options::new().ring_capacity(1 << 16).wait(WaitStrategy::Park);
        let connection = options.connect(directory.join(place), LONG).expect("the victim");
        let mut bystander = match place {
            PLAIN => Self::Plain(Box::new(connection)),
            _ => {
                let options = SessionOptions::new().call_timeout(LONG);
                Self::Session(Session::new(connection, &options, crate::victim::echo()).expect("a session"))
            }
        };
        bystander.ask(b"first");
        bystander
    }

    /// Asks until it is over; how often.
    pub fn ask_until(&mut self, over: &AtomicBool) -> u64 {
        let (mut random, mut asked) = (Random::new(1), 0);
        while !over.load(Ordering::Relaxed) {
            let what: Vec<u8> = (0..random.below(2000)).map(|at| (asked as usize * 31 + at) as u8).collect();
            self.ask(&what);
            asked += 1;
        }
        asked
    }

    /// # Panics
    ///
    /// If the answer is not the question.
    fn ask(&mut self, what: &[u8]) {
        let answer = match self {
            Self::Plain(connection) => {
                let (sender, receiver) = connection.ends();
                sender.send_timeout(what, LONG).expect("room");
                receiver.recv_timeout(LONG).expect("an answer").to_vec()
            }
            Self::Session(session) => session.call(CALL, what).expect("an answer"),
        };
        assert_eq!(answer, what, "a bystander was told something else");
    }
}
