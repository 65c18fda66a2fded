//! Request and response.

use iceoryx2::active_request::ActiveRequest;
use iceoryx2::pending_response::PendingResponse;
use iceoryx2::port::client::Client;
use iceoryx2::port::server::Server;
use iceoryx2::prelude::*;
use iceoryx2::service::port_factory::request_response::PortFactory;
use twinring_cli::failure::Failure;
use twinring_cli::measure::carrier::Carrier;
use twinring_cli::measure::passed::Passed;
use twinring_cli::measure::plan::{Mechanism, Mode};
use twinring_cli::measure::rivals::{HalfOpen, Rival, Side, ready};

use super::{Bell, Place, Who, said};
use crate::name::Name;

/// How it is measured.
pub const RIVAL: Rival = Rival { mechanism: Mechanism::Iceoryx2Call, modes: &[Mode::Spin, Mode::Park], open, join };

fn open(mode: Mode, size: usize) -> Result<(HalfOpen, Passed), Failure> {
    let name = Name::fresh();
    let place = Place::new(name, Who::Leader)?;
    let client = service(&place)?.client_builder().initial_max_slice_len(size).create();
    let out = client.map_err(|error| said("client", error))?;
    let bell = Bell::new(&place, Who::Leader, mode)?;
    Ok((ready(Caller { pending: None, out, bell, _place: place }), name.passed()))
}

fn join(mode: Mode, size: usize, passed: Passed) -> Result<Side, Failure> {
    let place = Place::new(Name::of(&passed), Who::Second)?;
    let server = service(&place)?.server_builder().initial_max_slice_len(size).create();
    let into = server.map_err(|error| said("server", error))?;
    let bell = Bell::new(&place, Who::Second, mode)?;
    Ok(Box::new(Answerer { active: None, into, bell, _place: place }))
}

type Factory = PortFactory<ipc::Service, [u8], (), [u8], ()>;
type Pending = PendingResponse<ipc::Service, [u8], (), [u8], ()>;
type Active = ActiveRequest<ipc::Service, [u8], (), [u8], ()>;

fn service(place: &Place) -> Result<Factory, Failure> {
    let builder = place.node.service_builder(&place.service("call")?).request_response::<[u8], [u8]>();
    let builder = builder.max_clients(1).max_servers(1).max_response_buffer_size(1);
    builder.open_or_create().map_err(|error| said("service", error))
}

struct Caller {
    pending: Option<Pending>,
    out: Client<ipc::Service, [u8], (), [u8], ()>,
    bell: Bell,
    _place: Place,
}

impl Carrier for Caller {
    #[inline]
    fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        let request = self.out.loan_slice_uninit(payload.len())?.write_from_slice(payload);
        self.pending = Some(request.send()?);
        self.bell.ring()
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let pending = self.pending.take().ok_or_else(|| Failure::new("nothing was requested"))?;
        let response = self.bell.until(|| Ok(pending.receive()?))?;
        buffer[..response.len()].copy_from_slice(&response);
        Ok(response.len())
    }
}

struct Answerer {
    active: Option<Active>,
    into: Server<ipc::Service, [u8], (), [u8], ()>,
    bell: Bell,
    _place: Place,
}

impl Carrier for Answerer {
    #[inline]
    fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        let active = self.active.take().ok_or_else(|| Failure::new("nothing was requested"))?;
        active.loan_slice_uninit(payload.len())?.write_from_slice(payload).send()?;
        self.bell.ring()
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let Self { into, bell, .. } = self;
        let active = bell.until(|| Ok(into.receive()?))?;
        buffer[..active.len()].copy_from_slice(&active);
        let length = active.len();
        self.active = Some(active);
        Ok(length)
    }
}
