//! SIGKILL of the other process: every task that waits learns of it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use twinring::asynchronous::{Listener, Receiver, Session, split};
use twinring::{CallError, End, Halt, Responder, SendError, SessionOptions, TrySendError};

use crate::bed::{ECHO, on_both, place, small};
use crate::process::{self, Child};

/// A death is known sooner than this, also on a machine that stalls for a second; one that is missed never is.
const AT_ONCE: Duration = Duration::from_secs(10);

/// The process that is killed: keeps every request, or takes nothing at all.
pub fn keeps() {
    let connection = small().connect(PathBuf::from(process::argument("SOCKET")), crate::waits::LONG);
    let connection = connection.expect("a listener");
    if process::number("SESSION") == 0 {
        process::say("ready");
        std::thread::park();
    }
    let kept = std::sync::Mutex::new(Vec::<Responder>::new());
    let keep = move |call: &mut twinring::Call<'_>| {
        kept.lock().expect("no panic").extend(call.defer());
        if kept.lock().expect("no panic").len() == 100 {
            process::say("ready");
        }
        Ok(())
    };
    let options = SessionOptions::new().calls_in_flight(200).listener(false);
    let _ = twinring::Session::new(connection, &options, keep).expect("a session").serve();
}

async fn victim(session: &str) -> (tempfile::TempDir, Child, twinring::Connection) {
    let (directory, path) = place();
    let mut listener = Listener::new(small().bind(path.clone()).expect("a listener")).expect("a listener");
    let child = Child::start("keeps", &[("SOCKET", path.as_os_str()), ("SESSION", session.as_ref())]);
    let connection = listener.accept().await.expect("a client");
    (directory, child, connection)
}

/// Waits for it to be ready, on a thread that may be held up.
async fn ready(mut child: Child) -> Child {
    let hearing = tokio::task::spawn_blocking(move || {
        assert_eq!(child.hear(), "ready");
        child
    });
    hearing.await.expect("a second process")
}

#[test]
fn a_hundred_tasks_that_wait_for_replies_learn_of_it() {
    on_both(|| async {
        let (_directory, child, connection) = victim("1").await;
        let options = SessionOptions::new().calls_in_flight(200);
        let session = Session::new(connection, &options, ()).expect("a session");
        let mut waiting = JoinSet::new();
        for _ in 0..100 {
            let session = session.clone();
            waiting.spawn(async move { (session.call(ECHO, b"kept").await, Instant::now()) });
        }
        let mut child = ready(child).await;
        let killed = Instant::now();
        child.kill();
        let dead = Halt::Ended(End::Disconnected);
        while let Some(result) = waiting.join_next().await {
            let (result, known) = result.expect("a task");
            assert_eq!(result, Err(CallError::NoReply(dead)));
            assert!(known.saturating_duration_since(killed) < AT_ONCE, "known late");
        }
        assert_eq!(session.call(ECHO, b"again").await, Err(CallError::NotSent(dead)));
        assert_eq!(session.ended().await, Err(End::Disconnected));
    });
}

#[test]
fn who_waits_for_a_message_and_who_waits_for_room_learn_of_it() {
    on_both(|| async {
        let (_directory, child, connection) = victim("0").await;
        let (mut sender, receiver) = split(connection).expect("ends");
        // Over the socket, what it holds comes on top of the rings.
        let sending = tokio::spawn(async move {
            loop {
                if let Err(error) = sender.send(&[7; 1000]).await {
                    return error;
                }
            }
        });
        let receiving = tokio::spawn(end_of(receiver));
        let mut child = ready(child).await;
        let killed = Instant::now();
        child.kill();
        assert_eq!(receiving.await.expect("a task"), End::Disconnected);
        assert_eq!(sending.await.expect("a task"), SendError::Ended(End::Disconnected));
        assert!(killed.elapsed() < AT_ONCE, "known late");
    });
}

async fn end_of(mut receiver: Receiver) -> End {
    loop {
        if let Err(end) = receiver.recv().await {
            return end;
        }
    }
}

#[test]
fn a_peer_that_leaves_in_order_ends_the_session_in_order() {
    on_both(|| async {
        let (here, there) = crate::bed::sessions(&SessionOptions::new(), (), ());
        let calling = tokio::spawn({
            let here = here.clone();
            async move { here.ended().await }
        });
        drop(there);
        assert_eq!(calling.await.expect("a task"), Ok(()));
        let (mut sender, _) = split(small().pair().expect("a pair").0).expect("ends");
        // Over a socket it is known a moment later; until then the ring may be full.
        while matches!(sender.try_send(b"nobody"), Ok(()) | Err(TrySendError::Full)) {
            tokio::task::yield_now().await;
        }
    });
}
