//! What types cost: a typed call beside a raw one of as many bytes. Over a carrier that runs the handler in place, so that nothing
//! else is measured, and over a pair of sessions that spin.

use std::hint::black_box;
use std::sync::{Arc, LazyLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime};
use serde::{Deserialize, Serialize};
use twinring::rpc::{Carrier, Context, FIRST, Schema, Server};
use twinring::{
    Call, CallError, Connection, End, Failure, Handler, LocalSession, NotifyError, Options, SessionOptions,
    WaitStrategy,
};

/// A small struct: 24 bytes in memory, 25 at most as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub struct Order {
    /// Which.
    pub id: u64,
    /// For how much.
    pub price: f64,
    /// How many.
    pub amount: u32,
    /// Which way.
    pub buy: bool,
}

twinring::interface! {
    /// As small as it gets.
    pub trait Market, client MarketClient {
        /// The same order, confirmed.
        fn place(order: Order) -> Order;
    }
}

struct Echo;

impl Market for Echo {
    fn place(&self, _: &mut Context<'_>, order: Order) -> Order {
        black_box(order)
    }
}

const ORDER: Order = Order { id: 1_234_567_890, price: 99.25, amount: 1000, buy: true };

/// Runs what is called in place.
struct InPlace(Server);

struct Nobody;

impl Carrier for Nobody {
    fn call(&mut self, _: u32, _: &[u8], _: &mut Vec<u8>, _: Option<Duration>) -> Result<(), CallError> {
        Err(CallError::Busy)
    }

    fn notify(&mut self, _: u32, _: &[u8]) -> Result<(), NotifyError> {
        Ok(())
    }
}

impl Carrier for InPlace {
    fn call(&mut self, number: u32, request: &[u8], reply: &mut Vec<u8>, _: Option<Duration>) -> Result<(), CallError> {
        self.0.run(number, request, reply, &mut Nobody).map_err(|_| CallError::NoSelector)
    }

    fn notify(&mut self, _: u32, _: &[u8]) -> Result<(), NotifyError> {
        Ok(())
    }
}

fn server() -> Server {
    Server::new().register::<dyn Market>(Arc::new(Echo))
}

/// Marshal, dispatch, unmarshal, run, and all of it back: what a typed call adds.
fn in_place(criterion: &mut Criterion) {
    let mut market = MarketClient::bind(InPlace(server())).expect("a market");
    let mut group = criterion.benchmark_group("rpc in place");
    group.bench_function("typed", |bencher| bencher.iter(|| market.place(black_box(ORDER)).expect("an order")));
}

/// The processors that this process may use; asked before any thread is pinned.
static PROCESSORS: LazyLock<Vec<usize>> = LazyLock::new(|| {
    let allowed = sched_getaffinity(None).expect("the processors of this thread");
    (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu)).collect()
});

/// Keeps this thread on one of them: two that spin on the same one measure the scheduler.
fn pin(number: usize) {
    if let Some(&cpu) = PROCESSORS.get(number) {
        let mut one = CpuSet::new();
        one.set(cpu);
        sched_setaffinity(None, &one).expect("a processor of its own");
    }
}

/// A pair of sessions, each with a thread of its own that spins on a processor of its own.
fn sessions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rpc over sessions");
    typed(&mut group);
    raw(&mut group);
}

fn serving(there: Connection, handler: impl Handler + Send + 'static) -> JoinHandle<Result<(), End>> {
    LazyLock::force(&PROCESSORS);
    let serve = || {
        pin(1);
        LocalSession::new(there, &SessionOptions::new(), handler).serve()
    };
    let thread = thread::spawn(serve);
    pin(0);
    thread
}

fn pair() -> (Connection, Connection) {
    Options::new().wait(WaitStrategy::Spin).pair().expect("a pair")
}

fn typed(group: &mut BenchmarkGroup<'_, WallTime>) {
    let (here, there) = pair();
    let serving = serving(there, server());
    let mut market = MarketClient::bind(LocalSession::new(here, &SessionOptions::new(), ())).expect("a market");
    group.bench_function("typed", |bencher| bencher.iter(|| market.place(black_box(ORDER)).expect("an order")));
    drop(market);
    serving.join().expect("the other side").expect("a good end");
}

/// The same bytes, given back as they came.
fn raw(group: &mut BenchmarkGroup<'_, WallTime>) {
    let (here, there) = pair();
    let echo = |call: &mut Call<'_>| -> Result<(), Failure> {
        let payload = call.payload();
        call.reply().extend_from_slice(payload);
        Ok(())
    };
    let serving = serving(there, echo);
    let mut session = LocalSession::new(here, &SessionOptions::new(), ());
    let (request, mut reply) = ([7; 17], Vec::new());
    group.bench_function("raw", |bencher| {
        bencher.iter(|| session.call_into(FIRST, black_box(&request), &mut reply).expect("a reply"));
    });
    drop(session);
    serving.join().expect("the other side").expect("a good end");
}

criterion_group!(benches, in_place, sessions);
criterion_main!(benches);
