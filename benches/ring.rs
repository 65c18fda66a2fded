//! What a push and a pop cost when nobody interferes: the instructions, not the cache misses between cores (those are
//! what `twinring bench` measures).

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use twinring::memory::{Foreign, Heap, Own};
use twinring::ring::{Consumer, Geometry, Producer};
use twinring::{Options, WaitStrategy};

const SIZES: [usize; 5] = [8, 56, 64, 1024, 65_536];

/// A ring over the heap kind of memory: the algorithm alone.
fn ring(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring over the heap");
    for size in [8, 64] {
        let [own, foreign] = Heap::family([1024, 8]);
        let geometry = Geometry::new(0, 0, 1024, 128);
        let mut producer = Producer::new(Own::new(own.clone()), Foreign::new(foreign.clone()), geometry);
        let mut consumer = Consumer::new(Own::new(foreign), Foreign::new(own), geometry);
        let (message, mut received) = (vec![7; size], Vec::new());
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| {
                producer.push(black_box(&message)).expect("room");
                consumer.pop(&mut received).expect("a message");
            });
        });
    }
}

/// The two ends of a connection on one thread.
fn connection(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("send and receive on one core");
    let (here, there) = Options::new().wait(WaitStrategy::Spin).pair().expect("a pair");
    let ((mut sender, _), (_, mut receiver)) = (here.split(), there.split());
    for size in SIZES {
        let (message, mut received) = (vec![7; size], vec![0; size]);
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| {
                sender.send(black_box(&message)).expect("room");
                receiver.recv_into(&mut received).expect("a message");
            });
        });
    }
}

criterion_group!(benches, ring, connection);
criterion_main!(benches);
