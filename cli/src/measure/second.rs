//! The second process: it does what the leader orders until the leader goes.

use std::os::fd::{AsFd, OwnedFd};

use rustix::process::{Signal, set_parent_process_death_signal};

use super::carrier::Carrier;
use super::control::{Control, Order, Reply};
use super::plan::Mechanism;
use super::{calls, floor, futex, ours, streams, trips};
use crate::cores;
use crate::failure::Failure;

/// Obeys the leader that started this process with the control socket as its standard input.
///
/// # Errors
///
/// If the leader cannot be understood. What an order runs into is told to the leader.
pub fn run(core: Option<usize>) -> Result<(), Failure> {
    // A leader that is killed while this side spins or sleeps would otherwise leave it doing so for ever.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    if let Some(core) = core {
        cores::pin(core)?;
    }
    let control = Control::inherited(rustix::stdio::stdin().try_clone_to_owned()?);
    while let Some((order, descriptors)) = control.receive::<Order>()? {
        if let Err(failure) = obey(&control, order, descriptors) {
            control.send(&Reply::Failed(failure.to_string()), &[])?;
        }
    }
    Ok(())
}

fn obey(control: &Control, order: Order, descriptors: Vec<OwnedFd>) -> Result<(), Failure> {
    match (order, <[OwnedFd; 1]>::try_from(descriptors)) {
        (Order::Futex, Ok([words])) => {
            let words = futex::Words::new(words.as_fd())?;
            carry_out(control, || {
                futex::answer(&words);
                Ok(())
            })
        }
        (Order::Open { mechanism: Mechanism::Twinring, mode, huge_pages }, Ok([socket])) => {
            let mut ends = ours::Ends::new(ours::accept(socket, mode, huge_pages)?);
            serve(control, &mut ends)
        }
        (Order::Open { mechanism, mode, huge_pages }, Ok([socket])) if mechanism.is_called() => {
            let connection = ours::accept(socket, mode, huge_pages)?;
            answer_calls(control, calls::Answerer::new(connection, mechanism, mode)?)
        }
        (Order::Floor, Err(both)) if both.len() == 2 => {
            let lines = floor::Lines::new(both[1].as_fd(), both[0].as_fd())?;
            carry_out(control, || {
                floor::answer(&lines);
                Ok(())
            })
        }
        (order, _) => Err(Failure::new(format!("an order that makes no sense: {order:?}"))),
    }
}

/// Carries out what is ordered of an open mechanism, until it is closed.
fn serve(control: &Control, carrier: &mut impl Carrier) -> Result<(), Failure> {
    control.send(&Reply::Ready, &[])?;
    while let Some((order, _)) = control.receive::<Order>()? {
        match order {
            Order::Trips { size } => carry_out(control, || trips::answer(carrier, size))?,
            Order::Stream { size } => carry_out(control, || streams::drink(carrier, size))?,
            _ => return control.send(&Reply::Done, &[]),
        }
    }
    Ok(())
}

/// Answers calls until the leader has left.
fn answer_calls(control: &Control, mut answerer: calls::Answerer) -> Result<(), Failure> {
    control.send(&Reply::Ready, &[])?;
    answerer.serve()?;
    match control.receive::<Order>()? {
        Some(_) => control.send(&Reply::Done, &[]),
        None => Ok(()),
    }
}

/// Says that the work begins, does it, and says that it is done.
fn carry_out(control: &Control, work: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    control.send(&Reply::Ready, &[])?;
    work()?;
    control.send(&Reply::Done, &[])
}
