//! The second process: it does what the leader orders until the leader goes.

use std::os::fd::{AsFd, OwnedFd};
use std::process::exit;

use rustix::process::{Signal, set_parent_process_death_signal};

use super::carrier::Carrier;
use super::control::{Control, Order, Reply};
use super::passed::Passed;
use super::plan::Mechanism;
use super::rivals::Brought;
use super::{calls, floor, load, ours, semaphores, streams, tour, trips};
use crate::cores;
use crate::failure::Failure;
use crate::os::signal;

/// Obeys the leader that started this process with the control socket as its standard input.
///
/// # Errors
///
/// If the leader cannot be understood. What an order runs into is told to the leader.
pub fn run(core: Option<usize>, brought: Brought) -> Result<(), Failure> {
    // A leader that is killed while this side spins or sleeps would otherwise leave it doing so for ever.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    signal::block()?;
    if let Some(core) = core {
        cores::pin(core)?;
    }
    let control = Control::inherited(rustix::stdio::stdin().try_clone_to_owned()?);
    while let Some((order, descriptors)) = control.receive::<Order>()? {
        if let Err(failure) = obey(&control, brought, order, descriptors) {
            control.send(&Reply::Failed(failure.to_string()), &[])?;
        }
    }
    Ok(())
}

/// Joins what the leader has opened. What cannot be joined is told to the leader; after that a failure is this process's end,
/// because the leader may be asleep in a mechanism by which it would hear of nothing else.
fn join(control: &Control, carrier: Box<dyn Carrier>) -> Result<(), Failure> {
    serve(control, carrier).unwrap_or_else(|failure| {
        eprintln!("twinring: the second process: {failure}");
        exit(1)
    });
    Ok(())
}

fn obey(control: &Control, brought: Brought, order: Order, descriptors: Vec<OwnedFd>) -> Result<(), Failure> {
    match (order, <[OwnedFd; 1]>::try_from(descriptors)) {
        (Order::Join { mechanism, mode, size, ids }, descriptors) => {
            let passed = Passed { descriptors: descriptors.map_or_else(|many| many, Vec::from), ids };
            match mechanism {
                semaphores if semaphores.is_semaphores() => exchange(control, mechanism, passed),
                rival if rival.is_rival() => join(control, brought.join(mechanism, mode, size, passed)?),
                _ => join(control, tour::join(mechanism, size, passed)?),
            }
        }
        (Order::Open { mechanism: Mechanism::Twinring, mode, ring, huge_pages }, Ok([socket])) => {
            serve(control, ours::Ends::new(ours::accept(socket, mode, ring, huge_pages)?))
        }
        (Order::Open { mechanism, mode, ring, huge_pages }, Ok([socket])) if mechanism.is_called() => {
            let connection = ours::accept(socket, mode, ring, huge_pages)?;
            answer_calls(control, calls::Answerer::new(connection, mechanism, mode)?)
        }
        (Order::Floor, Err(both)) if both.len() == 2 => {
            let lines = floor::Lines::new(both[1].as_fd(), both[0].as_fd())?;
            carry_out(control, || {
                floor::answer(&lines);
                Ok(Vec::new())
            })
        }
        (order, _) => Err(Failure::new(format!("an order that makes no sense: {order:?}"))),
    }
}

/// Carries out what is ordered of an open mechanism, until it is closed.
fn serve(control: &Control, mut carrier: impl Carrier) -> Result<(), Failure> {
    control.send(&Reply::Ready, &[])?;
    while let Some((order, _)) = control.receive::<Order>()? {
        match order {
            Order::Trips { size } => carry_out(control, || trips::answer(&mut carrier, size).map(nothing))?,
            Order::Stream { size } => carry_out(control, || streams::drink(&mut carrier, size).map(nothing))?,
            Order::Load { size } => carry_out(control, || load::drink(&mut carrier, size))?,
            _ => {
                // Only what has been taken down is done: a leader that ends now ends this process at once.
                drop(carrier);
                return control.send(&Reply::Done(Vec::new()), &[]);
            }
        }
    }
    Ok(())
}

/// Lets the classic design's own threads answer.
fn exchange(control: &Control, mechanism: Mechanism, passed: Passed) -> Result<(), Failure> {
    let answering = semaphores::join(mechanism, passed)?;
    control.send(&Reply::Ready, &[])?;
    await_close(control, answering)
}

/// Answers calls until the leader has left.
fn answer_calls(control: &Control, mut answerer: calls::Answerer) -> Result<(), Failure> {
    control.send(&Reply::Ready, &[])?;
    answerer.serve()?;
    await_close(control, answerer)
}

/// Leaves what is open to its own threads until it is to be closed, and takes it down.
fn await_close(control: &Control, open: impl Sized) -> Result<(), Failure> {
    if control.receive::<Order>()?.is_none() {
        return Ok(());
    }
    // Only what has been taken down is done: the leader then removes what the threads of this side wait for.
    drop(open);
    control.send(&Reply::Done(Vec::new()), &[])
}

/// Times that work has recorded.
type Recorded = Vec<(u64, u64)>;

fn nothing((): ()) -> Recorded {
    Vec::new()
}

/// Says that the work begins, does it, and says that it is done.
fn carry_out(control: &Control, work: impl FnOnce() -> Result<Recorded, Failure>) -> Result<(), Failure> {
    control.send(&Reply::Ready, &[])?;
    let recorded = work()?;
    control.send(&Reply::Done(recorded), &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says so when it is taken down.
    struct Open<'a>(&'a Control);

    impl Drop for Open<'_> {
        fn drop(&mut self) {
            self.0.send(&Reply::Failed("taken down".to_owned()), &[]).unwrap();
        }
    }

    #[test]
    fn what_is_open_is_taken_down_before_it_is_said_to_be_done() {
        let (leader, inherited) = Control::pair().unwrap();
        let second = Control::inherited(inherited);
        leader.send(&Order::Close, &[]).unwrap();
        await_close(&second, Open(&second)).unwrap();
        assert!(matches!(leader.receive::<Reply>().unwrap(), Some((Reply::Failed(_), _))));
        assert!(matches!(leader.receive::<Reply>().unwrap(), Some((Reply::Done(_), _))));
    }
}
