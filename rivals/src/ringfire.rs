//! ringfire: a ring of elements each way.
//!
//! Its README recommends `recv_blocking` with `BusySpin` on dedicated cores; its own benchmark of sleeping is `FutexWait` with a
//! spin limit of zero. A producer that may not overwrite what has not been read is its `LosslessBackpressure`, which its README
//! says costs under a nanosecond. Payloads of varying length have an arena, but no backpressure: elements of a fixed length it is.

use ringfire::wait::{BusySpin, FutexWait, WaitStrategy};
use ringfire::{FlowControl, RingConsumer, RingConsumerBuilder, RingProducer, RingProducerBuilder};
use twinring_cli::failure::Failure;
use twinring_cli::measure::carrier::Carrier;
use twinring_cli::measure::passed::Passed;
use twinring_cli::measure::plan::{Mechanism, Mode};
use twinring_cli::measure::rivals::{HalfOpen, Rival, Side};

use crate::fixed::{of_size, padded, slots};
use crate::name::{BACK, Name, THERE};

/// How it is measured.
pub const RIVAL: Rival = Rival {
    mechanism: Mechanism::Ringfire,
    modes: &[Mode::Spin, Mode::Park],
    open: |mode, size| of_size!(size, open(mode)),
    join: |mode, size, passed| of_size!(size, join(mode, Name::of(&passed))),
};

fn open<const N: usize>(mode: Mode) -> Result<(HalfOpen, Passed), Failure> {
    let name = Name::fresh();
    let out = producer::<N>(name, THERE)?;
    Ok((Box::new(move || Ok(side(mode, out, consumer(name, BACK)?))), name.passed()))
}

fn join<const N: usize>(mode: Mode, name: Name) -> Result<Side, Failure> {
    Ok(side(mode, producer::<N>(name, BACK)?, consumer(name, THERE)?))
}

/// The file of a ring goes with its producer.
fn producer<const N: usize>(name: Name, way: &str) -> Result<RingProducer<[u8; N]>, Failure> {
    let builder = RingProducerBuilder::new(slots(N) as u64).flow_control(FlowControl::LosslessBackpressure);
    Ok(builder.build(name.file(way))?)
}

fn consumer<const N: usize>(name: Name, way: &str) -> Result<RingConsumer<[u8; N]>, Failure> {
    Ok(RingConsumerBuilder::new().start_from_oldest().attach(name.file(way))?)
}

fn side<const N: usize>(mode: Mode, out: RingProducer<[u8; N]>, into: RingConsumer<[u8; N]>) -> Side {
    match mode {
        Mode::Park => Box::new(Ends { out, into, wait: FutexWait::new(0, None) }),
        _ => Box::new(Ends { out, into, wait: BusySpin::new() }),
    }
}

struct Ends<const N: usize, W> {
    out: RingProducer<[u8; N]>,
    into: RingConsumer<[u8; N]>,
    wait: W,
}

impl<const N: usize, W: WaitStrategy> Carrier for Ends<N, W> {
    #[inline]
    fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        match payload.try_into() {
            Ok(whole) => self.out.push(whole),
            Err(_) => self.out.push(&padded(payload)),
        }
        Ok(())
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let element = self.into.recv_blocking(&mut self.wait);
        let length = buffer.len().min(N);
        buffer[..length].copy_from_slice(&element[..length]);
        Ok(length)
    }
}
