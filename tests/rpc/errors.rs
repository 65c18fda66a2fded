//! What can go wrong, and what the caller learns.

use std::collections::HashSet;
use std::error::Error;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use twinring::rpc::{BIND, CallError, Carrier, FIRST, Server, Socket, StreamSession};
use twinring::{CallError as Failed, Halt, NotifyError, Outcome};

use crate::carriers::{ALL, Over, connect, office_over, stream_options, tcp, until};
use crate::office::{OfficeClient, Stubborn};

/// Calls by number, past the stub.
fn raw(office: &mut OfficeClient<crate::carriers::AnyCarrier>, number: u32, request: &[u8]) -> Result<Vec<u8>, Failed> {
    let mut reply = Vec::new();
    office.stub().carrier().call(number, request, &mut reply, None).map(|()| reply)
}

#[test]
fn a_number_that_was_never_given_out_is_no_procedure() {
    for over in ALL {
        let (mut office, _desk, serving) = office_over(over);
        for number in [0, 7, FIRST - 1, FIRST + 14, FIRST + 1_000_000, BIND - 1] {
            assert_eq!(raw(&mut office, number, b"\x02\x04"), Err(Failed::NoSelector), "{over:?}: {number:#x}");
        }
        let binding = office.stub().binding().clone();
        drop(office);
        serving.finish();
        // Another server gave out no numbers at all.
        let (mut carriers, serving) = connect(over, Server::new(), Server::new(), 1);
        let mut office = OfficeClient::bound(carriers.pop().unwrap(), binding);
        let error = office.add(1, 2).unwrap_err();
        assert_eq!((&error, error.outcome()), (&CallError::NoSuchProcedure, Outcome::NotRun));
        assert!(error.to_string().contains("was not bound there"), "{error}");
        drop(office);
        serving.finish();
    }
}

#[test]
fn arguments_that_do_not_decode_are_told_of_by_the_server() {
    for over in ALL {
        let (mut office, _desk, serving) = office_over(over);
        // Nothing, one number of two, a number that never ends, and two numbers and a byte.
        for (request, why) in [
            (&b""[..], "Hit the end of buffer"),
            (b"\x02", "Hit the end of buffer"),
            (&[0xff; 20], "varint"),
            (b"\x02\x04\x06", "3 bytes, of which the value takes only 2"),
        ] {
            let reply = raw(&mut office, FIRST, request).unwrap();
            let text = String::from_utf8(reply[1..].to_vec()).unwrap();
            assert!(reply[0] == 2 && text.contains(why), "{over:?}: {request:?}: {text}");
        }
        assert_eq!(raw(&mut office, FIRST, b"\x02\x04").unwrap(), [0, 6]);
        drop(office);
        serving.finish();
    }
}

#[test]
fn a_panic_is_told_and_the_next_call_runs() {
    for over in ALL {
        let (mut office, _desk, serving) = office_over(over);
        let error = office.panics("at the\ndisco").unwrap_err();
        assert_eq!(error, CallError::Panicked("at the\u{fffd}disco".into()), "{over:?}");
        assert_eq!(error.outcome(), Outcome::Ran);
        assert_eq!(error.to_string(), "ran, and panicked: at the\u{fffd}disco");
        assert_eq!(office.add(1, 2), Ok(3));
        drop(office);
        serving.finish();
    }
}

#[test]
fn what_cannot_be_encoded_is_an_error_at_the_side_that_has_it() {
    for over in ALL {
        let (mut office, _desk, serving) = office_over(over);
        let error = office.stubborn(Stubborn(true), false).unwrap_err();
        assert!(matches!(&error, CallError::Unencodable(_)), "{over:?}: {error:?}");
        assert_eq!(error.outcome(), Outcome::NotRun);
        let error = office.stubborn(Stubborn(false), true).unwrap_err();
        assert!(matches!(&error, CallError::BadResult(_)), "{over:?}: {error:?}");
        assert_eq!(error.outcome(), Outcome::Ran);
        assert_eq!(office.stubborn(Stubborn(false), false), Ok(Stubborn(false)));
        drop(office);
        serving.finish();
    }
}

#[test]
fn a_call_ends_by_its_deadline_and_the_next_one_runs() {
    for over in ALL {
        let (mut office, desk, serving) = office_over(over);
        office.stub().set_timeout(Some(Duration::from_millis(50)));
        let started = Instant::now();
        let error = office.wait_to_be_let_go().unwrap_err();
        assert!(error.timed_out() && !error.is_gone(), "{over:?}: {error:?}");
        assert_eq!(error, CallError::Carrier(Failed::NoReply(Halt::Timeout)));
        assert_eq!(error.outcome(), Outcome::MayHaveRun);
        assert!(started.elapsed() >= Duration::from_millis(50), "{over:?}");
        desk.gate.open();
        office.stub().set_timeout(None);
        assert_eq!(office.add(1, 2), Ok(3), "{over:?}");
        drop(office);
        serving.finish();
    }
}

#[test]
fn a_message_that_is_too_large_is_refused_with_both_numbers() {
    for over in ALL {
        let (mut office, _desk, serving) = office_over(over);
        let largest = crate::carriers::LARGEST;
        let error = office.census(&vec![0; largest]).unwrap_err();
        // Three bytes more say how many there are.
        assert_eq!(error, CallError::Carrier(Failed::TooLarge { length: largest + 3, largest }), "{over:?}");
        assert_eq!(error.outcome(), Outcome::NotRun);
        let error = office.bytes(largest as u64).unwrap_err();
        assert_eq!(error, CallError::Carrier(Failed::ReplyTooLarge), "{over:?}");
        assert_eq!(office.add(1, 2), Ok(3));
        drop(office);
        serving.finish();
    }
}

#[test]
fn a_peer_that_leaves_ends_all_calls() {
    // The side of one thread leaves with its thread, which a caller cannot make it do.
    for over in ALL.into_iter().filter(|&over| over != Over::Local) {
        let (mut office, _desk, mut serving) = office_over(over);
        assert_eq!(office.add(1, 2), Ok(3));
        serving.leave();
        let gone = |error: &CallError| error.is_gone() && !error.timed_out();
        let error = (0..2).map(|_| office.add(1, 2).expect_err("nobody is there")).collect::<Vec<_>>();
        assert!(error.iter().all(gone), "{over:?}: {error:?}");
        let sent = office.note("gone");
        assert!(sent.as_ref().is_err_and(gone), "{over:?}: {sent:?}");
    }
}

#[test]
fn a_stream_whose_other_side_leaves_ends_though_nothing_is_sent() {
    let (here, there) = tcp();
    ends_with_the_other_side(here, there);
    let (here, there) = UnixStream::pair().unwrap();
    ends_with_the_other_side(here, there);
}

fn ends_with_the_other_side<S: Socket>(here: S, there: S) {
    let [here, there] =
        [here, there].map(|socket| StreamSession::over(socket, &stream_options(), Server::new()).unwrap());
    // Nothing is left unread.
    assert_eq!(here.call_into(FIRST, b"", &mut Vec::new(), None), Err(Failed::NoSelector));
    drop(there);
    until("the end", || here.ended().is_some());
    assert_eq!(here.wait(), Ok(()));
}

#[test]
fn callers_that_wait_learn_that_the_peer_is_gone() {
    let (here, there) = UnixStream::pair().unwrap();
    let session = StreamSession::over(here, &stream_options(), Server::new()).unwrap();
    let calling = std::thread::spawn(move || {
        let mut reply = Vec::new();
        let result = session.call_into(FIRST, b"", &mut reply, None);
        (result, session.wait())
    });
    let mut there = crate::lies::Raw::new(there);
    there.greet();
    there.receive();
    there.receive();
    drop(there);
    let (result, end) = calling.join().unwrap();
    assert_eq!(result, Err(Failed::NoReply(Halt::Ended(twinring::End::Closed))));
    assert_eq!(end, Ok(()));
}

/// Carries nothing: every call has this reply.
struct Parrot(Vec<u8>);

impl Carrier for Parrot {
    fn call(&mut self, _: u32, _: &[u8], reply: &mut Vec<u8>, _: Option<Duration>) -> Result<(), Failed> {
        reply.clone_from(&self.0);
        Ok(())
    }

    fn notify(&mut self, _: u32, _: &[u8]) -> Result<(), NotifyError> {
        Ok(())
    }
}

#[test]
fn a_reply_that_does_not_decode_is_an_error_that_says_why() {
    let (mut office, _desk, serving) = office_over(Over::Unix);
    let binding = office.stub().binding().clone();
    let mut said = HashSet::new();
    for (reply, expected) in [
        (&b""[..], "no byte at all"),
        (b"\x00", "malformed bytes"),
        (b"\x00\x02\x02", "2 bytes, of which the value takes only 1"),
        (b"\x01\x00", "an error, and the procedure has none of its own"),
        (b"\x05", "the outcome 5, known are 0 to 4"),
    ] {
        let error = OfficeClient::bound(Parrot(reply.to_vec()), binding.clone()).add(1, 2).unwrap_err();
        assert!(matches!(error, CallError::BadReply(_)), "{error:?}");
        assert_eq!(error.outcome(), Outcome::Ran);
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.source().is_some() && said.insert(error.to_string()));
    }
    let mut parrot = OfficeClient::bound(Parrot(b"\x02no\x07".to_vec()), binding.clone());
    assert_eq!(parrot.add(1, 2), Err(CallError::BadArguments("no\u{fffd}".into())));
    assert_eq!(parrot.divide(1, 2), Err(CallError::BadArguments("no\u{fffd}".into())));
    let mut parrot = OfficeClient::bound(Parrot(b"\x01\x07".to_vec()), binding);
    assert!(matches!(parrot.divide(1, 2), Err(CallError::BadReply(_))));
    drop(office);
    serving.finish();
}
