//! Messages from fragments, as a peer sends them.

use arbitrary::{Arbitrary, Unstructured};
use twinring::session::header::{Header, Kind, Part, Status};
use twinring::session::hello::Hello;
use twinring::session::reassembly::Reassembly;

use super::fragments::{Came, Model};

#[derive(Debug, Arbitrary)]
struct Input {
    open: u8,
    largest: u16,
    frames: Vec<Frame>,
}

/// A frame: most often the next of its message.
#[derive(Debug, Arbitrary)]
enum Frame {
    First { message: u8, length: u8, remaining: u16 },
    Next { message: u8, length: u8 },
    Abort { message: u8 },
    Any { kind: u8, part: u8, id: u8, selector: u8, remaining: u16, length: u8 },
}

/// What is under way by the sender's own account: so that [`Frame::Next`] is honest.
type Accounts = [Option<u32>; 8];

/// What comes of each frame is what the rules say, up to the first lie; and what is held is never more than what came.
pub fn reassembly(data: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let accepted = Hello { calls: 1, open: u32::from(input.open % 64) + 1, largest: u64::from(input.largest) + 1 };
    let (mut reassembly, mut model) = (Reassembly::new(accepted), Model::new(accepted));
    let mut accounts = Accounts::default();
    for (number, frame) in input.frames.into_iter().enumerate() {
        let (header, length) = header(&frame, &mut accounts);
        let payload: Vec<u8> = (0..length).map(|at| (number * 31 + at) as u8).collect();
        if model.check(&mut reassembly, &header, &payload) == Came::Lie {
            return;
        }
    }
}

fn header(frame: &Frame, accounts: &mut Accounts) -> (Header, usize) {
    let honest = |message: u8, part, remaining| {
        let message = message % 8;
        let kind = [Kind::Call, Kind::Event][usize::from(message % 2)];
        Header { kind, part, id: u64::from(message / 2), selector: u32::from(message), remaining }
    };
    match *frame {
        Frame::First { message, length, remaining } => {
            accounts[usize::from(message % 8)] = Some(remaining.into());
            (honest(message, Part::First, remaining.into()), length.into())
        }
        Frame::Next { message, length } => {
            let account = &mut accounts[usize::from(message % 8)];
            let before = account.unwrap_or_default();
            let length = u32::from(length).clamp(1.min(before), before);
            *account = Some(before - length);
            (honest(message, Part::Later, before - length), length as usize)
        }
        Frame::Abort { message } => (honest(message, Part::Abort, 0), 0),
        Frame::Any { kind, part, id, selector, remaining, length } => {
            let kind =
                [Kind::Call, Kind::Event, Kind::Reply(Status::Ok), Kind::Reply(Status::Failed)][usize::from(kind % 4)];
            let part = [Part::First, Part::Later, Part::Abort][usize::from(part % 3)];
            let header = Header { kind, part, id: id.into(), selector: selector.into(), remaining: remaining.into() };
            (header, length.into())
        }
    }
}
