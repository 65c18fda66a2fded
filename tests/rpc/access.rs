//! Who may call what.

use std::sync::{Arc, Mutex};

use twinring::rpc::{CallError, Caller};
use twinring::{Credentials, Outcome};

use crate::carriers::{ALL, Over, client_of};
use crate::office::{Desk, Office, office};
use twinring::rpc::Server;

fn add_only(caller: &Caller) -> Result<(), String> {
    match caller.procedure {
        "add" => Ok(()),
        other => Err(format!("{other} is not\nfor {}", caller.interface)),
    }
}

#[test]
fn a_guard_is_asked_before_each_call_and_its_reason_arrives() {
    for over in ALL {
        let desk = Arc::new(Desk::default());
        let (mut office, serving) = client_of(over, office(&desk).guard(add_only));
        assert_eq!(office.add(1, 2), Ok(3), "{over:?}");
        let error = office.divide(1, 1).unwrap_err();
        assert_eq!(error, CallError::Refused("divide is not\u{fffd}for Office".into()), "{over:?}");
        assert_eq!(error.outcome(), Outcome::NotRun);
        assert_eq!(error.to_string(), "not run: the peer refuses: divide is not\u{fffd}for Office");
        office.note("secretly").unwrap();
        assert_eq!(office.add(1, 2), Ok(3));
        drop(office);
        serving.finish();
        assert!(desk.lines.lock().unwrap().is_empty(), "{over:?}");
    }
}

#[test]
fn a_guard_that_panics_has_not_said_yes() {
    for over in ALL {
        let guard = |caller: &Caller| if caller.procedure == "add" { panic!("oh\n") } else { Ok(()) };
        let (mut office, serving) = client_of(over, office(&Arc::default()).guard(guard));
        for _ in 0..5 {
            let error = office.add(1, 2).unwrap_err();
            assert_eq!(error, CallError::Refused("who decides it panicked: oh\u{fffd}".into()), "{over:?}");
        }
        assert_eq!(office.nothing(), Ok(()), "{over:?}");
        drop(office);
        serving.finish();
    }
}

#[test]
fn a_guard_sees_who_calls_as_far_as_the_transport_knows() {
    for over in ALL {
        let seen: Arc<Mutex<Vec<Credentials>>> = Arc::default();
        let watch = {
            let seen = seen.clone();
            move |caller: &Caller| {
                seen.lock().unwrap().push(caller.peer);
                if caller.peer.uid == Some(0) || caller.peer.uid.is_none() { Ok(()) } else { Err("not root".into()) }
            }
        };
        let server = Server::new().register::<dyn Office>(Arc::new(Desk::default())).guard(watch);
        let (mut office, serving) = client_of(over, server);
        let _ = office.add(1, 2);
        let known = !matches!(over, Over::Tcp | Over::Pipes);
        let expected = if known { Credentials::own() } else { Credentials { pid: None, uid: None, gid: None } };
        assert_eq!(*seen.lock().unwrap(), [expected], "{over:?}");
        drop(office);
        serving.finish();
    }
}
