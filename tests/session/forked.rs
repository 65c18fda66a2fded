//! A forked child has nothing to do with its parent's sessions, and does not hang on them.

use std::time::Duration;

use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};
use twinring::{
    CallError, End, Failure, Halt, LocalSession, NotifyError, PendingCall, Responder, Session, SessionOptions,
};

use crate::answering::{ECHO, LATER};
use crate::process::Child;
use crate::sides::ring;

#[test]
fn a_forked_childs_sessions_are_inert() {
    Child::start("sessions and forked child", &[]).finish();
}

/// A process with sessions of every kind, which forks and goes on.
pub fn owner() {
    let (here, there) = ring(1 << 16).pair().expect("a pair");
    let (kept, keeping) = std::sync::mpsc::channel();
    let keep = move |call: &mut twinring::Call<'_>| -> Result<(), Failure> {
        match call.selector() {
            ECHO => call.reply_from(call.payload()),
            _ => kept.send(call.defer().expect("a responder")).expect("somebody who keeps it"),
        }
        Ok(())
    };
    let there = Session::new(there, &SessionOptions::new(), keep).expect("a session");
    let here = Session::new(here, &SessionOptions::new(), ()).expect("a session");
    let (polled, other) = ring(1 << 16).pair().expect("a pair");
    let polled = Session::new(polled, &SessionOptions::new().listener(false), ()).expect("a session");
    let local = LocalSession::new(other, &SessionOptions::new(), ());
    let pending = [here.begin(LATER, b"a").expect("a call"), here.begin(LATER, b"b").expect("a call")];
    let kept = || keeping.recv_timeout(Duration::from_secs(10)).expect("a request");
    let responders = [kept(), kept()];
    // SAFETY: the child uses what this test is about, allocates (which the C library makes fork-safe), and exits.
    let forked = unsafe { fork() }.expect("a child");
    let ForkResult::Parent { child } = forked else {
        exit_of(move || inert(here, there, polled, local, pending, responders))
    };
    // A child that hangs is killed, and this process with it, by its own alarm.
    assert_eq!(waitpid(child, None).expect("the child's end"), WaitStatus::Exited(child, 0), "the child");
    assert_eq!(here.call(ECHO, b"still"), Ok(b"still".to_vec()));
    for (responder, reply) in responders.into_iter().zip([b"c", b"d"]) {
        responder.reply(reply);
    }
    let replies = pending.map(|call| call.wait());
    assert_eq!(replies, [Ok(b"c".to_vec()), Ok(b"d".to_vec())]);
    drop((polled, local));
}

/// Runs the child's part and leaves at once, by a code that tells a panic apart.
fn exit_of(part: impl FnOnce()) -> ! {
    nix::unistd::alarm::set(20);
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(part)).is_err();
    // SAFETY: nothing of this process is to run any more: that is what it is for.
    unsafe { nix::libc::_exit(i32::from(failed)) }
}

/// Everything, in the child.
fn inert(
    here: Session,
    there: Session,
    polled: Session,
    mut local: LocalSession<()>,
    pending: [PendingCall; 2],
    [answered, dropped]: [Responder; 2],
) {
    let forked = Halt::Ended(End::Forked);
    assert_eq!(here.call(ECHO, b"x"), Err(CallError::NotSent(forked)));
    assert_eq!(here.begin(ECHO, b"x").err(), Some(CallError::NotSent(forked)));
    assert_eq!(here.notify(0, b"x"), Err(NotifyError::NotSent(forked)));
    assert_eq!(here.serve(), Err(End::Forked));
    assert_eq!(polled.dispatch(), Err(End::Forked));
    assert_eq!(polled.serve(), Err(End::Forked));
    assert_eq!(local.call_timeout(ECHO, b"x", Duration::from_secs(1)), Err(CallError::NotSent(forked)));
    assert_eq!(local.notify(0, b"x"), Err(NotifyError::NotSent(forked)));
    assert_eq!(local.serve(), Err(End::Forked));
    assert_eq!(here.counters(), twinring::SessionCounters::default());
    let [waited, cancelled] = pending;
    assert_eq!(waited.wait(), Err(CallError::NoReply(forked)));
    drop(cancelled);
    answered.reply(b"not mine to say");
    drop((dropped, here, there, polled, local));
}
