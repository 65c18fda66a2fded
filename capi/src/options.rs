//! What a side may choose before it connects.
#![allow(unsafe_code, reason = "exported names; nothing is done that needs trust")]

use twinring::{Credentials, Decision, WaitStrategy};

use crate::boundary::{guarded, guarded_or};
use crate::failure::Failure;
use crate::from_c::{Text, UserData, given, time};
use crate::peer::Peer;
use crate::status::Status;

/// How a side waits.
#[repr(i32)]
#[derive(Clone, Copy)]
pub enum Wait {
    /// It never sleeps: for the last nanosecond, with a core to spare. The peer is promised so.
    Spin = 0,
    /// It spins about as long as a sleep would cost, then sleeps. The default.
    SpinThenPark = 1,
    /// It sleeps at once.
    Park = 2,
}

/// What may carry the messages of a connection.
#[repr(i32)]
#[derive(Clone, Copy)]
pub enum Transport {
    /// Rings in shared memory. The default.
    SharedMemory = 0,
    /// The socket itself, and no shared memory: for sandboxes that forbid shared mappings. A message costs system calls.
    Socket = 1,
    /// Shared memory, or the socket if either side cannot or will not share memory.
    Any = 2,
}

impl From<twinring::Transport> for Transport {
    fn from(transport: twinring::Transport) -> Self {
        match transport {
            twinring::Transport::SharedMemory => Self::SharedMemory,
            twinring::Transport::Socket => Self::Socket,
            twinring::Transport::Any => Self::Any,
        }
    }
}

/// What can be chosen about a connection. Null in its place stands for the defaults.
pub struct Options(pub twinring::Options);

/// The chosen options, or the defaults.
pub fn chosen(options: Option<&Options>) -> twinring::Options {
    options.map(|options| options.0.clone()).unwrap_or_default()
}

/// Decides who may be at the other end: null lets `peer` in, a text refuses it for that reason, which it is told. The text is
/// copied at once. `peer` is valid during the call.
pub type Authorise = Option<extern "C" fn(peer: &Peer, user_data: UserData) -> Text>;

fn change(
    options: Option<&mut Options>,
    change: impl FnOnce(twinring::Options) -> Result<twinring::Options, Failure>,
) -> Status {
    guarded(|| {
        let options = given(options, "options")?;
        options.0 = change(options.0.clone())?;
        Ok(())
    })
}

/// The defaults. Free it with twinring_options_free(); what was made with it does not need it any more. Null if there is no memory
/// for it. Threads: any; then one at a time, or many that only pass it.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_options_new() -> Option<Box<Options>> {
    guarded_or(None, || Some(Box::new(Options(twinring::Options::new()))))
}

/// Frees options; null is nothing. Threads: one, as the last use.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_options_free(options: Option<Box<Options>>) {
    guarded_or((), || drop(options));
}

/// The size in bytes of the ring that this side sends through: rounded up to a power of two between 4 KiB and 256 MiB; 1 MiB if
/// not chosen. The largest message is about 7/16 of it. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_options_ring_capacity(options: Option<&mut Options>, bytes: usize) -> Status {
    change(options, |options| Ok(options.ring_capacity(bytes)))
}

/// The largest ring in bytes that the peer may send through; 256 MiB if not chosen. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_options_largest_peer_ring(options: Option<&mut Options>, bytes: usize) -> Status {
    change(options, |options| Ok(options.largest_peer_ring(bytes)))
}

/// How this side waits: a value of twinring_wait. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_options_wait(options: Option<&mut Options>, wait: i32) -> Status {
    change(options, |options| Ok(options.wait(strategy(wait)?)))
}

fn strategy(wait: i32) -> Result<WaitStrategy, Failure> {
    match wait {
        _ if wait == Wait::Spin as i32 => Ok(WaitStrategy::Spin),
        _ if wait == Wait::SpinThenPark as i32 => Ok(WaitStrategy::SpinThenPark),
        _ if wait == Wait::Park as i32 => Ok(WaitStrategy::Park),
        _ => Err(Failure::bad_argument(format!("expected a twinring_wait of 0, 1 or 2, got {wait}"))),
    }
}

/// What may carry the messages: a value of twinring_transport. The two sides have to agree, or there is no connection:
/// TWINRING_HANDSHAKE for one, TWINRING_REFUSED for the other. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_options_transport(options: Option<&mut Options>, transport: i32) -> Status {
    change(options, |options| Ok(options.transport(carrier(transport)?)))
}

fn carrier(transport: i32) -> Result<twinring::Transport, Failure> {
    match transport {
        _ if transport == Transport::SharedMemory as i32 => Ok(twinring::Transport::SharedMemory),
        _ if transport == Transport::Socket as i32 => Ok(twinring::Transport::Socket),
        _ if transport == Transport::Any as i32 => Ok(twinring::Transport::Any),
        _ => Err(Failure::bad_argument(format!("expected a twinring_transport of 0, 1 or 2, got {transport}"))),
    }
}

/// Whether this side's half should lie in huge pages, if there are any. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_options_huge_pages(options: Option<&mut Options>, wanted: bool) -> Status {
    change(options, |options| Ok(options.huge_pages(wanted)))
}

/// How long a listener lets a client take for its handshake, in nanoseconds, not negative; 2 s if not chosen. Threads: one at a
/// time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_options_handshake_timeout(options: Option<&mut Options>, nanoseconds: i64) -> Status {
    change(options, |options| {
        let time = time(nanoseconds).ok_or_else(|| {
            Failure::bad_argument(format!("expected a time that is not negative, got {nanoseconds} ns"))
        })?;
        Ok(options.handshake_timeout(time))
    })
}

/// The permissions of a listener's socket; 0600 if not chosen. Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_options_socket_mode(options: Option<&mut Options>, mode: u32) -> Status {
    change(options, |options| Ok(options.socket_mode(mode)))
}

/// Who may be at the other end, by the kernel's word: `authorise` is asked by listeners and by connectors, each about the other; only
/// processes of the same effective user if not chosen. `user_data` is handed to it as it is, and must live as long as what is
/// made with these options. It runs on the thread that connects or accepts, possibly on several at once, and must not throw.
/// Threads: one at a time.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_options_authorise(
    options: Option<&mut Options>,
    authorise: Authorise,
    user_data: UserData,
) -> Status {
    change(options, |options| {
        let authorise = given(authorise, "authorise")?;
        Ok(options.authorise(move |found: &Credentials| decide(authorise, found, user_data)))
    })
}

fn decide(authorise: extern "C" fn(&Peer, UserData) -> Text, found: &Credentials, user_data: UserData) -> Decision {
    authorise(&Peer::from(found), user_data).lossy().map_or(Decision::Accept, Decision::Refuse)
}
