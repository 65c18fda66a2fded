//! Messages from fragments, put together by somebody else: what a reassembly is checked against.

use twinring::session::header::{Header, Kind, Part};
use twinring::session::hello::Hello;
use twinring::session::reassembly::{Place, Reassembly};

/// The reference model: what is under way, and by which rules.
#[derive(Debug)]
pub struct Model {
    accepted: Hello,
    open: Vec<Message>,
    received: usize,
}

#[derive(Clone, Debug)]
struct Message {
    kind: Kind,
    id: u64,
    selector: u32,
    remaining: u64,
    payload: Vec<u8>,
}

/// What comes of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// A message, which is complete now.
    Complete(Vec<u8>),
    /// A part of one.
    Part,
    /// It ends a message that is given up, of which so much had come.
    GivenUp(Vec<u8>),
    /// No honest peer would have sent it.
    Lie,
}

impl Model {
    /// Nothing is under way.
    pub fn new(accepted: Hello) -> Self {
        Self { accepted, open: Vec::new(), received: 0 }
    }

    /// What comes of this frame, by the rules of the protocol.
    fn take(&mut self, header: &Header, payload: &[u8]) -> Came {
        self.received += payload.len();
        let found = self.open.iter().position(|open| open.kind == header.kind && open.id == header.id);
        let Some(found) = found else { return self.begin(header, payload) };
        let mut open = self.open.swap_remove(found);
        match header.part {
            Part::First => Came::Lie,
            Part::Abort if payload.is_empty() => Came::GivenUp(open.payload),
            Part::Abort => Came::Lie,
            Part::Later => {
                let length = payload.len() as u64;
                let falls =
                    (1..=open.remaining).contains(&length) && open.remaining - length == u64::from(header.remaining);
                if !falls || open.selector != header.selector {
                    return Came::Lie;
                }
                open.remaining -= length;
                open.payload.extend_from_slice(payload);
                if open.remaining == 0 {
                    return Came::Complete(open.payload);
                }
                self.open.push(open);
                Came::Part
            }
        }
    }

    fn begin(&mut self, header: &Header, payload: &[u8]) -> Came {
        let total = payload.len() as u64 + u64::from(header.remaining);
        if header.part != Part::First || total > self.accepted.largest {
            return Came::Lie;
        }
        if header.remaining == 0 {
            return Came::Complete(payload.to_vec());
        }
        if payload.is_empty() || self.open.len() as u64 == u64::from(self.accepted.open) {
            return Came::Lie;
        }
        let Header { kind, id, selector, remaining, .. } = *header;
        self.open.push(Message { kind, id, selector, remaining: remaining.into(), payload: payload.to_vec() });
        Came::Part
    }

    /// Gives the frame to a reassembly and checks what it says; returns that.
    pub fn check(&mut self, reassembly: &mut Reassembly, header: &Header, payload: &[u8]) -> Came {
        let expected = self.take(header, payload);
        let came = match reassembly.place(header, payload.len(), Vec::new) {
            Ok(Place::Whole) => Came::Complete(payload.to_vec()),
            Ok(Place::Last(mut message)) => {
                message.extend_from_slice(payload);
                Came::Complete(message)
            }
            Ok(Place::Middle(message)) => {
                message.extend_from_slice(payload);
                Came::Part
            }
            Ok(Place::Nowhere(message)) => Came::GivenUp(message),
            Err(corrupt) => {
                assert!(!(corrupt.least..=corrupt.most).contains(&corrupt.seen), "{corrupt}");
                Came::Lie
            }
        };
        assert_eq!(came, expected, "{header:?} with {} bytes", payload.len());
        if came != Came::Lie {
            assert_eq!(reassembly.under_way(), self.open.len());
            assert_eq!(reassembly.held(), self.open.iter().map(|open| open.payload.len()).sum::<usize>());
        }
        assert!(reassembly.under_way() <= self.accepted.open as usize);
        assert!(reassembly.held() <= self.received, "more is held than came");
        came
    }
}
