//! The two ends: what is sent is received, in order, whoever waits.

use tokio::task::JoinSet;
use twinring::asynchronous::{Receiver, Sender, StartError, split};
use twinring::{End, RecvIntoError, SendError, TryRecvError, TrySendError, WaitStrategy};

use crate::bed::{ends, message, on_both, small};

const MANY: u64 = 3000;

async fn send_all(mut sender: Sender) -> Sender {
    for number in 0..MANY {
        sender.send(&message(number)).await.expect("room in the end");
    }
    sender
}

async fn receive_all(mut receiver: Receiver) -> Receiver {
    for number in 0..MANY {
        assert_eq!(receiver.recv().await.expect("a message").to_vec(), message(number));
    }
    receiver
}

#[test]
fn messages_arrive_in_order_both_ways_at_once() {
    on_both(|| async {
        let ((to_there, from_there), (to_here, from_here)) = ends();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { drop(tokio::join!(send_all(to_there), receive_all(from_there))) });
        tasks.spawn(async move { drop(tokio::join!(send_all(to_here), receive_all(from_here))) });
        tasks.join_all().await;
    });
}

#[test]
fn a_sender_that_waits_is_woken_by_room_though_its_receiver_waits_too() {
    on_both(|| async {
        let ((mut sender, mut idle), (_back, mut receiver)) = ends();
        while sender.try_send(&[7; 100]) != Err(TrySendError::Full) {}
        let sending = tokio::spawn(async move {
            // One task waits for both: the pokes for either come on one socket.
            tokio::select! {
                sent = sender.send(&[8; 100]) => sent.expect("room"),
                message = idle.recv() => panic!("nobody sent {message:?}"),
            }
            (sender, idle)
        });
        tokio::task::yield_now().await;
        while receiver.recv().await.expect("a message").to_vec() != [8; 100] {}
        sending.await.expect("a task");
    });
}

#[test]
fn what_is_too_long_for_a_buffer_stays() {
    on_both(|| async {
        let ((mut sender, _), (_back, mut receiver)) = ends();
        sender.send(b"four").await.expect("room");
        let mut buffer = [0; 8];
        let short = receiver.recv_into(&mut buffer[..3]).await;
        assert_eq!(short, Err(RecvIntoError::TooSmall { length: 4, buffer: 3 }));
        assert_eq!(receiver.recv_into(&mut buffer).await, Ok(4));
        assert_eq!(&buffer[..4], b"four");
        assert_eq!(receiver.try_recv().err(), Some(TryRecvError::Empty));
    });
}

#[test]
fn a_reservation_that_is_dropped_sends_nothing() {
    on_both(|| async {
        let ((mut sender, _), (_back, mut receiver)) = ends();
        drop(sender.reserve(10).await.expect("room"));
        let mut room = sender.reserve(10).await.expect("room");
        room.as_mut_slice()[..4].copy_from_slice(b"kept");
        room.commit_first(4);
        sender.ready(100).await.expect("room");
        assert_eq!(receiver.recv().await.expect("a message").to_vec(), b"kept");
        assert_eq!(receiver.try_recv().err(), Some(TryRecvError::Empty));
    });
}

#[test]
fn leaving_in_order_ends_a_loop_and_is_waited_for() {
    on_both(|| async {
        let ((mut sender, _), (_back, mut receiver)) = ends();
        let receiving = tokio::spawn(async move {
            let mut count = 0;
            while let Some(received) = receiver.next().await {
                assert_eq!(received, Ok(message(count)));
                count += 1;
            }
            count
        });
        for number in 0..100 {
            sender.send(&message(number)).await.expect("room");
        }
        sender.finish().await.expect("a peer that received everything");
        assert_eq!(receiving.await.expect("a task"), 100);
    });
}

#[test]
fn who_waits_for_room_learns_that_the_receiver_has_gone() {
    on_both(|| async {
        let ((mut sender, _), (_back, receiver)) = ends();
        while sender.try_send(&[7; 100]) != Err(TrySendError::Full) {}
        let sending = tokio::spawn(async move {
            loop {
                if let Err(error) = sender.send(&[8; 100]).await {
                    return error;
                }
            }
        });
        tokio::task::yield_now().await;
        drop(receiver);
        assert_eq!(sending.await.expect("a task"), SendError::Ended(End::Closed));
    });
}

#[test]
fn too_large_is_told_at_once() {
    on_both(|| async {
        let ((mut sender, _), _there) = ends();
        let (length, largest) = (sender.largest() + 1, sender.largest());
        assert_eq!(sender.send(&vec![0; length]).await, Err(SendError::TooLarge { length, largest }));
    });
}

#[test]
fn who_promised_to_spin_cannot_be_woken() {
    on_both(|| async {
        let (here, _there) = small().wait(WaitStrategy::Spin).pair().expect("a pair");
        assert!(matches!(split(here), Err(StartError::Spins)));
    });
}

#[test]
fn without_a_runtime_there_is_an_error() {
    let (here, _there) = small().pair().expect("a pair");
    assert!(matches!(split(here), Err(StartError::Reactor(_))));
}
