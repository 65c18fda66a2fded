//! Publish and subscribe: a service each way.

use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;
use iceoryx2::service::port_factory::publish_subscribe::PortFactory;
use twinring_cli::failure::Failure;
use twinring_cli::measure::carrier::Carrier;
use twinring_cli::measure::passed::Passed;
use twinring_cli::measure::plan::{Mechanism, Mode};
use twinring_cli::measure::rivals::{HalfOpen, Rival, Side, ready};

use super::{Bell, Place, Who, depth, said};
use crate::name::Name;

/// How it is measured.
pub const RIVAL: Rival = Rival { mechanism: Mechanism::Iceoryx2, modes: &[Mode::Spin, Mode::Park], open, join };

fn open(mode: Mode, size: usize) -> Result<(HalfOpen, Passed), Failure> {
    let name = Name::fresh();
    Ok((ready(Ends::new(name, Who::Leader, mode, size)?), name.passed()))
}

fn join(mode: Mode, size: usize, passed: Passed) -> Result<Side, Failure> {
    Ok(Box::new(Ends::new(Name::of(&passed), Who::Second, mode, size)?))
}

struct Ends {
    out: Publisher<ipc::Service, [u8], ()>,
    into: Subscriber<ipc::Service, [u8], ()>,
    bell: Bell,
    _place: Place,
}

impl Ends {
    fn new(name: Name, who: Who, mode: Mode, size: usize) -> Result<Self, Failure> {
        let place = Place::new(name, who)?;
        let [out, into] = who.ways();
        let out = publisher(&service(&place, out, size)?, size)?;
        let into = service(&place, into, size)?.subscriber_builder().create();
        let into = into.map_err(|error| said("subscriber", error))?;
        Ok(Self { out, into, bell: Bell::new(&place, who, mode)?, _place: place })
    }
}

type Factory = PortFactory<ipc::Service, [u8], ()>;

fn service(place: &Place, way: &str, size: usize) -> Result<Factory, Failure> {
    let builder = place.node.service_builder(&place.service(way)?).publish_subscribe::<[u8]>();
    let builder = builder.max_publishers(1).max_subscribers(1).history_size(0);
    let builder = builder.subscriber_max_buffer_size(depth(size)).enable_safe_overflow(false);
    builder.open_or_create().map_err(|error| said("service", error))
}

fn publisher(service: &Factory, size: usize) -> Result<Publisher<ipc::Service, [u8], ()>, Failure> {
    let builder = service.publisher_builder().initial_max_slice_len(size);
    let builder = builder.backpressure_strategy(BackpressureStrategy::RetryUntilDelivered);
    builder.create().map_err(|error| said("publisher", error))
}

impl Carrier for Ends {
    #[inline]
    fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        self.out.loan_slice_uninit(payload.len())?.write_from_slice(payload).send()?;
        self.bell.ring()
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let Self { into, bell, .. } = self;
        let sample = bell.until(|| Ok(into.receive()?))?;
        buffer[..sample.len()].copy_from_slice(&sample);
        Ok(sample.len())
    }
}
