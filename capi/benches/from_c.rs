//! What a round trip costs from C, beside one from Rust: `cargo bench -p twinring-c`. The programs do the same and run in turns. The
//! library is the one that `install.sh` installs: cargo optimises across crates only for libraries of one kind. `TWINRING_PREFIX` in the environment says where it has been installed already.

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_setaffinity};
use tempfile::TempDir;
use twinring::{Options, Receiver, Sender, WaitStrategy};

const BATCH: usize = 100;
const LARGEST: usize = 4096;
const PATIENCE: Duration = Duration::from_secs(20);

/// The twin of `round_trip.c` is this program with such arguments.
const ROLES: [&str; 2] = ["echo", "ask"];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.first() {
        Some(role) if ROLES.contains(&role.as_str()) => twin(&arguments),
        _ => compare(number("TWINRING_ROUNDS", 15), number("TWINRING_TRIPS", 50_000)),
    }
}

fn number(name: &str, otherwise: usize) -> usize {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn twin(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let [role, path, core, ..] = arguments else { return Err("expected ROLE PATH CORE".into()) };
    let mut cores = CpuSet::new();
    cores.set(core.parse()?);
    sched_setaffinity(None, &cores)?;
    let options = Options::new().wait(WaitStrategy::Spin);
    let path = Path::new(path);
    let connection =
        if role == "echo" { options.bind(path)?.accept_timeout(PATIENCE)? } else { options.connect(path, PATIENCE)? };
    let (sender, receiver) = connection.split();
    match arguments {
        [_, _, _, bytes, trips] => ask(sender, receiver, bytes.parse()?, trips.parse()?),
        _ => echo(sender, receiver),
    }
}

fn ask(mut sender: Sender, mut receiver: Receiver, bytes: usize, trips: usize) -> Result<(), Box<dyn Error>> {
    let (message, mut back) = ([1; LARGEST], [0; LARGEST]);
    let mut times = Vec::new();
    for _ in 0..trips / BATCH {
        let began = Instant::now();
        for _ in 0..BATCH {
            sender.send(&message[..bytes])?;
            receiver.recv_into(&mut back)?;
        }
        times.push(began.elapsed());
    }
    times.sort_unstable();
    println!("{:.1}", times[times.len() / 2].as_nanos() as f64 / BATCH as f64);
    Ok(())
}

fn echo(mut sender: Sender, mut receiver: Receiver) -> Result<(), Box<dyn Error>> {
    let mut message = [0; LARGEST];
    while let Ok(length) = receiver.recv_into(&mut message) {
        sender.send(&message[..length])?;
    }
    Ok(())
}

/// Installs the library below `directory`; the prefix.
fn install(root: &Path, directory: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let installed = Command::new(root.join("install.sh")).arg(directory).stdout(Stdio::null()).status()?;
    if installed.success() { Ok(directory.to_owned()) } else { Err("the library could not be installed".into()) }
}

/// The programs: both libraries in C, and Rust.
fn programs(directory: &Path) -> Result<[(&'static str, PathBuf); 3], Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let prefix = env::var_os("TWINRING_PREFIX").map_or_else(|| install(root, directory), |prefix| Ok(prefix.into()))?;
    let libraries = prefix.join("lib");
    let compile = |name: &str, library: &[String]| -> Result<PathBuf, Box<dyn Error>> {
        let program = directory.join(name);
        let mut command = Command::new("cc");
        command.args(["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-I"]).arg(root.join("include"));
        command.arg(root.join("bench/round_trip.c")).arg("-o").arg(&program).args(library);
        if command.status()?.success() { Ok(program) } else { Err(format!("{name} did not compile").into()) }
    };
    let at = libraries.display();
    let shared = compile("shared", &[format!("-L{at}"), "-ltwinring_c".into(), format!("-Wl,-rpath,{at}")])?;
    let linked = ["-lpthread", "-ldl", "-lm"].map(str::to_owned);
    let archive = compile("static", &[&[format!("{at}/libtwinring_c.a")][..], &linked].concat())?;
    Ok([("Rust", env::current_exe()?), ("C, static library", archive), ("C, shared library", shared)])
}

/// A side that is ended with its test.
struct Side(Child);

impl Drop for Side {
    fn drop(&mut self) {
        // Both fail if it has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn median_of(program: &Path, path: &Path, bytes: usize, trips: usize) -> Result<f64, Box<dyn Error>> {
    let place = path.to_str().ok_or("a path that is no text")?;
    let _side = Side(Command::new(program).args(["echo", place, "1"]).spawn()?);
    let numbers = [bytes, trips].map(|number| number.to_string());
    let output = Command::new(program).args(["ask", place, "0"]).args(&numbers).stderr(Stdio::inherit()).output()?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

fn compare(rounds: usize, trips: usize) -> Result<(), Box<dyn Error>> {
    let directory = TempDir::new()?;
    let programs = programs(directory.path())?;
    let path = directory.path().join("bench.sock");
    println!(
        "medians of {rounds} rounds of {trips} round trips; ratio: median over rounds of C / Rust in the same round"
    );
    for bytes in [8, 64, 1024] {
        let mut times = vec![Vec::new(); programs.len()];
        for round in 0..rounds {
            // Not always in the same order.
            for number in (0..programs.len()).map(|number| (number + round) % programs.len()) {
                times[number].push(median_of(&programs[number].1, &path, bytes, trips)?);
            }
        }
        for ((name, _), own) in programs.iter().zip(&times) {
            let ratios = own.iter().zip(&times[0]).map(|(own, rust)| own / rust).collect();
            println!("{bytes:5} B  {name:18} {:7.1} ns  {:.3}", middle(own.clone()), middle(ratios));
        }
    }
    Ok(())
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
