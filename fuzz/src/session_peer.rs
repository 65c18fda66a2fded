//! A peer of a session that sends any frames at all, through a real connection.

use arbitrary::{Arbitrary, Unstructured};
use twinring::session::header::{Header, Kind, Part, Status};
use twinring::session::hello::Hello;
use twinring::{
    Call, End, Event, Failure, LocalSession, Options, Sender, Session, SessionOptions, WaitStrategy, handlers,
};

#[derive(Debug, Arbitrary)]
struct Input {
    shared: bool,
    hello: Option<(u16, u8, u32)>,
    frames: Vec<Frame>,
}

#[derive(Debug, Arbitrary)]
enum Frame {
    Message { kind: u8, status: u8, part: u8, id: u8, selector: u8, remaining: u16, length: u8 },
    Words { first: u64, second: u64, length: u8 },
    Short(u8),
    Dispatch,
}

/// The largest message, and how many may be under way.
const LARGEST: usize = 2000;
const OPEN: u32 = 3;

/// The victim handles what is honest, ends for good at the first lie, and never panics or blocks.
pub fn session_peer(data: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let options = Options::new().ring_capacity(4096).wait(WaitStrategy::Spin);
    let (here, there) = options.pair().expect("a pair");
    let (mut sender, mut receiver) = here.split();
    let mut victim = Victim::new(there, input.shared);
    let (calls, open, largest) = input.hello.unwrap_or((8, 2, 1000));
    let hello = Hello { calls: calls.into(), open: open.into(), largest: largest.into() };
    send(&mut sender, Header::whole(Kind::Hello, 0, 0).bytes(), &hello.bytes());
    let mut ended = victim.dispatch();
    for frame in input.frames.iter().take(200) {
        match *frame {
            Frame::Dispatch => {}
            Frame::Short(length) => drop(sender.try_send(&[7; 15][..usize::from(length % 16)])),
            Frame::Words { first, second, length } => {
                let mut header = [0; 16];
                header[..8].copy_from_slice(&first.to_le_bytes());
                header[8..].copy_from_slice(&second.to_le_bytes());
                send(&mut sender, header, &[7; 255][..length.into()]);
            }
            Frame::Message { .. } => {
                let (header, length) = header(frame);
                send(&mut sender, header.bytes(), &vec![7; length]);
            }
        }
        let now = victim.dispatch();
        if let Some(before) = ended {
            assert_eq!(now, Some(before), "an end is final");
        }
        ended = now;
        // What it answers is taken, so that it has room.
        let _ = receiver.drain(1000, |_| ());
    }
}

fn header(frame: &Frame) -> (Header, usize) {
    let Frame::Message { kind, status, part, id, selector, remaining, length } = *frame else {
        return (Header::whole(Kind::Event, 0, 0), 0);
    };
    let status = [
        Status::Ok,
        Status::NoSelector,
        Status::Failed,
        Status::TooLarge,
        Status::Refused,
        Status::Overloaded,
        Status::NotAnswered,
    ][usize::from(status % 7)];
    let kind = [Kind::Call, Kind::Event, Kind::Reply(status), Kind::Hello][usize::from(kind % 13) % 4];
    let part = [Part::First, Part::First, Part::Later, Part::Abort][usize::from(part % 4)];
    let header = Header {
        kind,
        part,
        id: u64::from(id % 8),
        selector: (selector % 4).into(),
        remaining: u32::from(remaining % 2048),
    };
    (header, usize::from(length) * 3)
}

fn send(sender: &mut Sender, header: [u8; 16], payload: &[u8]) {
    // A victim that has ended takes nothing in any more: the ring fills up.
    let length = header.len() + payload.len();
    if let Ok(mut room) = sender.try_reserve(length) {
        room.write_at(0, &header);
        room.write_at(header.len(), payload);
        room.commit();
    }
}

type Handled = Box<dyn twinring::Handler + Send + Sync>;

enum Victim {
    Local(Box<LocalSession<Boxed>>),
    Shared(Session),
}

struct Boxed(Handled);

impl twinring::Handler for Boxed {
    fn call(&self, call: &mut Call<'_>) -> Result<(), Failure> {
        self.0.call(call)
    }

    fn event(&self, event: &mut Event<'_>) {
        self.0.event(event);
    }
}

impl Victim {
    fn new(connection: twinring::Connection, shared: bool) -> Self {
        let options =
            SessionOptions::new().largest_message(LARGEST).open_messages(OPEN).calls_in_flight(4).listener(false);
        let handler: Handled = Box::new(handlers(
            |call: &mut Call<'_>| {
                assert!(call.payload().len() <= LARGEST);
                match call.selector() {
                    0 => call.reply().extend_from_slice(&[1; 8]),
                    1 => return Err(Failure::new("no")),
                    2 => drop(call.defer()),
                    _ => return Err(Failure::no_selector()),
                }
                Ok(())
            },
            |event: &mut Event<'_>| assert!(event.payload().len() <= LARGEST),
        ));
        if shared {
            Self::Shared(Session::new(connection, &options, Boxed(handler)).expect("a session"))
        } else {
            Self::Local(Box::new(LocalSession::new(connection, &options, Boxed(handler))))
        }
    }

    fn dispatch(&mut self) -> Option<End> {
        let handled = match self {
            Self::Local(session) => session.dispatch(),
            Self::Shared(session) => session.dispatch(),
        };
        handled.err()
    }
}
