//! Calls without an answer.

use crate::carriers::{ALL, office_over};

#[test]
fn notes_arrive_in_order_and_one_that_panics_holds_up_nothing() {
    for over in ALL {
        let (mut office, desk, serving) = office_over(over);
        let expected: Vec<_> = (0..200).map(|number| format!("line {number}")).collect();
        for line in &expected {
            office.panic_quietly().unwrap();
            office.note(line).unwrap();
        }
        drop(office);
        // Leaving in order: what was sent is run.
        crate::carriers::until("all notes", || desk.lines.lock().unwrap().len() == expected.len());
        let mut lines = desk.lines.lock().unwrap().clone();
        if !over.keeps_order() {
            lines.sort_by_key(|line| line[5..].parse::<u32>().unwrap());
        }
        assert_eq!(lines, expected, "{over:?}");
        drop(serving);
    }
}

#[test]
fn a_stream_whose_other_side_has_left_is_over_when_all_that_it_sent_has_been_run() {
    use std::os::unix::net::UnixStream;
    use std::sync::Arc;
    use twinring::rpc::{Server, StreamSession};
    let desk = Arc::new(crate::office::Desk::default());
    let (here, there) = UnixStream::pair().unwrap();
    let options = crate::carriers::stream_options().workers(1);
    let there = StreamSession::over(there, &options, crate::office::office(&desk)).unwrap();
    let here = StreamSession::over(here, &options, Server::new()).unwrap();
    let mut office = crate::office::OfficeClient::bind(here).unwrap();
    office.stub().set_timeout(Some(std::time::Duration::from_millis(10)));
    assert!(office.wait_to_be_let_go().unwrap_err().timed_out());
    // It waits for the one worker, which waits at the gate.
    office.note("the last").unwrap();
    desk.gate.await_arrivals(1);
    drop(office);
    crate::carriers::until("the end", || there.ended().is_some());
    let opening = std::thread::spawn({
        let desk = desk.clone();
        move || desk.gate.open()
    });
    assert_eq!(there.wait(), Ok(()));
    assert_eq!(*desk.lines.lock().unwrap(), ["the last"]);
    opening.join().unwrap();
}
