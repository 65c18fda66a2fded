//! The server calls its client, which calls it, and so on.

use std::sync::Arc;

use twinring::rpc::{CallError, Server};

use crate::carriers::{ALL, Over, connect, office_over};
use crate::office::{OfficeClient, office};

#[test]
fn a_procedure_calls_its_caller_back_and_deeper() {
    for over in ALL {
        let (mut office, _desk, serving) = office_over(over);
        for depth in [1, 2, 9] {
            assert_eq!(office.bounce(depth), Ok(depth), "{over:?}");
        }
        drop(office);
        serving.finish();
    }
}

#[test]
fn calls_that_bounce_without_end_are_an_error_and_the_next_one_runs() {
    for over in ALL {
        let (mut office, _desk, serving) = office_over(over);
        let error = office.bounce(1000).unwrap_err();
        let CallError::Procedure(text) = &error else { panic!("{over:?}: {error:?}") };
        assert!(text.contains("as many calls are in flight") || text.contains("too many requests"), "{over:?}: {text}");
        assert_eq!(office.bounce(3), Ok(3), "{over:?}");
        drop(office);
        serving.finish();
    }
}

#[test]
fn a_client_that_serves_nothing_is_named_so() {
    for over in ALL {
        let (mut carriers, serving) = connect(over, Server::new(), office(&Arc::default()), 1);
        let mut office = OfficeClient::bind(carriers.pop().unwrap()).unwrap();
        let error = office.bounce(1).unwrap_err();
        let CallError::Procedure(text) = &error else { panic!("{over:?}: {error:?}") };
        assert_eq!(text, "the peer does not serve the interface `Office`, but: ", "{over:?}");
        drop(office);
        serving.finish();
    }
}

#[test]
fn many_threads_bounce_at_the_same_time() {
    for over in [Over::Workers, Over::Unix, Over::Tcp, Over::Pipes] {
        let (carriers, serving) = connect(over, office(&Arc::default()), office(&Arc::default()), 3);
        std::thread::scope(|scope| {
            for carrier in carriers {
                scope.spawn(move || {
                    let mut office = OfficeClient::bind(carrier).unwrap();
                    for _ in 0..50 {
                        assert_eq!(office.bounce(3), Ok(3), "{over:?}");
                    }
                });
            }
        });
        serving.finish();
    }
}
