//! libqb: calls through its ring buffers in shared memory, `QB_IPC_SHM`.
//!
//! As its own benchmark pair (`bmc`, `bms`) has it: a server in a `qb_loop`, a client that sends a request and receives the
//! response. The server is asked for its highest rate. Both sleep; there is no way to poll.

mod sys;

use twinring_cli::failure::Failure;
use twinring_cli::measure::carrier::Carrier;
use twinring_cli::measure::passed::Passed;
use twinring_cli::measure::plan::{Mechanism, Mode};
use twinring_cli::measure::rivals::{HalfOpen, Rival, Side, ready};

use crate::name::Name;
use sys::{Client, HEADER, Server};

/// How it is measured.
pub const RIVAL: Rival = Rival { mechanism: Mechanism::Libqb, modes: &[Mode::Park], open, join };

fn open(_mode: Mode, size: usize) -> Result<(HalfOpen, Passed), Failure> {
    let name = Name::fresh();
    Ok((ready(Caller { name, client: None, message: vec![0; HEADER + size] }), name.passed()))
}

fn join(_mode: Mode, size: usize, passed: Passed) -> Result<Side, Failure> {
    let server = Server::start(&Name::of(&passed).to_string())?;
    Ok(Box::new(Answerer { server, message: vec![0; HEADER + size] }))
}

struct Caller {
    name: Name,
    /// There from the first call on: only then does the server run the loop that lets somebody connect.
    client: Option<Client>,
    message: Vec<u8>,
}

impl Caller {
    #[cold]
    fn connected(&self) -> Result<Client, Failure> {
        Client::connect(&self.name.to_string(), self.message.len())
    }
}

impl Carrier for Caller {
    #[inline]
    fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        if self.client.is_none() {
            self.client = Some(self.connected()?);
        }
        let client = self.client.as_ref().ok_or_else(|| Failure::new("libqb is not connected"))?;
        client.send(sys::framed(&mut self.message, payload))
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let client = self.client.as_ref().ok_or_else(|| Failure::new("libqb is not connected"))?;
        let length = client.receive(&mut self.message)?.saturating_sub(HEADER);
        buffer[..length].copy_from_slice(&self.message[HEADER..HEADER + length]);
        Ok(length)
    }
}

struct Answerer {
    server: Server,
    message: Vec<u8>,
}

impl Carrier for Answerer {
    #[inline]
    fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        self.server.respond(sys::framed(&mut self.message, payload))
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        self.server.request(buffer)
    }
}
