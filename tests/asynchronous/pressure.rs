//! Full rings and slow handlers push back, and block nobody else.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::{Barrier, Notify};
use tokio::task::JoinSet;
use twinring::asynchronous::{Event, Request, Session, handlers};
use twinring::{CallError, Halt, NotifyError, SessionOptions};

use crate::bed::{ECHO, LATE, echo, message, on_both, sessions};

#[test]
fn large_messages_cross_in_small_rings() {
    on_both(|| async {
        let (here, there) = sessions(&SessionOptions::new(), echo, echo);
        let mut tasks = JoinSet::new();
        for task in 0..20_u8 {
            let side = if task % 2 == 0 { &here } else { &there }.clone();
            tasks.spawn(async move {
                let request = vec![task; 100_000];
                assert_eq!(side.call(ECHO, &request).await, Ok(request));
            });
        }
        tasks.join_all().await;
    });
}

#[test]
fn events_keep_their_order_though_their_handler_is_slow_and_calls_back() {
    on_both(|| async {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let note = Arc::clone(&taken);
        let take = move |event: Event| {
            let note = Arc::clone(&note);
            async move {
                let number = u64::from_le_bytes(event.payload()[..8].try_into().expect("a number"));
                if number % 100 == 0 {
                    // While more events wait than are taken in.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    let session = event.session().expect("a session that is held");
                    assert_eq!(session.call(ECHO, b"back").await, Ok(b"back".to_vec()));
                }
                note.lock().expect("no panic").push(number);
            }
        };
        let (here, there) = sessions(&SessionOptions::new(), echo, handlers(echo, take));
        for number in 0..1000 {
            here.notify(0, &message(number)).await.expect("room in the end");
        }
        // Calls are answered meanwhile.
        assert_eq!(there.call(ECHO, b"ask").await, Ok(b"ask".to_vec()));
        while taken.lock().expect("no panic").len() < 1000 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(taken.lock().expect("no panic").iter().copied().eq(0..1000));
    });
}

#[test]
fn a_slow_call_holds_up_no_other() {
    on_both(|| async {
        let answered = Arc::new(Notify::new());
        let others = Arc::clone(&answered);
        let handler = move |request: Request| {
            let others = Arc::clone(&others);
            async move {
                if request.payload() == b"slow" {
                    others.notified().await;
                }
                Ok(request.into_payload())
            }
        };
        let (here, _there) = sessions(&SessionOptions::new(), (), handler);
        let slow = here.begin(ECHO, b"slow").await.expect("a place");
        for _ in 0..20 {
            assert_eq!(here.call(ECHO, b"quick").await, Ok(b"quick".to_vec()));
        }
        answered.notify_one();
        assert_eq!(slow.await, Ok(b"slow".to_vec()));
    });
}

#[test]
fn who_does_not_read_is_waited_for_by_tasks_and_by_nothing_else() {
    on_both(|| async {
        let (here, there) = crate::bed::small().pair().expect("a pair");
        let options = SessionOptions::new().call_timeout(Duration::from_millis(300));
        let here = twinring::asynchronous::Session::new(here, &options, ()).expect("a session");
        // It says hello, and then reads nothing.
        let deaf = twinring::Session::new(there, &SessionOptions::new().listener(false), ()).expect("a session");
        let mut waiting = JoinSet::new();
        for _ in 0..100 {
            let here = here.clone();
            waiting.spawn(async move { here.call(ECHO, &[0; 1000]).await });
        }
        let mut turns = 0;
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        while turns < 5 {
            ticks.tick().await;
            turns += 1;
        }
        let known = [CallError::NotSent(Halt::Timeout), CallError::NoReply(Halt::Timeout)];
        while let Some(result) = waiting.join_next().await {
            let error = result.expect("a task").expect_err("nobody answers");
            assert!(known.contains(&error), "{error:?}");
        }
        drop(deaf);
        // Over a socket it is known a moment later.
        let gone = loop {
            match here.notify(0, b"").await {
                Ok(()) => tokio::task::yield_now().await,
                Err(gone) => break gone,
            }
        };
        assert!(matches!(gone, NotifyError::NotSent(Halt::Ended(_))), "{gone:?}");
    });
}

/// The other side takes one large message at a time. Of replies that are sent by several threads at once, the one that has begun
/// goes on, whichever was put aside first.
#[test]
fn large_replies_that_are_sent_at_once_leave_one_after_the_other() {
    const AT_ONCE: usize = 4;
    let runtime = Builder::new_multi_thread().worker_threads(AT_ONCE).enable_all().build().expect("a runtime");
    let meeting = Arc::new(Barrier::new(AT_ONCE));
    let large = move |request: Request| {
        let meeting = Arc::clone(&meeting);
        async move {
            meeting.wait().await;
            Ok(request.payload().repeat(1 << 20))
        }
    };
    let calls = async {
        let (here, there) = crate::bed::small().ring_capacity(1 << 18).pair().expect("a pair");
        let here = Session::new(here, &SessionOptions::new().open_messages(1), ()).expect("a session");
        let _there = Session::new(there, &SessionOptions::new(), large).expect("a session");
        for _ in 0..50 {
            let calls: JoinSet<_> = (0..AT_ONCE as u8)
                .map(|number| {
                    let here = here.clone();
                    async move { here.call(ECHO, &[number]).await.map(|reply| reply == vec![number; 1 << 20]) }
                })
                .collect();
            assert_eq!(calls.join_all().await, [const { Ok(true) }; AT_ONCE]);
        }
    };
    runtime.block_on(async { tokio::time::timeout(LATE, calls).await }).expect("it stands still");
}
