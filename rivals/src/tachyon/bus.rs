//! A bus each way.

use std::thread;

use tachyon_ipc::{Bus, TachyonError};
use twinring_cli::failure::{Context, Failure};
use twinring_cli::measure::carrier::Carrier;
use twinring_cli::measure::passed::Passed;
use twinring_cli::measure::plan::{Mechanism, Mode};
use twinring_cli::measure::rivals::{HalfOpen, Rival, Side};

use super::{Socket, TYPE, capacity, connected, spins};
use crate::name::{BACK, Name, THERE};
use crate::spin;

/// How it is measured.
pub const RIVAL: Rival = Rival { mechanism: Mechanism::Tachyon, modes: &[Mode::Spin, Mode::Park], open, join };

fn open(mode: Mode, size: usize) -> Result<(HalfOpen, Passed), Failure> {
    let name = Name::fresh();
    // Listening returns only when the other side has come.
    let listening = thread::spawn(move || Ok::<_, Failure>((listen(name, THERE, size)?, listen(name, BACK, size)?)));
    let accept = move || {
        let (out, into) = listening.join().unwrap_or_else(|_| Err(Failure::new("the thread that listens panicked")))?;
        Ok(Ends::new(out, into, mode))
    };
    Ok((Box::new(accept), name.passed()))
}

fn listen(name: Name, way: &str, size: usize) -> Result<Bus, Failure> {
    let socket = Socket::of(name, way);
    Bus::listen(socket.path()?, capacity(size)).while_doing(|| "Tachyon could not listen".to_owned())
}

fn join(mode: Mode, _size: usize, passed: Passed) -> Result<Side, Failure> {
    let name = Name::of(&passed);
    let into = connected(Bus::connect, Socket::of(name, THERE).path()?)?;
    let out = connected(Bus::connect, Socket::of(name, BACK).path()?)?;
    Ok(Ends::new(out, into, mode))
}

struct Ends {
    out: Bus,
    into: Bus,
    spins: u32,
}

impl Ends {
    fn new(out: Bus, into: Bus, mode: Mode) -> Side {
        if mode == Mode::Spin {
            out.set_polling_mode(1);
            into.set_polling_mode(1);
        }
        Box::new(Self { out, into, spins: spins(mode) })
    }
}

impl Carrier for Ends {
    #[inline]
    fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        // It cannot sleep until there is room.
        spin::until(|| match self.out.send(payload, TYPE) {
            Err(TachyonError::BufferFull) => Ok(None),
            sent => Ok(Some(sent?)),
        })
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let message = self.into.acquire_rx(self.spins)?;
        let length = message.actual_size;
        buffer[..length].copy_from_slice(message.data());
        message.commit()?;
        Ok(length)
    }
}
