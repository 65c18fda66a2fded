//! Calls, by its `RpcBus`.

use std::thread;

use tachyon_ipc::RpcBus;
use twinring_cli::failure::{Context, Failure};
use twinring_cli::measure::carrier::Carrier;
use twinring_cli::measure::passed::Passed;
use twinring_cli::measure::plan::{Mechanism, Mode};
use twinring_cli::measure::rivals::{HalfOpen, Rival, Side};

use super::{Socket, TYPE, capacity, connected, spins};
use crate::name::Name;

/// How it is measured.
pub const RIVAL: Rival = Rival { mechanism: Mechanism::TachyonCall, modes: &[Mode::Spin, Mode::Park], open, join };

const WAY: &str = "call";

fn open(mode: Mode, size: usize) -> Result<(HalfOpen, Passed), Failure> {
    let name = Name::fresh();
    let listening = thread::spawn(move || {
        let socket = Socket::of(name, WAY);
        let listened = RpcBus::listen(socket.path()?, capacity(size), capacity(size));
        listened.while_doing(|| "Tachyon could not listen".to_owned())
    });
    // Who listens may call as well as who connects: both map the same two rings.
    let accept = move || {
        let bus = listening.join().unwrap_or_else(|_| Err(Failure::new("the thread that listens panicked")))?;
        Ok(Box::new(Caller { bus: polled(bus, mode), spins: spins(mode), called: 0 }) as Side)
    };
    Ok((Box::new(accept), name.passed()))
}

fn join(mode: Mode, _size: usize, passed: Passed) -> Result<Side, Failure> {
    let bus = connected(RpcBus::connect, Socket::of(Name::of(&passed), WAY).path()?)?;
    Ok(Box::new(Answerer { bus: polled(bus, mode), spins: spins(mode), called: 0 }))
}

/// Nobody needs to be woken who never sleeps.
fn polled(bus: RpcBus, mode: Mode) -> RpcBus {
    bus.set_polling_mode(mode == Mode::Spin);
    bus
}

struct Caller {
    bus: RpcBus,
    spins: u32,
    called: u64,
}

struct Answerer {
    bus: RpcBus,
    spins: u32,
    called: u64,
}

impl Carrier for Caller {
    #[inline]
    fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        self.called = self.bus.call(payload, TYPE)?;
        Ok(())
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let reply = self.bus.wait(self.called, self.spins)?;
        let length = reply.actual_size;
        buffer[..length].copy_from_slice(reply.data());
        reply.commit()?;
        Ok(length)
    }
}

impl Carrier for Answerer {
    #[inline]
    fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        Ok(self.bus.reply(self.called, payload, TYPE)?)
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let request = self.bus.serve(self.spins)?;
        let length = request.actual_size;
        self.called = request.correlation_id;
        buffer[..length].copy_from_slice(request.data());
        request.commit()?;
        Ok(length)
    }
}
