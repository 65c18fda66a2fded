//! Typed procedures: any request by any number, any reply, and any bytes as a stream.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use twinring::rpc::stream::frame::{FrameReader, FrameWriter};
use twinring::rpc::{BIND, Binding, CallError, Carrier, Context, FIRST, Schema, Server};
use twinring::session::header::{Kind, Part};
use twinring::{End, NotifyError, Outcome};

/// Something of every kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub enum Value {
    /// Nothing.
    Nothing,
    /// Numbers.
    Numbers(u8, i16, u32, i64, u128),
    /// Others.
    Others {
        /// True or not.
        flag: bool,
        /// A letter.
        letter: char,
        /// Not a number, sometimes.
        real: f64,
        /// A text.
        text: Option<String>,
        /// Pairs.
        pairs: BTreeMap<u16, Vec<u8>>,
        /// Three.
        three: [i8; 3],
    },
}

twinring::interface! {
    /// What is attacked.
    pub trait Target, client TargetClient {
        fn echo(values: Vec<Value>) -> Vec<Value>;
        fn borrow(text: &str, bytes: &[u8]) -> u64;
        fn fails(value: Value) -> Result<Value, Value>;
        oneway fn event(value: Value);
    }
}

struct Serves;

impl Target for Serves {
    fn echo(&self, _: &mut Context<'_>, values: Vec<Value>) -> Vec<Value> {
        values
    }

    fn borrow(&self, _: &mut Context<'_>, text: &str, bytes: &[u8]) -> u64 {
        (text.len() + bytes.len()) as u64
    }

    fn fails(&self, _: &mut Context<'_>, value: Value) -> Result<Value, Value> {
        if value == Value::Nothing { Ok(value) } else { Err(value) }
    }

    fn event(&self, _: &mut Context<'_>, _value: Value) {}
}

/// Answers every call with the same bytes.
struct Says<'a>(&'a [u8]);

impl Carrier for Says<'_> {
    fn call(&mut self, _: u32, _: &[u8], reply: &mut Vec<u8>, _: Option<Duration>) -> Result<(), twinring::CallError> {
        reply.clear();
        reply.extend_from_slice(self.0);
        Ok(())
    }

    fn notify(&mut self, _: u32, _: &[u8]) -> Result<(), NotifyError> {
        Ok(())
    }
}

/// A server answers everything, a client takes no reply for what it is not, and a stream is read as it was written or ends; nothing
/// panics.
pub fn rpc_dispatch(data: &[u8]) {
    let Some((&choice, rest)) = data.split_first() else { return };
    match choice % 4 {
        0 => dispatch(rest),
        1 => receive(rest),
        2 => bind(rest),
        _ => stream(rest),
    }
}

/// The first byte is the number, the rest a request.
fn dispatch(data: &[u8]) {
    let Some((&number, request)) = data.split_first() else { return };
    let number = if number == 255 { BIND } else { FIRST + u32::from(number % 6) };
    let server = Server::new().register::<dyn Target>(Arc::new(Serves));
    let mut reply = vec![77; 3];
    match server.run(number, request, &mut reply, &mut Says(&[])) {
        // The highest outcomes are those of panics and of what cannot be encoded.
        Ok(()) if number != BIND => assert!(reply.first().is_some_and(|&outcome| outcome <= 2), "{reply:?}"),
        // A question with as many differences as there may be.
        Ok(()) => assert!(reply.len() < 100 * 300 + request.len(), "{} bytes", reply.len()),
        Err(_) => assert!(number == BIND || number >= FIRST + 3),
    }
    server.run_event(number, request, &mut Says(&[]));
}

/// What a client makes of a reply.
fn receive(reply: &[u8]) {
    // Bound without asking anybody: any three numbers and one more.
    let binding = Binding::<dyn Target>::ask(&mut Says(&[0, 4, 1, 2, 3, 4])).expect("four numbers");
    let mut client = TargetClient::bound(Says(reply), binding);
    let returned = |outcome: Option<Outcome>| match reply.first() {
        Some(0) => assert!(outcome.is_none_or(|outcome| outcome == Outcome::Ran)),
        Some(2) => assert_eq!(outcome, Some(Outcome::NotRun)),
        _ => assert_eq!(outcome, Some(Outcome::Ran)),
    };
    returned(client.echo(Vec::new()).err().map(|error| error.outcome()));
    returned(client.borrow("", b"").err().map(|error| error.outcome()));
    let failed = client.fails(Value::Nothing);
    returned(failed.as_ref().err().map(CallError::outcome));
    assert!(!matches!(failed, Err(CallError::Procedure(_))) || reply[0] == 1);
}

/// What a client makes of an answer to binding.
fn bind(answer: &[u8]) {
    match TargetClient::bind(Says(answer)) {
        Ok(_) => assert_eq!((answer[0], varint(&answer[1..])), (0, 4)),
        Err(error) => assert!(!error.to_string().contains(char::is_control)),
    }
}

/// A number in groups of seven bits, the lowest first. It may take more bytes than it needs.
fn varint(bytes: &[u8]) -> u64 {
    let last = bytes.iter().position(|byte| byte & 0x80 == 0).expect("a last byte");
    bytes[..=last].iter().rev().fold(0, |number, byte| number << 7 | u64::from(byte & 0x7f))
}

/// Bytes that come in pieces.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let piece = buffer.len().min(self.1);
        self.0.read(&mut buffer[..piece])
    }
}

/// The first byte says in which pieces the rest comes.
fn stream(data: &[u8]) {
    const LARGEST: u64 = 300;
    let Some((&piece, bytes)) = data.split_first() else { return };
    let mut reader = FrameReader::new(Pieces(bytes, usize::from(piece) + 1), LARGEST);
    let (mut payload, mut writer, mut written) = (Vec::new(), Vec::new(), 0);
    let end = loop {
        match reader.read(&mut payload) {
            Ok(header) => {
                assert!(payload.len() as u64 <= LARGEST && header.part == Part::First && header.remaining == 0);
                assert!(header.kind != Kind::Hello || header.id == 0);
                FrameWriter::new(&mut writer).write(header, &payload).expect("memory");
                assert_eq!(writer[written..], bytes[written..writer.len()], "it is written as it was read");
                written = writer.len();
            }
            Err(end) => break end,
        }
    };
    assert!(payload.capacity() <= 4096, "{} bytes for {}", payload.capacity(), bytes.len());
    assert_eq!(end == End::Closed, written == bytes.len());
}
