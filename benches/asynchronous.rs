//! What waiting by a task costs beside waiting by a thread: round trips of 64 bytes, by the ends and as calls, finely interleaved.
//!
//! Each side is a thread of this process, over memory mapped as between two; once with a core for each, and once with one for
//! both. A program of its own, because it wants the
//! mechanisms beside each other and not one after another: `cargo bench --bench asynchronous`. With `--quick` it takes a second.

use std::env;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_setaffinity};
use tokio::runtime::{Builder, Runtime};
use twinring::asynchronous::{self, Request};
use twinring::{Call, Options, Session, SessionOptions, WaitStrategy};

const SIZE: usize = 64;

/// How long a task that lingers looks on: as long as a thread that adapts spins.
const LINGER: Duration = Duration::from_micros(50);

/// One way of waiting: makes so many trips, and says how long each took.
struct Way {
    name: &'static str,
    trips: Box<dyn FnMut(usize) -> Vec<Duration>>,
    medians: Vec<Duration>,
}

impl Way {
    fn new(name: &'static str, trips: impl FnMut(usize) -> Vec<Duration> + 'static) -> Self {
        Self { name, trips: Box::new(trips), medians: Vec::new() }
    }

    fn round(&mut self, trips: usize) {
        let times = (self.trips)(trips);
        self.medians.push(median(times));
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn main() {
    let quick = env::args().any(|argument| argument == "--quick");
    let (rounds, trips) = if quick { (3, 50) } else { (21, 200) };
    for (words, core) in [("a core for each side", 1), ("one core for both", 0)] {
        println!("{words}:");
        measure(core, rounds, trips);
    }
}

/// This thread, and those that it starts, run on that core from now on.
fn pin(core: usize) {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).expect("a core");
}

/// The side that answers, on a core of its own choice.
fn answering(core: usize, answer: impl FnOnce() + Send + 'static) {
    // It ends when the side that asks has left.
    let _: JoinHandle<()> = thread::spawn(move || {
        pin(core);
        answer();
    });
}

fn measure(core: usize, rounds: usize, trips: usize) {
    pin(0);
    let mut ways = [
        Way::new("ends, threads, park", ends_of_threads(core, WaitStrategy::Park)),
        Way::new("ends, threads, adaptive", ends_of_threads(core, WaitStrategy::SpinThenPark)),
        Way::new("ends, tasks", ends_of_tasks(core, Duration::ZERO)),
        Way::new("ends, tasks that linger", ends_of_tasks(core, LINGER)),
        Way::new("calls, threads, park", calls_of_threads(core, WaitStrategy::Park)),
        Way::new("calls, threads, adaptive", calls_of_threads(core, WaitStrategy::SpinThenPark)),
        Way::new("calls, tasks", calls_of_tasks(core, Duration::ZERO)),
        Way::new("calls, tasks that linger", calls_of_tasks(core, LINGER)),
    ];
    for _ in 0..rounds {
        ways.iter_mut().for_each(|way| way.round(trips));
    }
    for way in ways {
        let (least, most) = (way.medians.iter().min().copied(), way.medians.iter().max().copied());
        let (least, most) = (least.unwrap_or_default(), most.unwrap_or_default());
        println!("{:25} {:>10.2?}   rounds from {least:.2?} to {most:.2?}", way.name, median(way.medians));
    }
}

fn timed(trips: usize, mut trip: impl FnMut()) -> Vec<Duration> {
    let one = |_| {
        let began = Instant::now();
        trip();
        began.elapsed()
    };
    (0..trips).map(one).collect()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn ends_of_threads(core: usize, wait: WaitStrategy) -> impl FnMut(usize) -> Vec<Duration> {
    let (here, there) = Options::new().wait(wait).pair().expect("a pair");
    answering(core, move || {
        let (mut sender, mut receiver) = there.split();
        let mut buffer = [0; SIZE];
        while receiver.recv_into(&mut buffer).is_ok() && sender.send(&buffer).is_ok() {}
    });
    let (mut sender, mut receiver) = here.split();
    let mut buffer = [7; SIZE];
    move |trips| {
        timed(trips, || {
            sender.send(&buffer).expect("room");
            receiver.recv_into(&mut buffer).expect("an echo");
        })
    }
}

fn ends_of_tasks(core: usize, linger: Duration) -> impl FnMut(usize) -> Vec<Duration> {
    let (here, there) = Options::new().pair().expect("a pair");
    answering(core, move || {
        runtime().block_on(async {
            let (mut sender, receiver) = asynchronous::split(there).expect("ends");
            let (mut receiver, mut buffer) = (receiver.linger(linger), [0; SIZE]);
            while receiver.recv_into(&mut buffer).await.is_ok() && sender.send(&buffer).await.is_ok() {}
        });
    });
    let runtime = runtime();
    let entered = runtime.block_on(async { asynchronous::split(here).expect("ends") });
    let (mut sender, mut receiver) = (entered.0, entered.1.linger(linger));
    let mut buffer = [7; SIZE];
    move |trips| {
        runtime.block_on(async {
            let mut times = Vec::with_capacity(trips);
            for _ in 0..trips {
                let began = Instant::now();
                sender.send(&buffer).await.expect("room");
                receiver.recv_into(&mut buffer).await.expect("an echo");
                times.push(began.elapsed());
            }
            times
        })
    }
}

fn calls_of_threads(core: usize, wait: WaitStrategy) -> impl FnMut(usize) -> Vec<Duration> {
    let (here, there) = Options::new().wait(wait).pair().expect("a pair");
    let echo = |call: &mut Call<'_>| {
        let payload = call.payload();
        call.reply().extend_from_slice(payload);
        Ok(())
    };
    answering(core, move || {
        let server = Session::new(there, &SessionOptions::new(), echo).expect("a session");
        let _ = server.serve();
    });
    let client = Session::new(here, &SessionOptions::new(), ()).expect("a session");
    let mut reply = Vec::new();
    move |trips| timed(trips, || client.call_into(1, &[7; SIZE], &mut reply).expect("a reply"))
}

fn calls_of_tasks(core: usize, linger: Duration) -> impl FnMut(usize) -> Vec<Duration> {
    let (here, there) = Options::new().pair().expect("a pair");
    answering(core, move || {
        runtime().block_on(async {
            let echo = |request: Request| async { Ok(request.into_payload()) };
            let server = asynchronous::Session::lingering(there, &SessionOptions::new(), echo, linger);
            let _ = server.expect("a session").ended().await;
        });
    });
    let runtime = runtime();
    let client = runtime.block_on(async {
        asynchronous::Session::lingering(here, &SessionOptions::new(), (), linger).expect("a session")
    });
    move |trips| {
        runtime.block_on(async {
            let mut times = Vec::with_capacity(trips);
            for _ in 0..trips {
                let began = Instant::now();
                client.call(1, &[7; SIZE]).await.expect("a reply");
                times.push(began.elapsed());
            }
            times
        })
    }
}
