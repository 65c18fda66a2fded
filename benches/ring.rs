//! What a push and a pop take when nobody interferes: the ring alone, without doorbell and link, in mapped memory, both ends
//! on one thread. Not in it: the cache misses between two cores, which are what `twinring bench` measures. For small
//! differences see `benches/instructions`, which counts.

#[path = "instructions/mapped_ring.rs"]
mod mapped_ring;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const SIZES: [usize; 5] = [8, 56, 64, 1024, 65_536];

fn push_and_pop(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring: push and pop");
    let (mut producer, mut consumer) = mapped_ring::ring();
    for size in SIZES {
        let (message, mut received) = (vec![7; size], Vec::new());
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| {
                producer.push(black_box(&message)).expect("room");
                consumer.pop(&mut received).expect("a message");
            });
        });
    }
}

criterion_group!(benches, push_and_pop);
criterion_main!(benches);
