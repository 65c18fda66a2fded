//! Connecting and accepting hold up no other task.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use twinring::asynchronous::{Listener, connect_with, split};
use twinring::{ConnectError, Decision, HandshakeError};

use crate::bed::{LATE, on_both, place, small};

#[test]
fn clients_that_are_early_wait_and_all_come_in() {
    on_both(|| async {
        let (_directory, path) = place();
        let mut clients = JoinSet::new();
        for number in 0..30_u8 {
            let path = path.clone();
            clients.spawn(async move {
                let connection = connect_with(&small(), path, LATE).await.expect("a listener");
                let (mut sender, mut receiver) = split(connection).expect("ends");
                sender.send(&[number]).await.expect("room");
                assert_eq!(receiver.recv().await.expect("an answer").to_vec(), [number]);
            });
        }
        tokio::task::yield_now().await;
        let mut listener = Listener::new(small().bind(path).expect("a listener")).expect("a listener");
        for _ in 0..30 {
            let (mut sender, mut receiver) = split(listener.accept().await.expect("a client")).expect("ends");
            tokio::spawn(async move {
                let message = receiver.recv().await.expect("a message").to_vec();
                sender.send(&message).await.expect("room");
                sender.finish().await.expect("a peer that receives");
            });
        }
        clients.join_all().await;
    });
}

#[test]
fn nobody_there_is_told_by_the_deadline_and_others_run_meanwhile() {
    on_both(|| async {
        let (_directory, path) = place();
        let began = Instant::now();
        let options = small();
        let connecting = connect_with(&options, path, Duration::from_millis(100));
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        let mut connecting = std::pin::pin!(connecting);
        let mut ran = 0;
        let outcome = loop {
            tokio::select! {
                outcome = connecting.as_mut() => break outcome,
                _ = ticks.tick() => ran += 1,
            }
        };
        assert!(matches!(outcome, Err(ConnectError::Absent { .. })), "{outcome:?}");
        assert!(began.elapsed() >= Duration::from_millis(100) && ran > 3, "{ran} in {:?}", began.elapsed());
    });
}

#[test]
fn a_listener_that_says_nothing_is_a_timeout() {
    on_both(|| async {
        let (_directory, path) = place();
        let _silent = small().bind(path.clone()).expect("a listener that nobody drives");
        let outcome = connect_with(&small(), path, Duration::from_millis(50)).await;
        assert!(
            matches!(outcome, Err(ConnectError::Handshake(HandshakeError::Timeout { due: "WELCOME" }))),
            "{outcome:?}"
        );
    });
}

#[test]
fn a_refusal_is_told_with_its_reason() {
    on_both(|| async {
        let (_directory, path) = place();
        let refusing = small().authorise(|_| Decision::Refuse("closed today".into())).bind(path.clone());
        let mut listener = Listener::new(refusing.expect("a listener")).expect("a listener");
        let accepting = tokio::spawn(async move { listener.accept().await.map(drop) });
        let outcome = connect_with(&small(), path, LATE).await;
        let Err(ConnectError::Handshake(HandshakeError::Refused { reason })) = outcome else { panic!("{outcome:?}") };
        assert!(reason.contains("closed today"), "{reason}");
        accepting.abort();
    });
}
