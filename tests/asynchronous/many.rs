//! A thousand tasks: over one session, and over many of one service.

use tokio::task::JoinSet;
use twinring::asynchronous::{Service, ServiceRequest, Session, connect_with};
use twinring::{Selector, ServiceOptions, SessionOptions};

use crate::bed::{ECHO, LATE, echo, message, on_both, place, sessions, small};

const TASKS: u64 = 1000;
const CALLS: u64 = 5;

async fn call_often(session: Session, task: u64, selector: u32) {
    for call in 0..CALLS {
        let request = message(task * CALLS + call);
        assert_eq!(session.call(selector, &request).await, Ok(request));
    }
}

#[test]
fn a_thousand_tasks_call_over_one_session_both_ways() {
    on_both(|| async {
        let (here, there) = sessions(&SessionOptions::new(), echo, echo);
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            let side = if task % 2 == 0 { &here } else { &there };
            tasks.spawn(call_often(side.clone(), task, ECHO));
        }
        tasks.join_all().await;
        let counters = here.counters();
        assert_eq!((counters.calls, counters.served), (TASKS / 2 * CALLS, TASKS / 2 * CALLS));
    });
}

#[test]
fn a_thousand_tasks_call_over_a_hundred_sessions_of_one_service() {
    on_both(|| async {
        let (_directory, path) = place();
        let service = ServiceOptions::new().connection(small()).bind(path.clone()).expect("a service");
        let service = Service::start(service).expect("a runtime");
        let selector = Selector::new(1, 1);
        service.handle(selector, |request: ServiceRequest<()>| async { Ok(request.into_payload()) });
        let mut tasks = JoinSet::new();
        for client in 0..100 {
            let connection = connect_with(&small(), path.clone(), LATE).await.expect("a service");
            let session = Session::new(connection, &SessionOptions::new(), ()).expect("a session");
            for task in 0..10 {
                tasks.spawn(call_often(session.clone(), client * 10 + task, selector.packed()));
            }
        }
        tasks.join_all().await;
        assert_eq!(service.counters().requests, TASKS * CALLS);
        assert_eq!(service.shutdown(LATE).await, 0, "cut off");
    });
}
