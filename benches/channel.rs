//! What a message takes when nobody interferes: a sender and a receiver of one connection, both on one thread. One message is
//! sent and received, by each way there is; of a batch, sixteen.
//!
//! Not in it: the cache misses between two cores, waiting and waking. Those are what `twinring bench` measures. For small
//! differences see `benches/instructions`, which counts.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use twinring::{Options, Receiver, Sender, WaitStrategy};

const SIZES: [usize; 5] = [8, 56, 64, 1024, 65_536];

/// Messages in a batch.
const BATCH: usize = 16;

fn send_and_recv_into(criterion: &mut Criterion) {
    each_size(criterion, "send, recv_into", 1, |sender, receiver, message, buffer| {
        sender.send(message).expect("room");
        receiver.recv_into(buffer).expect("a message");
    });
}

fn send_and_recv(criterion: &mut Criterion) {
    each_size(criterion, "send, recv and copy_to", 1, |sender, receiver, message, buffer| {
        sender.send(message).expect("room");
        receiver.recv().expect("a message").copy_to(buffer);
    });
}

fn try_send_and_try_recv(criterion: &mut Criterion) {
    each_size(criterion, "try_send, try_recv and copy_to", 1, |sender, receiver, message, buffer| {
        sender.try_send(message).expect("room");
        receiver.try_recv().expect("a message").copy_to(buffer);
    });
}

/// The message is written in place and read where it lies, in part: what copying costs is not in it.
fn reserve_and_recv(criterion: &mut Criterion) {
    each_size(criterion, "reserve and commit, recv and read 8 bytes", 1, |sender, receiver, message, buffer| {
        let mut room = sender.reserve(message.len()).expect("room");
        room.write_at(0, &message[..8]);
        room.commit();
        receiver.recv().expect("a message").read_at(0, &mut buffer[..8]);
    });
}

fn batch_and_drain(criterion: &mut Criterion) {
    each_size(criterion, "batch, drain", BATCH, |sender, receiver, message, buffer| {
        let mut batch = sender.batch();
        for _ in 0..BATCH {
            batch.try_push(message).expect("room");
        }
        drop(batch);
        let taken = receiver.drain(BATCH, |message| message.copy_to(buffer));
        assert_eq!(taken, Ok(BATCH));
    });
}

/// Measures what `transfer` does with `messages` of each size that fit into half of the ring at once.
fn each_size(
    criterion: &mut Criterion,
    name: &str,
    messages: usize,
    transfer: impl Fn(&mut Sender, &mut Receiver, &[u8], &mut [u8]),
) {
    let mut group = criterion.benchmark_group(name);
    let (mut sender, mut receiver) = connection();
    let largest = sender.largest();
    for size in SIZES.into_iter().filter(|size| size * messages <= largest) {
        let (message, mut buffer) = (vec![7; size], vec![0; size]);
        group.throughput(Throughput::Elements(messages as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| transfer(&mut sender, &mut receiver, black_box(&message), black_box(&mut buffer)));
        });
    }
}

/// Both ends of one direction of a connection.
fn connection() -> (Sender, Receiver) {
    let (here, there) = Options::new().wait(WaitStrategy::Spin).pair().expect("a pair");
    let ((sender, _), (_, receiver)) = (here.split(), there.split());
    (sender, receiver)
}

criterion_group!(benches, send_and_recv_into, send_and_recv, try_send_and_try_recv, reserve_and_recv, batch_and_drain);
criterion_main!(benches);
