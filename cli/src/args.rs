//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use twinring::Transport;

use crate::measure::counting::{Counted, SUBCOMMAND as COUNTED};
use crate::measure::keeper::{Kept, SUBCOMMAND as KEEPER};
use crate::measure::leader::SUBCOMMAND;
use crate::measure::pattern::SHORTEST;
use crate::measure::plan::{LARGEST_CALL, Mechanism, Mode};

/// Two processes of one Linux machine talk through shared memory, at the latency of a cache line.
///
/// Without a command: starts a second process, connects the two, pins each to a core of its own, measures round trips,
/// streams and calls in all three ways of waiting, compares every byte, and shows a table. It takes about half a minute.
#[derive(Debug, Parser)]
#[command(name = "twinring", version, args_conflicts_with_subcommands = true, max_term_width = 100, after_long_help = EXAMPLES)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How hard to measure.
    #[command(flatten)]
    pub effort: Effort,
}

const EXAMPLES: &str = "\
Examples:
  twinring                                  measure this machine, show a table
  twinring bench --baselines                beside rtrb, a bare futex, memcpy
  twinring bench --json --mode spin --size 8 --size 64 > rows.jsonl

  twinring listen files | tar x             in one terminal, and in another:
  tar c directory | twinring connect files

  twinring echo door                        in one terminal, and in another:
  twinring ping door --size 64 --wait spin

  twinring serve shout --exec 'tr a-z A-Z'  in one terminal, and in another:
  twinring call shout hello";

/// What the command can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Measure, and print a table, JSON or CSV; draw a page
    Bench(Bench),
    /// Wait for one `connect NAME`, then move bytes: standard input there, what comes from there to standard output
    ///
    /// Either direction ends when its standard input does; the other goes on. The status is 0 only if both ended in order.
    #[command(after_help = "\
Example:
  twinring listen files > copy              in one terminal, and in another:
  twinring connect files < original")]
    Listen {
        /// A name, or the path of a socket if there is a '/' in it
        name: String,
        /// How to wait for bytes
        #[arg(long, value_enum, default_value = "adaptive")]
        wait: Mode,
        /// What carries the messages; both sides have to agree
        #[arg(long, value_enum, default_value = "any")]
        transport: Over,
        /// Let `twinring top` and `twinring stat` see what it counts
        #[arg(long)]
        monitor: bool,
    },
    /// Connect to a `listen NAME`, then move bytes as it does
    #[command(after_help = "\
Example:
  tar c directory | twinring connect files  in one terminal, and in another:
  twinring listen files | tar x")]
    Connect {
        /// A name, or the path of a socket if there is a '/' in it
        name: String,
        /// How long to wait for the listener, in seconds
        #[arg(long, value_name = "SECONDS", default_value = "10")]
        timeout: Seconds,
        /// How to wait for bytes
        #[arg(long, value_enum, default_value = "adaptive")]
        wait: Mode,
        /// What carries the messages; both sides have to agree
        #[arg(long, value_enum, default_value = "shared")]
        transport: Over,
        /// Let `twinring top` and `twinring stat` see what it counts
        #[arg(long)]
        monitor: bool,
    },
    /// Send every message back, to one `ping NAME` after another, until interrupted
    #[command(after_help = "\
Example:
  twinring echo door --wait spin --core 1   in one terminal, and in another:
  twinring ping door --wait spin --core 0")]
    Echo {
        /// A name, or the path of a socket if there is a '/' in it
        name: String,
        /// How to wait for messages
        #[arg(long, value_enum, default_value = "adaptive")]
        wait: Mode,
        /// The core to run on, or none [default: with --wait spin, another than ping's]
        #[arg(long, value_name = "N")]
        core: Option<Core>,
        /// What carries the messages; both sides have to agree
        #[arg(long, value_enum, default_value = "any")]
        transport: Over,
        /// Let `twinring top` and `twinring stat` see what it counts
        #[arg(long)]
        monitor: bool,
    },
    /// Measure round trips to an `echo NAME`, or calls to a `serve NAME`
    Ping(Ping),
    /// Answer every `call NAME`: with its own data, or with what a command makes of it
    Serve(Serve),
    /// Call what `serve NAME` serves, and print the reply
    Call(Call),
    /// Show the endpoints of this user at which somebody listens
    ///
    /// What dead processes left behind is removed. A listener that is no service is shown, and not asked.
    List {
        /// Print one JSON object per line; what is not known is null
        #[arg(long)]
        json: bool,
    },
    /// Talk to the service of a running process: what it is and has counted, or one call
    Attach(Attach),
    /// Show what the connections of monitored processes have counted
    ///
    /// A process is monitored that asked for it: by `Monitor::start()`, as a service that is `monitored`, or one of these commands
    /// with --monitor. Its messages are not shown, and it is not slowed down.
    #[command(after_help = "\
Example:
  twinring echo door --monitor              in one terminal, and in another:
  twinring ping door --count 10000000       and in a third:
  twinring stat door")]
    Stat {
        /// The connections of one endpoint [default: of all]
        name: Option<String>,
        /// Print one JSON object per line; what is not known is null
        #[arg(long)]
        json: bool,
    },
    /// Show what the connections of monitored processes do, live
    ///
    /// If standard output is no terminal, once: the rates of one interval, and what ended within it as it was. Which processes are monitored: see `twinring stat --help`.
    #[command(after_help = "\
Example:
  twinring echo door --monitor              in one terminal, and in another:
  twinring ping door --count 10000000       and in a third:
  twinring top")]
    Top {
        /// The connections of one endpoint [default: of all]
        name: Option<String>,
        /// How long between two looks, in seconds
        #[arg(long, value_name = "SECONDS", default_value = "1")]
        interval: Interval,
    },
    /// The second process of a measurement.
    #[command(name = SUBCOMMAND, hide = true)]
    Second {
        /// The core to run on.
        #[arg(long)]
        core: Option<usize>,
    },
    /// A leader whose system calls are counted.
    #[command(name = COUNTED, hide = true)]
    Counted(Counted),
    /// The process that removes what the leader of a measurement leaves.
    #[command(name = KEEPER, hide = true)]
    Keeper {
        /// What it makes and removes.
        kept: Kept,
        /// How many.
        count: usize,
    },
}

impl Command {
    /// Whether others are to see what it counts.
    #[must_use]
    pub fn is_monitored(&self) -> bool {
        match self {
            Self::Listen { monitor, .. } | Self::Connect { monitor, .. } | Self::Echo { monitor, .. } => *monitor,
            Self::Ping(ping) => ping.monitor,
            Self::Serve(serve) => serve.monitor,
            _ => false,
        }
    }
}

/// `twinring attach`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  twinring list\n  twinring attach 4711\n  twinring attach 4711 1:2 hello")]
pub struct Attach {
    /// The process
    pub pid: u32,
    /// What to call, as SERVICE:ID [default: what the service says of itself]
    pub selector: Option<Called>,
    /// The request
    pub data: Option<OsString>,
    /// Which of its endpoints, if it has several services
    #[arg(long)]
    pub name: Option<String>,
}

/// A selector on the command line.
#[derive(Clone, Copy, Debug)]
pub struct Called(pub twinring::Selector);

impl FromStr for Called {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once(':').and_then(|(service, id)| Some((service.parse().ok()?, id.parse().ok()?)));
        let (service, id) = numbers.ok_or("expected SERVICE:ID, two numbers of at most 65535")?;
        Ok(Self(twinring::Selector::new(service, id)))
    }
}

/// How hard to measure.
#[derive(Clone, Debug, Args)]
pub struct Effort {
    /// Rounds of each way of waiting; more of them even out a busy machine
    #[arg(long, value_name = "N", default_value = "7", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub rounds: u16,
    /// Milliseconds for each size in each round
    #[arg(long, value_name = "MS", default_value = "60", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub time: u16,
    /// The two cores to run on, instead of the first two that share nothing
    #[arg(long, value_name = "A,B")]
    pub cores: Option<Cores>,
    /// Ask for huge pages; what came is said below the table
    #[arg(long)]
    pub huge_pages: bool,
}

/// `twinring bench`.
#[derive(Debug, Args)]
#[command(after_help = BENCH_EXAMPLES)]
pub struct Bench {
    /// Print one JSON object per line and row; what a row does not measure is null
    ///
    /// Of a call, payload_bytes is the length of its request and of its reply, messages_per_s counts calls one after the other,
    /// and bytes_per_s the bytes of their requests.
    #[arg(long)]
    pub json: bool,
    /// Print CSV: the keys of JSON, then a line for each row; what a row does not measure is empty
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Write a page with plots, too: one file that needs no network
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Only these ways of waiting [default: all three]
    #[arg(long, value_enum, value_name = "MODE")]
    pub mode: Vec<Mode>,
    /// Only these payloads, in bytes; more than 1048576 only for calls [default: 8, 56, 64, 256, 1024, 4096, 65536; of calls: 8,
    /// 40, 1024, 65536]
    #[arg(long, value_name = "BYTES")]
    pub size: Vec<Payload>,
    /// Measure rtrb (between two threads), the bare futex and memcpy, too
    #[arg(long)]
    pub baselines: bool,
    /// Measure what else the system offers, too: pipe, sockets, queues, eventfd, signal, and calls by semaphores
    ///
    /// All of it sleeps in the kernel: it belongs beside parked rows, as the bare futex does. A payload that a mechanism cannot
    /// carry is null, and a note says why.
    #[arg(long)]
    pub tour: bool,
    /// Measure other libraries, too: iceoryx2, shmem-ipc, ipc-channel, ringfire, ipc_ring, Tachyon, libqb, Aeron
    ///
    /// A program of its own has them: build it in rivals/. This command says of each how to get it.
    #[arg(long)]
    pub rivals: bool,
    /// Measure calls at all payloads, and those of a session that many threads may use, too
    #[arg(long)]
    pub calls: bool,
    /// Only these mechanisms, named as in JSON [default: all but baselines, tour, rivals and twinring-call-shared]
    #[arg(long, value_enum, value_name = "MECHANISM")]
    pub mechanism: Vec<Mechanism>,
    /// Round trips at a pace, too: so many a second, each due at a time of its own, from which its latency counts
    ///
    /// With 8 bytes, if no size is chosen. The sender is awake; who receives has slept for as long as the pace lets it.
    #[arg(long, value_name = "PER_SECOND", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: Vec<u32>,
    /// Messages one way at a pace, too: so many a second, whether or not those before have come
    #[arg(long, value_name = "PER_SECOND", value_parser = clap::value_parser!(u32).range(1..=20_000_000))]
    pub load: Vec<u32>,
    /// Count the system calls of a round trip, too: both processes run once more for it, traced
    #[arg(long)]
    pub system_calls: bool,
    /// Everything: --baselines, --tour, --rivals, --calls, --rate 1, 100, 1000 and 10000, --load 100000 and 1000000,
    /// --system-calls; some minutes
    #[arg(long)]
    pub all: bool,
    /// How hard to measure.
    #[command(flatten)]
    pub effort: Effort,
}

const BENCH_EXAMPLES: &str = "\
Examples:
  twinring bench --baselines
  twinring bench --all --html report.html
  twinring bench --tour --mode park --rounds 3
  twinring bench --mode adaptive --rate 100 --rate 1000 --load 100000
  twinring bench --mechanism semaphore-sysv --mechanism twinring-call --size 64
  twinring bench --calls --mechanism twinring-call-shared
  twinring bench --mode park --size 8 --rounds 21
  twinring bench --json | jq -r '[.mechanism, .mode, .ratio] | @tsv'";

/// `twinring ping`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  twinring echo door --wait spin            in one terminal, and in another:
  twinring ping door --size 64 --count 1000000 --wait spin")]
pub struct Ping {
    /// A name, or the path of a socket if there is a '/' in it
    pub name: String,
    /// Measure calls to a `serve NAME` instead: request and reply
    #[arg(long)]
    pub call: bool,
    /// The payload of a message, in bytes
    #[arg(long, value_name = "BYTES", default_value = "64")]
    pub size: Payload,
    /// How many round trips
    #[arg(long, value_name = "N", default_value = "100000", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: u64,
    /// How to wait for answers
    #[arg(long, value_enum, default_value = "adaptive")]
    pub wait: Mode,
    /// How long to wait for the other side to be there, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    pub timeout: Seconds,
    /// The core to run on, or none [default: with --wait spin, another than echo's]
    #[arg(long, value_name = "N")]
    pub core: Option<Core>,
    /// What carries the messages; both sides have to agree
    #[arg(long, value_enum, default_value = "shared")]
    pub transport: Over,
    /// Let `twinring top` and `twinring stat` see what it counts
    #[arg(long)]
    pub monitor: bool,
}

/// `twinring serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  twinring serve shout --exec 'tr a-z A-Z'  in one terminal, and in another:
  twinring call shout hello

  twinring serve door                       in one terminal, and in another:
  twinring ping door --call")]
pub struct Serve {
    /// A name, or the path of a socket if there is a '/' in it
    pub name: String,
    /// Reply with the request's data [default]
    #[arg(long, conflicts_with = "exec")]
    pub echo: bool,
    /// Run `sh -c CMD` for each call and reply with its standard output
    ///
    /// The request's data is its standard input, the selector is in $TWINRING_SELECTOR. If it does not end with status 0, the
    /// call fails with that status and what it said on standard error.
    #[arg(long, value_name = "CMD")]
    pub exec: Option<String>,
    /// How many commands may run at a time for each client
    #[arg(long, value_name = "N", default_value = "4", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub workers: u16,
    /// How to wait for calls
    #[arg(long, value_enum, default_value = "adaptive")]
    pub wait: Mode,
    /// The core to run on, or none [default: with --wait spin, another than ping's]
    #[arg(long, value_name = "N")]
    pub core: Option<Core>,
    /// What carries the messages; both sides have to agree
    #[arg(long, value_enum, default_value = "any")]
    pub transport: Over,
    /// Let `twinring top` and `twinring stat` see what it counts
    #[arg(long)]
    pub monitor: bool,
}

/// `twinring call`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit status:
  0  the reply was printed
  1  the call has not run: nobody serves there, or it was refused or not sent
  2  the command line is wrong
  3  the call may have run: it was sent, and no reply came
  4  the call ran, and failed

Examples:
  twinring call shout hello
  twinring call shout - --selector 7 --timeout 500 < request > reply")]
pub struct Call {
    /// A name, or the path of a socket if there is a '/' in it
    pub name: String,
    /// What to send, or '-' for standard input [default: nothing]
    pub data: Option<OsString>,
    /// What is called
    #[arg(long, value_name = "N", default_value = "0")]
    pub selector: u32,
    /// How long it may take in all, in milliseconds: to reach the server, to be run, to reply
    #[arg(long, value_name = "MS", default_value = "10000")]
    pub timeout: u64,
    /// What carries the messages; both sides have to agree
    #[arg(long, value_enum, default_value = "shared")]
    pub transport: Over,
}

/// What carries the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Over {
    /// Shared memory, or nothing
    Shared,
    /// The socket
    Socket,
    /// Shared memory, or the socket where the other side wants it or memory cannot be shared
    Any,
}

impl Over {
    /// The same for the library.
    #[must_use]
    pub fn transport(self) -> Transport {
        match self {
            Self::Shared => Transport::SharedMemory,
            Self::Socket => Transport::Socket,
            Self::Any => Transport::Any,
        }
    }
}

/// A payload that carries a number and fits a call, if not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload(pub usize);

impl FromStr for Payload {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bytes = text.parse().map_err(|_| format!("expected a number of bytes, not {text:?}"))?;
        let allowed = SHORTEST..=LARGEST_CALL;
        let refused = || format!("expected {SHORTEST} to {LARGEST_CALL} bytes, not {bytes}");
        allowed.contains(&bytes).then_some(Self(bytes)).ok_or_else(refused)
    }
}

/// A time, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(pub Duration);

impl FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("expected a number of seconds, not {text:?}");
        let seconds = text.parse().map_err(|_| refused())?;
        Duration::try_from_secs_f64(seconds).map(Self).map_err(|_| refused())
    }
}

/// A time between two looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval(pub Duration);

impl FromStr for Interval {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = Duration::from_millis(50)..=Duration::from_secs(3600);
        let refused = || format!("expected 0.05 to 3600 seconds, not {text:?}");
        text.parse::<Seconds>()
            .ok()
            .map(|time| time.0)
            .filter(|time| allowed.contains(time))
            .map(Self)
            .ok_or_else(refused)
    }
}

/// A core, or none in particular.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Core {
    /// This one.
    Number(usize),
    /// Wherever the system likes.
    None,
}

impl FromStr for Core {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            _ => text
                .parse()
                .map(Self::Number)
                .map_err(|_| format!("expected the number of a core or none, not {text:?}")),
        }
    }
}

/// Two cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cores(pub usize, pub usize);

impl FromStr for Cores {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let two = || {
            let (one, other) = text.split_once(',')?;
            Some(Self(one.trim().parse().ok()?, other.trim().parse().ok()?))
        };
        two().ok_or_else(|| format!("expected two cores, like 0,1, not {text:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }

    #[test]
    fn values_out_of_range_are_refused_with_what_is_allowed() {
        assert_eq!("7".parse::<Payload>().unwrap_err(), "expected 8 to 67108864 bytes, not 7");
        assert_eq!("-1".parse::<Seconds>().unwrap_err(), "expected a number of seconds, not \"-1\"");
        assert_eq!("0.5".parse::<Seconds>().unwrap(), Seconds(Duration::from_millis(500)));
        assert_eq!("0.01".parse::<Interval>().unwrap_err(), "expected 0.05 to 3600 seconds, not \"0.01\"");
        assert_eq!("3".parse::<Core>().unwrap(), Core::Number(3));
        assert_eq!("none".parse::<Core>().unwrap(), Core::None);
        assert_eq!("all".parse::<Core>().unwrap_err(), "expected the number of a core or none, not \"all\"");
        assert_eq!("1, 3".parse::<Cores>().unwrap(), Cores(1, 3));
        assert_eq!("1".parse::<Cores>().unwrap_err(), "expected two cores, like 0,1, not \"1\"");
    }
}
