//! Futures that are dropped at any of their await points lose, repeat and tear nothing.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::task::yield_now;
use twinring::asynchronous::{Event, Listener, Request, connect_with, handlers};
use twinring::{CallError, SessionOptions};

use crate::bed::{ECHO, LATE, echo, ends, message, on_both, place, sessions, small};

/// Polls `future` up to `polls` times, with a turn for the others in between, and drops it: what came of it, if it was ready.
async fn polled<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Some(output) = poll_once(future.as_mut()).await {
            return Some(output);
        }
        yield_now().await;
    }
    None
}

async fn poll_once<T>(mut future: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// How often something is polled at most before it is dropped; then the others have a longer turn.
const MOST: usize = 6;

const MANY: u64 = 2000;

#[test]
fn receives_and_sends_that_are_dropped_lose_and_repeat_nothing() {
    on_both(|| async {
        let ((mut sender, _), (_back, mut receiver)) = ends();
        let sending = tokio::spawn(async move {
            let mut polls = 0;
            for number in 0..MANY {
                let message = message(number);
                while polled(polls % MOST, sender.send(&message)).await.is_none() {
                    polls += 1;
                    yield_now().await;
                }
                polls += 1;
            }
            sender
        });
        let (mut next, mut polls) = (0, 0);
        while next < MANY {
            // Two numbers without a common part, so that they meet in every way.
            polls += 1;
            let received = match polls % 3 {
                0 => polled(polls % 7, receiver.recv()).await.map(|message| message.map(|message| message.to_vec())),
                1 => polled(polls % 7, receiver.next()).await.flatten(),
                _ => {
                    let mut buffer = [0; 1024];
                    let length = polled(polls % 7, receiver.recv_into(&mut buffer)).await;
                    length.map(|length| Ok(buffer[..length.expect("a message that fits")].to_vec()))
                }
            };
            match received {
                Some(received) => {
                    assert_eq!(received.expect("a message"), message(next));
                    next += 1;
                }
                None => yield_now().await,
            }
        }
        drop(sending.await.expect("a task"));
    });
}

#[test]
fn events_that_are_dropped_are_sent_whole_or_not_at_all() {
    on_both(|| async {
        let next = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&next);
        let take = move |event: Event| {
            let number = seen.fetch_add(1, Ordering::Relaxed);
            async move { assert_eq!(event.payload(), large(number), "in order, whole and once") }
        };
        let (here, _there) = sessions(&SessionOptions::new(), (), handlers(echo, take));
        let mut polls = 0;
        for number in 0..300 {
            let event = large(number);
            while polled(polls % MOST, here.notify(0, &event)).await.is_none() {
                polls += 1;
                yield_now().await;
            }
            polls += 1;
        }
        // What came before this has been taken when it is answered, but for what the events' task has in hand.
        here.call(ECHO, b"").await.expect("a reply");
        while next.load(Ordering::Relaxed) < 300 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
}

/// Every other one needs several frames, and more than the ring holds.
fn large(number: u64) -> Vec<u8> {
    if number % 2 == 0 { message(number) } else { vec![number as u8; 6000] }
}

#[test]
fn calls_that_are_dropped_leave_their_places_and_disturb_no_other() {
    on_both(|| async {
        let (here, _there) = sessions(&SessionOptions::new().calls_in_flight(4), echo, echo);
        for number in 0..1000_u64 {
            let request = large(number);
            match polled(number as usize % 9, here.call(ECHO, &request)).await {
                // Those that were given up are still answered, so there may be more than four at the other side.
                None | Some(Err(CallError::Overloaded)) => {}
                Some(reply) => assert_eq!(reply, Ok(request)),
            }
        }
        // All four places are there again.
        let calls: Vec<_> = (0..4).map(|number| (number, here.clone())).collect();
        for (number, here) in calls {
            let reply = loop {
                match here.call(ECHO, &message(number)).await {
                    Err(CallError::Overloaded) => yield_now().await,
                    reply => break reply,
                }
            };
            assert_eq!(reply, Ok(message(number)));
        }
    });
}

#[test]
fn a_request_that_was_given_up_before_it_was_sent_is_not_run() {
    on_both(|| async {
        let ran = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&ran);
        let options = SessionOptions::new().calls_in_flight(1);
        let slow = move |request: Request| {
            count.fetch_add(1, Ordering::Relaxed);
            async move {
                tokio::time::sleep(Duration::from_millis(30)).await;
                Ok(request.into_payload())
            }
        };
        let (here, _there) = sessions(&options, (), slow);
        let first = here.begin(ECHO, b"first").await.expect("a place");
        // No place: it waits, and is dropped.
        assert!(polled(3, here.call(ECHO, b"second")).await.is_none());
        assert_eq!(first.await, Ok(b"first".to_vec()));
        assert_eq!(here.call(ECHO, b"third").await, Ok(b"third".to_vec()));
        assert_eq!(ran.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn accepts_that_are_dropped_lose_no_client() {
    on_both(|| async {
        let (_directory, path) = place();
        let mut listener = Listener::new(small().bind(path.clone()).expect("a listener")).expect("a listener");
        let clients = tokio::spawn(async move {
            for number in 0..20_u8 {
                let connection = connect_with(&small(), path.clone(), LATE).await.expect("a listener");
                let (mut sender, _receiver) = twinring::asynchronous::split(connection).expect("ends");
                sender.send(&[number]).await.expect("room");
                sender.finish().await.expect("a peer that receives");
            }
        });
        let (mut next, mut polls) = (0, 0);
        while next < 20 {
            polls += 1;
            match polled(polls % MOST, listener.accept()).await {
                Some(connection) => {
                    let (_, mut receiver) = twinring::asynchronous::split(connection.expect("a client")).expect("ends");
                    assert_eq!(receiver.recv().await.expect("a message").to_vec(), [next]);
                    next += 1;
                }
                None => yield_now().await,
            }
        }
        clients.await.expect("a task");
    });
}

#[test]
fn connects_that_are_dropped_leave_the_listener_well() {
    on_both(|| async {
        let (_directory, path) = place();
        let mut listener = Listener::new(small().bind(path.clone()).expect("a listener")).expect("a listener");
        let accepting = tokio::spawn(async move {
            loop {
                let (_, mut receiver) = twinring::asynchronous::split(listener.accept().await?).expect("ends");
                // Who was dropped in the middle is a peer that hung up.
                if let Some(Ok(message)) = receiver.next().await {
                    break Ok::<_, twinring::AcceptError>(message);
                }
            }
        });
        for polls in 0..40 {
            drop(polled(polls, connect_with(&small(), path.clone(), LATE)).await);
        }
        let connection = connect_with(&small(), path, LATE).await.expect("a listener");
        let (mut sender, _receiver) = twinring::asynchronous::split(connection).expect("ends");
        sender.send(b"at last").await.expect("room");
        assert_eq!(accepting.await.expect("a task").expect("a client"), b"at last");
    });
}
