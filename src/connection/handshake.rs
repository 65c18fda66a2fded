//! The states between a connected socket and a connection, as types: each takes the one packet that is due and becomes
//! the next.
//!
//! | connector | packet | listener |
//! |---|---|---|
//! | [`Connecting`] | HELLO: versions, features → | [`Listening`] |
//! | [`Greeting`] | ← WELCOME: version, features, the listener's half (or REFUSED) | authorises |
//! | [`Confirming`] | the connector's half → | [`Exchanging`] |
//! | established | ← READY (or REFUSED) | established |
//!
//! None of them blocks, so a listener drives many side by side, and one that says nothing holds up nobody.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::error::{HandshakeError, SetupError};
use super::established::{Connection, Halves, Parts};
use super::half::{ForeignHalf, OwnHalf, PAGE};
use super::options::{Decision, Options};
use super::side::Side;
use super::terms::Attached;
use super::transport::Transport;
use super::wire::{Features, LONGEST, Message};
use crate::os::credentials::Credentials;
use crate::os::passing::{self, Doorway, Passed};
use crate::os::{membarrier, socket};
use crate::region::{Half, VERSION};
use crate::ring::Corrupt;
use crate::trace::tell;
use crate::wait::WaitStrategy;

/// How a side learns who its peer is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Identity {
    /// From the socket: who connected, or who listened.
    OfSocket(Credentials),
    /// From the packets: an inherited socket only tells who made it.
    OfPackets,
}

/// What every state carries.
pub(super) struct Handshake {
    socket: Doorway,
    options: Options,
    identity: Identity,
    /// What the peer was accepted with.
    attached: Option<Attached>,
    /// The process that the peer was found to be by a packet, or why the kernel has none.
    process: Option<io::Result<OwnedFd>>,
}

/// A listener's state before HELLO.
pub(super) struct Listening(Handshake);

/// A listener's state after WELCOME: the connector's half is due.
pub(super) struct Exchanging {
    handshake: Handshake,
    peer: Credentials,
    own: Own,
    features: Features,
}

/// What this side brings along.
enum Own {
    /// Its half, to be shared.
    Shared(OwnHalf),
    /// The shape of a half that it keeps to itself.
    Carried(Half),
}

/// A connector's state before HELLO.
pub(super) struct Connecting(Handshake);

/// A connector's state after HELLO: WELCOME is due. Its half is there already if that was to be tried.
pub(crate) struct Greeting(Handshake, Option<OwnHalf>);

/// A connector's state after it sent its half: READY is due.
pub(crate) struct Confirming {
    handshake: Handshake,
    peer: Credentials,
    halves: Halves,
    features: Features,
}

/// A packet of the handshake, taken apart.
struct Received {
    message: Message,
    descriptor: Option<Passed>,
    sender: Option<Credentials>,
    process: Option<io::Result<OwnedFd>>,
}

impl Received {
    fn file(&self) -> Option<&OwnedFd> {
        self.descriptor.as_ref().map(Passed::get)
    }
}

impl Handshake {
    pub(super) fn new(socket: OwnedFd, options: Options, identity: Identity) -> Result<Self, HandshakeError> {
        if matches!(identity, Identity::OfPackets) {
            socket::show_credentials(socket.as_fd()).map_err(SetupError::Socket)?;
        }
        Ok(Self { socket: Doorway::new(socket), options, identity, attached: None, process: None })
    }

    fn features(&self) -> Features {
        let membarrier = if membarrier::register() { Features::MEMBARRIER } else { 0 };
        let spins = if self.options.wait == WaitStrategy::Spin { Features::SPINS } else { 0 };
        Features(membarrier | spins | self.options.transport.features())
    }

    fn send(&self, message: &Message, descriptor: Option<&OwnedFd>) -> Result<(), HandshakeError> {
        let sent = socket::send_packet(self.socket.as_fd(), &message.encode(), descriptor.map(AsFd::as_fd));
        sent.map_err(HandshakeError::of_sending)
    }

    /// The packet that is due, or `None` if it has not come yet. Who sends one that is malformed is told so.
    fn receive(&self) -> Result<Option<Received>, HandshakeError> {
        self.take().map_err(|error| self.refuse(error))
    }

    fn take(&self) -> Result<Option<Received>, HandshakeError> {
        let mut buffer = [0; LONGEST];
        let packet = match socket::receive_packet(self.socket.as_fd(), &mut buffer) {
            Ok(None) => return Ok(None),
            Ok(Some(packet)) if packet.length == 0 => return Err(HandshakeError::HungUp),
            Ok(Some(packet)) => packet,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Err(HandshakeError::HungUp),
            Err(error) => return Err(SetupError::Socket(error).into()),
        };
        if packet.truncated {
            let text = format!("malformed packet: expected at most {LONGEST} bytes and one descriptor, came more");
            return Err(HandshakeError::Protocol(text));
        }
        let message = Message::parse(&buffer[..packet.length])?;
        let mut descriptors = packet.descriptors;
        let expected = usize::from(message.half().is_some_and(|half| half.bytes > 0 || !descriptors.is_empty()));
        if descriptors.len() != expected {
            let (name, due, came) = (message.name(), ["no", "one"][expected], descriptors.len());
            let text = format!("malformed packet: expected {due} descriptor with {name}, came {came}");
            return Err(HandshakeError::Protocol(text));
        }
        if let Message::Refused { reason } = message {
            let reason = printable(&reason);
            tell!(warn, reason, "refused by the other side");
            return Err(HandshakeError::Refused { reason });
        }
        let (sender, process) = (packet.sender, packet.process);
        Ok(Some(Received { message, descriptor: descriptors.pop(), sender, process }))
    }

    /// From here on no descriptor is due. An honest peer has sent nothing beyond the one: it waits for our answer.
    fn expect_no_more(&self) -> Result<(), HandshakeError> {
        passing::allow(self.socket.as_fd(), false);
        if passing::waits(self.socket.as_fd()) {
            return Err(HandshakeError::Protocol("a packet before its turn".to_owned()));
        }
        Ok(())
    }

    /// Who the peer is, or that it may not be.
    fn authorise(&mut self, sender: Option<Credentials>) -> Result<Credentials, HandshakeError> {
        let peer = match self.identity {
            Identity::OfSocket(peer) => peer,
            Identity::OfPackets => sender.unwrap_or(Credentials { pid: None, uid: None, gid: None }),
        };
        match self.options.decide(&peer) {
            Decision::Accept => Ok(peer),
            Decision::AcceptWith(terms) => {
                self.options.grant(&terms);
                self.attached = terms.attached;
                Ok(peer)
            }
            Decision::Refuse(reason) => {
                tell!(warn, peer = peer.pid, uid = peer.uid, reason, "refused");
                let told = self.send(&Message::Refused { reason: reason.clone() }, None);
                // The peer may be gone by now: it was refused all the same.
                drop(told);
                Err(HandshakeError::Unauthorised { reason })
            }
        }
    }

    /// Tells the peer why there will be no connection, as far as it is its business.
    fn refuse(&self, error: HandshakeError) -> HandshakeError {
        if let Some(reason) = reason(&error) {
            tell!(warn, reason, "no connection");
            // It may be gone by now; we report our own error in any case.
            drop(self.send(&Message::Refused { reason }, None));
        }
        error
    }
}

/// Why there will be no connection, in words for the peer that is at fault; `None` if it knows or is not there.
fn reason(error: &HandshakeError) -> Option<String> {
    Some(match error {
        HandshakeError::Timeout { .. } | HandshakeError::HungUp => return None,
        HandshakeError::Refused { .. } | HandshakeError::Unauthorised { .. } => return None,
        HandshakeError::Transport { ours, theirs } => format!("expected messages over {ours}, came {theirs}"),
        HandshakeError::Version { oldest, newest } => format!("expected version {VERSION}, came {oldest} to {newest}"),
        HandshakeError::Protocol(text) => text.clone(),
        HandshakeError::Half(text) => format!("unfit half: {text}"),
        HandshakeError::Corrupt(Corrupt { what, seen, least, most }) => {
            format!("malformed half: expected {least:#x} to {most:#x} as {what}, came {seen:#x}")
        }
        HandshakeError::Setup(_) => "out of memory or descriptors".to_owned(),
    })
}

/// A peer's text without anything that a terminal would obey.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn unexpected(message: &Message, due: &str) -> HandshakeError {
    HandshakeError::Protocol(format!("message out of order: expected {due}, came {}", message.name()))
}

/// The state after an attempt to go on: the next one, or the same if the packet has not come yet.
pub(crate) enum Step<Now, Next> {
    Waiting(Now),
    Done(Next),
}

/// A state that a socket's readability moves on.
pub(crate) trait State {
    /// The socket to wait on.
    fn socket(&self) -> BorrowedFd<'_>;

    /// What the peer has to say next.
    fn due(&self) -> &'static str;

    /// The error of a peer that has not said it by the deadline.
    fn late(&self) -> HandshakeError {
        HandshakeError::Timeout { due: self.due() }
    }
}

macro_rules! state {
    ($state:ident, $due:literal, $($handshake:tt)+) => {
        impl State for $state {
            fn socket(&self) -> BorrowedFd<'_> {
                self.$($handshake)+.socket.as_fd()
            }

            fn due(&self) -> &'static str {
                $due
            }
        }
    };
}

state!(Listening, "HELLO", 0);
state!(Exchanging, "HALF", handshake);
state!(Greeting, "WELCOME", 0);
state!(Confirming, "READY", handshake);

impl Listening {
    pub(super) fn new(handshake: Handshake) -> Self {
        passing::allow(handshake.socket.as_fd(), false);
        Self(handshake)
    }

    /// HELLO: authorises the connector, and answers with this side's half.
    pub(super) fn step(mut self) -> Result<Step<Self, Exchanging>, HandshakeError> {
        let Some(mut received) = self.0.receive()? else { return Ok(Step::Waiting(self)) };
        // Before anything is said or made for it.
        let peer = self.0.authorise(received.sender)?;
        self.0.process = received.process.take();
        match self.0.welcome(&received.message) {
            Ok((own, features)) => Ok(Step::Done(Exchanging { handshake: self.0, peer, own, features })),
            Err(error) => Err(self.0.refuse(error)),
        }
    }
}

impl Handshake {
    fn welcome(&self, message: &Message) -> Result<(Own, Features), HandshakeError> {
        let &Message::Hello { oldest, newest, features } = message else { return Err(unexpected(message, "HELLO")) };
        if !(oldest..=newest).contains(&VERSION) {
            return Err(HandshakeError::Version { oldest, newest });
        }
        let own = match self.options.transport.agree(features)? {
            Transport::Socket => self.carried(),
            _ => self.share(features)?,
        };
        let told = own.told(self.features());
        // The connector's half is due next.
        passing::allow(self.socket.as_fd(), true);
        self.send(&Message::Welcome { version: VERSION, features: told, half: own.shape() }, own.file())?;
        // What the connector can do, which is what this side may rely on.
        Ok((own, features))
    }

    /// This side's half, or none if it cannot be had and both sides can do without.
    fn share(&self, theirs: Features) -> Result<Own, HandshakeError> {
        match OwnHalf::new(&self.options) {
            Ok(own) => Ok(Own::Shared(own)),
            Err(_) if self.features().has(Features::CARRIES) && theirs.has(Features::CARRIES) => Ok(self.carried()),
            Err(error) => Err(error.into()),
        }
    }

    fn carried(&self) -> Own {
        Own::Carried(Half::with_ring(self.options.ring, PAGE))
    }

    /// What this side brought, and what the peer has announced.
    fn put_together(&self, own: Own, shape: Half, descriptor: Option<&OwnedFd>) -> Result<Halves, HandshakeError> {
        Ok(match own {
            Own::Carried(ours) => {
                let theirs = shape.check_carried(self.options.largest_ring)?;
                if descriptor.is_some() {
                    let text = "malformed packet: expected no descriptor with a half that is not shared, came 1";
                    return Err(HandshakeError::Protocol(text.to_owned()));
                }
                Halves::Carried { ours, theirs }
            }
            Own::Shared(own) => {
                let missing = || HandshakeError::Protocol("a half without a descriptor".to_owned());
                let foreign = ForeignHalf::new(shape, descriptor.ok_or_else(missing)?, &self.options)?;
                Halves::Shared { own, foreign }
            }
        })
    }
}

impl Own {
    /// What is announced of it.
    fn shape(&self) -> Half {
        match self {
            Self::Shared(own) => own.shape,
            Self::Carried(shape) => shape.carried(),
        }
    }

    fn file(&self) -> Option<&OwnedFd> {
        match self {
            Self::Shared(own) => Some(&own.file),
            Self::Carried(_) => None,
        }
    }

    /// What a listener says that it can do, with what was chosen.
    fn told(&self, features: Features) -> Features {
        match self {
            Self::Shared(_) => features,
            Self::Carried(_) => Features(features.0 | Features::CARRIES | Features::UNSHARED),
        }
    }
}

impl Exchanging {
    /// The connector's half: the connection is there.
    pub(super) fn step(self) -> Result<Step<Self, Connection>, HandshakeError> {
        let Some(received) = self.handshake.receive()? else { return Ok(Step::Waiting(self)) };
        let Self { handshake, peer, own, features } = self;
        let halves = match &received.message {
            Message::Half(shape) => handshake.put_together(own, *shape, received.file()),
            other => Err(unexpected(other, "HALF")),
        };
        let halves = halves.and_then(|halves| handshake.expect_no_more().map(|()| halves));
        let halves = halves.map_err(|error| handshake.refuse(error))?;
        // Before READY: from then on the peer may write, ring and die.
        let connection = handshake.establish(peer, halves, features, Side::Accepted)?;
        connection.send_ready()?;
        Ok(Step::Done(connection))
    }
}

impl Connecting {
    pub(super) fn new(handshake: Handshake) -> Self {
        Self(handshake)
    }

    /// Says HELLO. A listener that is known by its socket is authorised first.
    pub(super) fn greet(mut self) -> Result<Greeting, HandshakeError> {
        if matches!(self.0.identity, Identity::OfSocket(_)) {
            self.0.authorise(None)?;
        }
        let own = self.try_to_share();
        self.0.send(&Message::Hello { oldest: VERSION, newest: VERSION, features: self.0.features() }, None)?;
        Ok(Greeting(self.0, own))
    }

    /// With nothing said yet, a side that can do without shared memory finds out whether it has to.
    fn try_to_share(&mut self) -> Option<OwnHalf> {
        if self.0.options.transport != Transport::Any {
            return None;
        }
        let own = OwnHalf::new(&self.0.options).ok();
        if own.is_none() {
            self.0.options.transport = Transport::Socket;
        }
        own
    }
}

impl Greeting {
    /// WELCOME: takes the listener's half and sends ours.
    pub(super) fn step(mut self) -> Result<Step<Self, Confirming>, HandshakeError> {
        let Some(mut received) = self.0.receive()? else { return Ok(Step::Waiting(self)) };
        self.0.process = received.process.take();
        let peer = match self.0.identity {
            // Authorised before HELLO.
            Identity::OfSocket(peer) => peer,
            Identity::OfPackets => self.0.authorise(received.sender)?,
        };
        match self.0.exchange(&received, self.1) {
            Ok((halves, features)) => Ok(Step::Done(Confirming { handshake: self.0, peer, halves, features })),
            Err(error) => Err(self.0.refuse(error)),
        }
    }
}

impl Handshake {
    fn exchange(&self, received: &Received, ready: Option<OwnHalf>) -> Result<(Halves, Features), HandshakeError> {
        let &Message::Welcome { version, features, half } = &received.message else {
            return Err(unexpected(&received.message, "WELCOME"));
        };
        if version != VERSION {
            return Err(HandshakeError::Version { oldest: version, newest: version });
        }
        let own = match (self.options.transport.chosen(features)?, ready) {
            (Transport::Socket, _) => self.carried(),
            (_, Some(own)) => Own::Shared(own),
            (_, None) => Own::Shared(OwnHalf::new(&self.options)?),
        };
        let halves = self.put_together(own, half, received.file())?;
        self.expect_no_more()?;
        let (shape, file) = halves.announced();
        self.send(&Message::Half(shape), file)?;
        Ok((halves, features))
    }

    fn establish(
        self,
        peer: Credentials,
        halves: Halves,
        features: Features,
        side: Side,
    ) -> Result<Connection, HandshakeError> {
        let fence_each_other = features.has(Features::MEMBARRIER) && self.features().has(Features::MEMBARRIER);
        let Self { socket, options, attached, process, .. } = self;
        let socket = socket.into_socket();
        let (wait, endpoint) = (options.wait, options.endpoint);
        Ok(Connection::new(Parts { socket, peer, process, halves, wait, fence_each_other, attached, side, endpoint })?)
    }
}

impl Confirming {
    /// READY: the connection is there.
    pub(super) fn step(self) -> Result<Step<Self, Connection>, HandshakeError> {
        let Some(received) = self.handshake.receive()? else { return Ok(Step::Waiting(self)) };
        if received.message != Message::Ready {
            return Err(self.handshake.refuse(unexpected(&received.message, "READY")));
        }
        let Self { handshake, peer, halves, features } = self;
        Ok(Step::Done(handshake.establish(peer, halves, features, Side::Connected)?))
    }
}
