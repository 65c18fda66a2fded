//! An event each way, whose id says which message it is.
//!
//! Ids are small (255 at most, unless more memory is spent on each), so an id carries the number of a message modulo a prime, and
//! the receiver, who knows the number before, has the whole. It cannot be lost: there is only ever one on its way.

use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::prelude::*;
use twinring_cli::failure::Failure;
use twinring_cli::measure::carrier::Carrier;
use twinring_cli::measure::passed::Passed;
use twinring_cli::measure::pattern::{self, STOP};
use twinring_cli::measure::plan::{Mechanism, Mode};
use twinring_cli::measure::rivals::{HalfOpen, Rival, Side, ready};

use super::{Place, Who, bells};
use crate::name::Name;

/// How it is measured.
pub const RIVAL: Rival = Rival { mechanism: Mechanism::Iceoryx2Event, modes: &[Mode::Spin, Mode::Park], open, join };

/// The only size.
const BYTES: usize = 8;

/// What numbers are told modulo.
const MODULUS: u64 = 251;

/// The id of the last message.
const STOP_ID: usize = 254;

fn open(mode: Mode, size: usize) -> Result<(HalfOpen, Passed), Failure> {
    if size != BYTES {
        return Err(Failure::new(format!("an event carries no payload, and its id stands for {BYTES} bytes")));
    }
    let name = Name::fresh();
    Ok((ready(Ends::new(name, Who::Leader, mode)?), name.passed()))
}

fn join(mode: Mode, _size: usize, passed: Passed) -> Result<Side, Failure> {
    Ok(Box::new(Ends::new(Name::of(&passed), Who::Second, mode)?))
}

struct Ends {
    out: Notifier<ipc::Service>,
    into: Listener<ipc::Service>,
    last: u64,
    mode: Mode,
    _place: Place,
}

impl Ends {
    fn new(name: Name, who: Who, mode: Mode) -> Result<Self, Failure> {
        let place = Place::new(name, who)?;
        let (out, into) = bells(&place, who)?;
        Ok(Self { out, into, last: 0, mode, _place: place })
    }
}

impl Carrier for Ends {
    #[inline]
    fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        self.out.notify_with_custom_event_id(EventId::new(id_of(pattern::number(payload))))?;
        Ok(())
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let mut came = None;
        while came.is_none() {
            let heard = |event: EventActivation| came = Some(event.id.as_value());
            if self.mode == Mode::Park {
                self.into.blocking_wait(heard)?
            } else {
                self.into.try_wait(heard)?
            };
        }
        let number = number_after(self.last, came.unwrap_or(STOP_ID));
        // The next row begins anew.
        self.last = if number == STOP { 0 } else { number };
        pattern::stamp(buffer, number);
        Ok(BYTES)
    }
}

/// What is told of a number.
fn id_of(number: u64) -> usize {
    if number == STOP { STOP_ID } else { (number % MODULUS) as usize }
}

/// The number of which `id` was told, after `last`.
fn number_after(last: u64, id: usize) -> u64 {
    match id {
        STOP_ID => STOP,
        _ => last + (id as u64 + MODULUS - last % MODULUS) % MODULUS,
    }
}
