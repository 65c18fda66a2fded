//! What waiting by a task costs beside waiting by a thread: round trips of 64 bytes, by the ends and as calls, finely interleaved.
//!
//! Each side is a thread of this process, over memory mapped as between two. A program of its own, because it wants the
//! mechanisms beside each other and not one after another: `cargo bench --bench asynchronous`. With `--quick` it takes a second.

use std::env;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

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
    let (rounds, trips) = if quick { (3, 50) } else { (31, 500) };
    let mut ways = [
        Way::new("ends, threads, park", ends_of_threads(WaitStrategy::Park)),
        Way::new("ends, threads, adaptive", ends_of_threads(WaitStrategy::SpinThenPark)),
        Way::new("ends, tasks", ends_of_tasks(Duration::ZERO)),
        Way::new("ends, tasks that linger", ends_of_tasks(LINGER)),
        Way::new("calls, threads, park", calls_of_threads(WaitStrategy::Park)),
        Way::new("calls, threads, adaptive", calls_of_threads(WaitStrategy::SpinThenPark)),
        Way::new("calls, tasks", calls_of_tasks(Duration::ZERO)),
        Way::new("calls, tasks that linger", calls_of_tasks(LINGER)),
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

fn ends_of_threads(wait: WaitStrategy) -> impl FnMut(usize) -> Vec<Duration> {
    let (here, there) = Options::new().wait(wait).pair().expect("a pair");
    let _echo: JoinHandle<()> = thread::spawn(move || {
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

fn ends_of_tasks(linger: Duration) -> impl FnMut(usize) -> Vec<Duration> {
    let (here, there) = Options::new().pair().expect("a pair");
    let _echo: JoinHandle<()> = thread::spawn(move || {
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

fn calls_of_threads(wait: WaitStrategy) -> impl FnMut(usize) -> Vec<Duration> {
    let (here, there) = Options::new().wait(wait).pair().expect("a pair");
    let echo = |call: &mut Call<'_>| {
        let payload = call.payload();
        call.reply().extend_from_slice(payload);
        Ok(())
    };
    let server = Session::new(there, &SessionOptions::new(), echo).expect("a session");
    let client = Session::new(here, &SessionOptions::new(), ()).expect("a session");
    let mut reply = Vec::new();
    move |trips| {
        let _server = &server;
        timed(trips, || client.call_into(1, &[7; SIZE], &mut reply).expect("a reply"))
    }
}

fn calls_of_tasks(linger: Duration) -> impl FnMut(usize) -> Vec<Duration> {
    let (here, there) = Options::new().pair().expect("a pair");
    let _server: JoinHandle<()> = thread::spawn(move || {
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
