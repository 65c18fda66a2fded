//! Loops around `select!`, which drop what was not ready every time.

use std::time::Duration;

use tokio::sync::mpsc;
use twinring::SessionOptions;
use twinring::asynchronous::Request;

use crate::bed::{ECHO, echo, ends, message, on_both, sessions};

const MANY: u64 = 500;

#[test]
fn a_loop_over_two_connections_and_a_clock_misses_nothing() {
    on_both(|| async {
        let (((mut one, _a), (_b, mut first)), ((mut other, _c), (_d, mut second))) = (ends(), ends());
        let sending = tokio::spawn(async move {
            for number in 0..MANY {
                one.send(&message(number)).await.expect("room");
                other.send(&message(number + MANY)).await.expect("room");
            }
            tokio::join!(one.finish(), other.finish())
        });
        let mut ticks = tokio::time::interval(Duration::from_micros(200));
        let (mut next, mut open) = ([0, MANY], [true, true]);
        while open != [false, false] {
            let (which, message_come) = tokio::select! {
                _ = ticks.tick() => continue,
                come = first.next(), if open[0] => (0, come),
                come = second.next(), if open[1] => (1, come),
            };
            match message_come {
                Some(come) => {
                    assert_eq!(come.expect("a message"), message(next[which]));
                    next[which] += 1;
                }
                None => open[which] = false,
            }
        }
        assert_eq!(next, [MANY, 2 * MANY]);
        drop((first, second));
        assert_eq!(sending.await.expect("a task"), (Ok(()), Ok(())));
    });
}

#[test]
fn calls_in_a_loop_with_other_work_are_answered_each_by_its_own_reply() {
    on_both(|| async {
        let answer = |request: Request| async move {
            tokio::task::yield_now().await;
            Ok(request.into_payload())
        };
        let (here, _there) = sessions(&SessionOptions::new(), echo, answer);
        let (tell, mut told) = mpsc::channel(1);
        let telling = tokio::spawn(async move {
            for number in 0..MANY {
                tell.send(number).await.expect("a listener");
            }
        });
        let mut replies = 0;
        let ask = |number: u64| {
            let here = here.clone();
            async move { here.call(ECHO, number.to_string().as_bytes()).await }
        };
        let mut call = Box::pin(ask(0));
        let mut heard = 0;
        while heard < MANY {
            tokio::select! {
                biased;
                number = told.recv() => heard += u64::from(number == Some(heard)),
                reply = &mut call => {
                    assert_eq!(reply, Ok(replies.to_string().into_bytes()));
                    replies += 1;
                    call = Box::pin(ask(replies));
                }
            }
        }
        telling.await.expect("a task");
        assert_eq!(call.await, Ok(replies.to_string().into_bytes()));
    });
}
