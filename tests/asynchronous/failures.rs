//! What a caller is told of a call that failed.

use std::time::Duration;

use twinring::asynchronous::Request;
use twinring::{CallError, Failure, Halt, NotifyError, SessionOptions};

use crate::bed::{ECHO, on_both, sessions};

async fn answer(request: Request) -> Result<Vec<u8>, Failure> {
    match request.payload() {
        b"fail" => Err(Failure::new("as it was told")),
        b"refuse" => Err(Failure::refused("not for you")),
        b"panic" => panic!("as it was told"),
        b"never" => std::future::pending().await,
        b"back" => {
            let session = request.session().ok_or_else(Failure::overloaded)?;
            Ok(session.call(ECHO, b"from the handler").await?)
        }
        _ => Ok(request.into_payload()),
    }
}

#[test]
fn a_caller_learns_how_a_handler_failed_and_the_session_lives_on() {
    on_both(|| async {
        let (here, there) = sessions(&SessionOptions::new(), answer, answer);
        assert_eq!(here.call(ECHO, b"fail").await, Err(CallError::Failed("as it was told".into())));
        assert_eq!(here.call(ECHO, b"refuse").await, Err(CallError::Refused("not for you".into())));
        assert_eq!(here.call(ECHO, b"panic").await, Err(CallError::Failed("it panicked: as it was told".into())));
        assert_eq!(here.call(ECHO, b"back").await, Ok(b"from the handler".to_vec()));
        assert_eq!(there.call(ECHO, b"well").await, Ok(b"well".to_vec()));
    });
}

#[test]
fn a_call_ends_by_its_deadline_and_its_place_is_free() {
    on_both(|| async {
        let options = SessionOptions::new().calls_in_flight(2).call_timeout(Duration::from_millis(20));
        let (here, _there) = sessions(&options, (), answer);
        let short = Duration::from_millis(5);
        assert_eq!(here.call_timeout(ECHO, b"never", short).await, Err(CallError::NoReply(Halt::Timeout)));
        assert_eq!(here.call(ECHO, b"well").await, Ok(b"well".to_vec()));
        let (one, other) = (here.begin(ECHO, b"never").await, here.begin(ECHO, b"never").await);
        assert_eq!(here.call(ECHO, b"no place").await, Err(CallError::NotSent(Halt::Timeout)));
        drop((one, other));
    });
}

#[test]
fn who_does_not_wait_for_a_turn_is_told() {
    on_both(|| async {
        let options = SessionOptions::new().calls_in_flight(1).wait_for_turn(false);
        let (here, _there) = sessions(&options, (), answer);
        let pending = here.begin(ECHO, b"never").await.expect("a place");
        assert_eq!(here.call(ECHO, b"second").await, Err(CallError::Busy));
        drop(pending);
    });
}

#[test]
fn what_is_larger_than_accepted_is_told_at_once() {
    on_both(|| async {
        let (here, _there) = sessions(&SessionOptions::new().largest_message(100), (), answer);
        let (length, largest) = (101, 100);
        assert_eq!(here.call(ECHO, &[0; 101]).await, Err(CallError::TooLarge { length, largest }));
        assert_eq!(here.notify(ECHO, &[0; 101]).await, Err(NotifyError::TooLarge { length, largest }));
        assert_eq!(here.call(ECHO, &[0; 100]).await, Ok(vec![0; 100]));
    });
}

#[test]
fn nobody_at_home_is_told() {
    on_both(|| async {
        let (here, _there) = sessions(&SessionOptions::new(), (), ());
        assert_eq!(here.call(ECHO, b"").await, Err(CallError::NoSelector));
    });
}
