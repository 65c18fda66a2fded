//! What is called: by selector, changed at any time.

use std::collections::BTreeMap;

use proptest::prelude::*;
use twinring::{CallError, Failure, Selector, ServiceOptions};

use crate::place::{Record, client, place, small};
use crate::waits::until;

#[test]
fn calls_and_events_find_their_handlers() {
    let ((_directory, path), record) = (place(), Record::default());
    let service = ServiceOptions::new().connection(small()).bind(path).expect("a service");
    service.start(2).expect("threads");
    let session = client(&service);
    let call = |service: u16, id: u16| session.call(Selector::new(service, id).packed(), b"x");
    assert_eq!(call(1, 1), Err(CallError::NoSelector));
    for (number, id) in [(1, 1), (1, 2), (2, 1)] {
        service.handle(Selector::new(number, id), move |request| {
            let text = format!("{} of {}", request.selector(), request.payload().len());
            request.reply().extend_from_slice(text.as_bytes());
            Ok(())
        });
    }
    assert_eq!(call(1, 2), Ok(b"1:2 of 1".to_vec()));
    assert_eq!(call(2, 1), Ok(b"2:1 of 1".to_vec()));
    assert_eq!(call(2, 2), Err(CallError::NoSelector));
    service.handle_others(|request| Err(Failure::refused(format_args!("nobody does {}", request.selector()))));
    assert_eq!(call(2, 2), Err(CallError::Refused("nobody does 2:2".to_owned())));
    assert!(service.unhandle(Selector::new(1, 2)) && !service.unhandle(Selector::new(1, 2)));
    assert_eq!(call(1, 2), Err(CallError::Refused("nobody does 1:2".to_owned())));
    let (one, other) = (record.clone(), record.clone());
    service.on_event(Selector::new(3, 0), move |_, selector, event| one.note(format!("{selector} {}", event.len())));
    service.on_other_events(move |_, selector, _| other.note(format!("other {selector}")));
    session.notify(Selector::new(3, 0).packed(), b"four").expect("room");
    session.notify(Selector::new(3, 1).packed(), b"").expect("room");
    record.await_lines(&["3:0 4", "other 3:1"]);
    assert_eq!(service.counters().events, 2);
}

#[test]
fn a_handler_may_change_the_table_and_itself() {
    let (_directory, path) = place();
    let service = ServiceOptions::new().connection(small()).bind(path).expect("a service");
    let selector = Selector::new(0, 1);
    let weak = std::sync::Mutex::new(Some(service.clone()));
    service.handle(selector, move |request| {
        // The handle is given up, lest the service own itself.
        let service = weak.lock().expect("no panic").take().expect("the first call");
        service.handle(selector, |request| {
            request.reply().push(2);
            Ok(())
        });
        request.reply().push(1);
        Ok(())
    });
    service.start(1).expect("a thread");
    let session = client(&service);
    assert_eq!(session.call(selector.packed(), b""), Ok(vec![1]));
    assert_eq!(session.call(selector.packed(), b""), Ok(vec![2]));
}

#[test]
fn a_service_says_what_it_is() {
    let (_directory, path) = place();
    let service = ServiceOptions::new().connection(small()).bind(path).expect("a service");
    // The reserved service is nobody else's to answer for.
    service.handle(Selector::ABOUT, |_| Err(Failure::new("not me")));
    service.handle_others(|_| Err(Failure::new("not me")));
    service.handle(Selector::new(4, 2), |_| Ok(()));
    service.start(1).expect("a thread");
    let (session, _other) = (client(&service), client(&service));
    until("both clients", || service.counters().clients == 2);
    let about = String::from_utf8(session.call(Selector::ABOUT.packed(), b"").expect("an answer")).expect("text");
    assert_eq!(session.call(Selector::new(u16::MAX, 1).packed(), b""), Err(CallError::NoSelector));
    let lines: BTreeMap<_, _> = about.lines().map(|line| line.split_once(' ').expect("a key")).collect();
    assert_eq!(lines["pid"], std::process::id().to_string());
    assert_eq!(lines["clients"], "2");
    assert!(about.contains("\ncall 4:2\n"), "{about}");
    assert!(lines["program"].contains("service"), "{about}");
}

proptest! {
    #[test]
    fn a_packed_selector_is_the_same_selector(service: u16, id: u16) {
        let selector = Selector::new(service, id);
        prop_assert_eq!(Selector::from(selector.packed()), selector);
        prop_assert_eq!(u32::from(selector) >> 16, u32::from(service));
        prop_assert_eq!(u32::from(selector) & 0xffff, u32::from(id));
    }
}

/// What is done to a table.
#[derive(Clone, Debug)]
enum Change {
    Handle(u8, u8),
    Unhandle(u8),
    Call(u8),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        (0..4_u8, any::<u8>()).prop_map(|(selector, answer)| Change::Handle(selector, answer)),
        (0..4_u8).prop_map(Change::Unhandle),
        (0..4_u8).prop_map(Change::Call),
    ];
    prop::collection::vec(change, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn a_table_is_a_map(changes in changes()) {
        let (_directory, path) = place();
        let service = ServiceOptions::new().connection(small()).bind(path).expect("a service");
        service.start(1).expect("a thread");
        let session = client(&service);
        let mut model = BTreeMap::new();
        for change in changes {
            match change {
                Change::Handle(selector, answer) => {
                    model.insert(selector, answer);
                    service.handle(Selector::new(selector.into(), 7), move |request| {
                        request.reply().push(answer);
                        Ok(())
                    });
                }
                Change::Unhandle(selector) => {
                    prop_assert_eq!(
                        service.unhandle(Selector::new(selector.into(), 7)),
                        model.remove(&selector).is_some()
                    );
                }
                Change::Call(selector) => {
                    let expected = model.get(&selector).map_or(Err(CallError::NoSelector), |&answer| Ok(vec![answer]));
                    prop_assert_eq!(session.call(Selector::new(selector.into(), 7).packed(), b""), expected);
                }
            }
        }
    }
}
