//! What waits uses no processor.

use std::thread;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use twinring::asynchronous::{Service, ServiceRequest, Session, connect_with};
use twinring::{Selector, ServiceOptions, SessionOptions};

use crate::bed::{ECHO, LATE, echo, ends, place, runtimes, sessions, small};
use crate::process::{self, Child};

const IDLE: Duration = Duration::from_secs(2);

/// The processor time of everything in that time, in microseconds: a test harness runs too.
const LITTLE: i64 = 10_000;

#[test]
fn idle_connections_use_no_processor() {
    let mut child = Child::start("idles", &[]);
    for kind in ["one thread", "two threads"] {
        let used = child.hear();
        println!("{kind}: {used} µs of processor time in {IDLE:?}");
        assert!(used.parse::<i64>().expect("a number") <= LITTLE, "{kind}: {used} µs in {IDLE:?} of nothing");
    }
    child.finish();
}

/// A process with ends, sessions and a service that were used once and are then left alone, waited for by tasks.
pub fn idles() {
    for runtime in runtimes() {
        runtime.block_on(async {
            let ((mut sender, _a), (_b, mut receiver)) = ends();
            let waiting = tokio::spawn(async move { receiver.recv().await.expect("a message").to_vec() });
            let (here, there) = sessions(&SessionOptions::new(), echo, echo);
            let (_directory, path) = place();
            let service = ServiceOptions::new().connection(small()).bind(path.clone()).expect("a service");
            let service = Service::start(service).expect("a runtime");
            service.handle(Selector::from(ECHO), |request: ServiceRequest<()>| async { Ok(request.into_payload()) });
            let connection = connect_with(&small(), path, LATE).await.expect("a service");
            let client = Session::new(connection, &SessionOptions::new(), ()).expect("a session");
            for session in [&here, &there, &client, &here] {
                assert_eq!(session.call(ECHO, b"once").await, Ok(b"once".to_vec()));
            }
            // What is left to be done after that, such as the service's deadline for a greeting.
            tokio::time::sleep(Duration::from_millis(300)).await;
            let before = used();
            tokio::task::spawn_blocking(|| thread::sleep(IDLE)).await.expect("a rest");
            process::say(&(used() - before).to_string());
            sender.send(b"good morning").await.expect("room");
            assert_eq!(waiting.await.expect("a task"), b"good morning");
            for session in [&here, &there, &client] {
                assert_eq!(session.call(ECHO, b"again").await, Ok(b"again".to_vec()));
            }
        });
    }
}

/// The processor time of this process so far, in microseconds.
fn used() -> i64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("the use of this process");
    usage.user_time().num_microseconds() + usage.system_time().num_microseconds()
}
