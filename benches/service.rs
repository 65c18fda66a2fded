//! A service with many clients, measured: set-up, what idle clients cost, one active client among them, and bad company.
//!
//! Not statistics of one function but of processes, so a program of its own: `cargo bench --bench service`. With `--quick`
//! it takes seconds.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity};
use twinring::{
    Decision, LocalSession, Options, Selector, ServiceOptions, Session, SessionOptions, Verdict, WaitStrategy,
};

const ECHO: Selector = Selector::new(1, 1);
const FLOOD: Selector = Selector::new(1, 2);
const LONG: Duration = Duration::from_secs(20);
const MANY: usize = 1000;
const PART: &str = "TWINRING_BENCH_PART";
const SOCKET: &str = "TWINRING_BENCH_SOCKET";
const PINNED: &str = "TWINRING_BENCH_PINNED";
const RATE: &str = "TWINRING_BENCH_RATE";
const LINGER: &str = "TWINRING_BENCH_LINGER_MICROS";

fn main() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    setrlimit(Resource::RLIMIT_NOFILE, most, most).expect("as many descriptors as may be");
    let path = || PathBuf::from(env::var_os(SOCKET).expect("a socket"));
    match env::var(PART).as_deref() {
        Err(_) => measure(),
        Ok("serve") => serve(&path()),
        Ok("flood") => flood(&path()),
        Ok("silent") => silent(&path()),
        Ok("deaf") => deaf(&path()),
        Ok("refused") => refused(&path()),
        Ok("burn") => burn(1.0),
        Ok("burn a little") => burn(0.05),
        Ok(other) => panic!("no such part: {other}"),
    }
}

/// This thread runs on that core from now on.
fn pin(core: usize) {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).expect("a core");
}

/// This thread runs anywhere.
fn unpin() {
    let mut set = CpuSet::new();
    (0..thread::available_parallelism().map_or(1, usize::from).max(2)).for_each(|core| set.set(core));
    sched_setaffinity(None, &set).expect("cores");
}

fn small() -> Options {
    Options::new().ring_capacity(4096)
}

/// A second process, killed when dropped.
struct Part(Child);

impl Part {
    fn start(part: &str, path: &Path, linger: Duration) -> Self {
        Self::start_with(part, path, linger, &[])
    }

    fn start_with(part: &str, path: &Path, linger: Duration, more: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env::current_exe().expect("this program"));
        command.env(PART, part).env(SOCKET, path).env(LINGER, linger.as_micros().to_string());
        command.envs(more.iter().copied());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a second process");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("its output")).read_line(&mut line).expect("a word");
        assert_eq!(line.trim(), "ready", "{part}");
        Self(child)
    }

    /// Processor time so far, in ticks of the kernel's clock, and memory in use, in bytes.
    fn use_so_far(&self) -> (u64, usize) {
        let read = |name: &str| fs::read_to_string(format!("/proc/{}/{name}", self.0.id())).expect("a process");
        let stat = read("stat");
        let after_name = stat.rsplit_once(')').expect("a name").1;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let ticks = |at: usize| fields[at].parse::<u64>().expect("a number");
        let pages: usize = read("statm").split_whitespace().nth(1).expect("a field").parse().expect("a number");
        (ticks(11) + ticks(12), pages * 4096)
    }

    fn count(&self, what: &str) -> usize {
        fs::read_dir(format!("/proc/{}/{what}", self.0.id())).expect("a process").count()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ready() {
    println!("ready");
    // Ends with whoever started it.
    thread::spawn(|| {
        let _ = std::io::stdin().read_line(&mut String::new());
        std::process::exit(0);
    });
}

fn options_of(session: SessionOptions) -> ServiceOptions {
    ServiceOptions::new().connection(small()).session(session).most_clients(MANY + 64)
}

fn serve(path: &Path) {
    let micros = env::var(LINGER).ok().and_then(|text| text.parse().ok()).expect("a number");
    let session = SessionOptions::new().reply_timeout(Duration::from_secs(5));
    // Who is to be refused is told by its environment.
    let rate = env::var(RATE).ok().and_then(|text| text.parse().ok());
    let options =
        rate.map_or_else(|| options_of(session.clone()), |rate| options_of(session.clone()).message_rate(rate));
    let options = options.linger(Duration::from_micros(micros)).authorise(|who| {
        let name = who.pid.and_then(|pid| fs::read(format!("/proc/{pid}/environ")).ok()).unwrap_or_default();
        let refused = name.split(|&byte| byte == 0).any(|line| line == b"TWINRING_BENCH_PART=refused");
        if refused { Verdict::Refuse("not you".into()) } else { Verdict::Accept }
    });
    let service = options.bind(path).expect("a service");
    service.handle(ECHO, |request| {
        let payload = request.payload();
        request.reply().extend_from_slice(payload);
        Ok(())
    });
    service.on_event(FLOOD, |_, _, _| {});
    if env::var(PINNED).is_ok() {
        pin(1);
    }
    ready();
    service.serve();
}

fn flood(path: &Path) {
    let session = Session::new(small().connect(path, LONG).expect("a service"), &SessionOptions::new(), ());
    let session = session.expect("a session");
    ready();
    while session.notify(FLOOD.packed(), &[0; 64]).is_ok() {}
}

fn silent(path: &Path) {
    ready();
    loop {
        let held: Vec<_> = (0..8).filter_map(|_| small().connect(path, LONG).ok()).collect();
        thread::sleep(Duration::from_millis(200));
        drop(held);
    }
}

fn deaf(path: &Path) {
    ready();
    loop {
        let Ok(connection) = Options::new().ring_capacity(1 << 16).connect(path, LONG) else { continue };
        let session = Session::new(connection, &SessionOptions::new().listener(false), ()).expect("a session");
        let pending: Vec<_> = (0..60).filter_map(|_| session.begin(ECHO.packed(), &[0; 500]).ok()).collect();
        thread::sleep(Duration::from_millis(500));
        drop(pending);
    }
}

/// A thousand times a second.
fn refused(path: &Path) {
    ready();
    let began = Instant::now();
    for time in 1.. {
        drop(small().authorise(|_| Decision::Accept).connect(path, LONG));
        let due = began + Duration::from_millis(time);
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}

/// Burns that share of a processor.
fn burn(share: f64) {
    ready();
    loop {
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(1).mul_f64(share) {
            std::hint::spin_loop();
        }
        if share < 1.0 {
            thread::sleep(Duration::from_millis(1).mul_f64(1.0 - share));
        }
    }
}

fn measure() {
    let quick = env::args().any(|argument| argument == "--quick");
    let directory = tempfile::TempDir::new().expect("a directory");
    let path = directory.path().join("service");
    thousand(&path);
    for linger in [Duration::from_secs(1), Duration::ZERO] {
        active_among_idle(&path, linger, if quick { 2_000 } else { 20_000 });
    }
    company(&path, if quick { 6_000 } else { 20_000 });
}

fn sorted(mut times: Vec<Duration>) -> Vec<Duration> {
    times.sort_unstable();
    times
}

fn quantile(sorted: &[Duration], part: f64) -> Duration {
    sorted[((sorted.len() - 1) as f64 * part) as usize]
}

fn thousand(path: &Path) {
    let service = Part::start("serve", path, Duration::from_micros(50));
    let connect = || LocalSession::new(small().connect(path, LONG).expect("a service"), &SessionOptions::new(), ());
    let mut first = connect();
    first.call(ECHO.packed(), b"warm").expect("a reply");
    let (_, memory) = service.use_so_far();
    let (descriptors, threads) = (service.count("fd"), service.count("task"));
    let began = Instant::now();
    let mut times = Vec::new();
    let clients: Vec<_> = (0..MANY)
        .map(|_| {
            let began = Instant::now();
            let mut client = connect();
            client.call(ECHO.packed(), b"hello").expect("a reply");
            times.push(began.elapsed());
            client
        })
        .collect();
    let all = began.elapsed();
    let times = sorted(times);
    println!("{MANY} clients, each with a first call: {:.0} a second", MANY as f64 / all.as_secs_f64());
    println!("  set-up p50 {:?}, p99 {:?}, most {:?}", quantile(&times, 0.5), quantile(&times, 0.99), times[MANY - 1]);
    thread::sleep(Duration::from_secs(3));
    let (before, resident) = service.use_so_far();
    thread::sleep(Duration::from_secs(5));
    let (after, _) = service.use_so_far();
    println!("  each: {:.1} KiB in the service", (resident - memory) as f64 / MANY as f64 / 1024.0);
    println!("  each: {:.2} descriptors", (service.count("fd") - descriptors) as f64 / MANY as f64);
    println!("  threads more: {}", service.count("task") - threads);
    println!("  processor time in 5 s of nothing: {} ticks of 10 ms", after - before);
    drop(clients);
}

fn calls(client: &mut LocalSession<()>, count: usize) -> Vec<Duration> {
    let mut reply = Vec::new();
    let times = (0..count).map(|_| {
        let began = Instant::now();
        client.call_into(ECHO.packed(), b"eight by", &mut reply).expect("a reply");
        began.elapsed()
    });
    sorted(times.collect())
}

fn spinning(path: &Path) -> LocalSession<()> {
    let connection = small().wait(WaitStrategy::SpinThenPark).connect(path, LONG).expect("a service");
    LocalSession::new(connection, &SessionOptions::new(), ())
}

fn active_among_idle(path: &Path, linger: Duration, count: usize) {
    let _service = Part::start_with("serve", path, linger, &[(PINNED, "1")]);
    pin(0);
    let mut active = spinning(path);
    let mut reply = Vec::new();
    let idle = || {
        let mut idle = spinning(path);
        idle.call(ECHO.packed(), b"hello").expect("a reply");
        idle
    };
    println!("one active client, linger {linger:?}: p50 of calls, alone and among {MANY} idle");
    let mut ratios = Vec::new();
    for _ in 0..5 {
        active.call_into(ECHO.packed(), b"warm", &mut reply).expect("a reply");
        let alone = calls(&mut active, count);
        let others: Vec<_> = (0..MANY).map(|_| idle()).collect();
        // Those are looked at for a while.
        thread::sleep(linger + Duration::from_millis(200));
        drop(calls(&mut active, count / 10));
        let among = calls(&mut active, count);
        let (alone, among) = (quantile(&alone, 0.5), quantile(&among, 0.5));
        ratios.push(among.as_secs_f64() / alone.as_secs_f64());
        println!("  {alone:?} {among:?} ratio {:.3}", ratios.last().expect("one"));
        drop(others);
        thread::sleep(Duration::from_millis(300));
    }
    ratios.sort_by(f64::total_cmp);
    println!("  median ratio {:.3}", ratios[2]);
    unpin();
}

/// A polite client's calls in bad company, and beside a process that burns as much and is no client.
fn company(path: &Path, count: usize) {
    println!("a polite client's calls: p50 and p99, beside that company");
    // A flood keeps two processes busy: its own, and the service. So does, beside it, what burns twice.
    let company: [&[&str]; 7] =
        [&[], &["burn", "burn"], &["flood"], &["burn a little"], &["silent"], &["deaf"], &["refused"]];
    let rated = [(RATE, "20000")];
    let rounds = company.iter().map(|parts| (*parts, &[][..])).chain([(&["flood"][..], &rated[..])]);
    for (parts, settings) in rounds {
        let _service = Part::start_with("serve", path, Duration::from_micros(50), settings);
        let mut polite = spinning(path);
        let _company: Vec<_> = parts.iter().map(|part| Part::start(part, path, Duration::ZERO)).collect();
        thread::sleep(Duration::from_millis(100));
        let times = paced(&mut polite, count);
        let note = if settings.is_empty() { "" } else { ", at most 20,000 messages a second" };
        let name = if parts.is_empty() { "nobody".to_owned() } else { parts.join(" and ") };
        println!("  {name:14} {:>12?} {:>12?}{note}", quantile(&times, 0.5), quantile(&times, 0.99));
    }
}

/// Calls with a pause between, so that seconds go by.
fn paced(client: &mut LocalSession<()>, count: usize) -> Vec<Duration> {
    let mut reply = Vec::new();
    let times = (0..count).map(|_| {
        thread::sleep(Duration::from_micros(200));
        let began = Instant::now();
        client.call_into(ECHO.packed(), b"eight by", &mut reply).expect("a reply");
        began.elapsed()
    });
    sorted(times.collect())
}
