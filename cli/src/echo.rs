//! `twinring echo`: sends every message back.

use twinring::{Connection, End, Options, SendError};

use crate::args::{Core, Over};
use crate::cores::{self, Side};
use crate::failure::Failure;
use crate::measure::plan::Mode;
use crate::show::units;
use crate::talk::who;

/// Serves one connection after another, for ever.
///
/// # Errors
///
/// If the name cannot be listened at, or the core not be used. A peer that dies or misbehaves is told of, and the next one
/// served.
pub fn run(name: &str, wait: Mode, core: Option<Core>, over: Over) -> Result<(), Failure> {
    let core = cores::take_one(core, Side::Answering, wait == Mode::Spin)?;
    let mut listener = Options::new().wait(wait.strategy()).transport(over.transport()).bind(name)?;
    eprintln!("twinring: echoing at {}{}; end it with Ctrl-C", listener.path().display(), cores::whereabouts(core));
    loop {
        let connection = listener.accept()?;
        let peer = who(connection.peer());
        eprintln!("twinring: {peer} connected");
        let (messages, end) = serve(connection);
        eprintln!("twinring: {peer}: {end}, after {}", units::counted(messages, "message"));
    }
}

/// Sends every message back until the peer leaves: how many, and how it ended.
fn serve(connection: Connection) -> (u64, SendError) {
    let (mut sender, mut receiver) = connection.split();
    for answered in 0.. {
        let message = match receiver.recv() {
            Ok(message) => message,
            Err(end) => return (answered, end.into()),
        };
        match sender.reserve(message.len()) {
            Ok(mut room) => {
                message.copy_to(room.as_mut_slice());
                room.commit();
            }
            Err(error) => return (answered, error),
        }
    }
    (u64::MAX, End::Closed.into())
}
