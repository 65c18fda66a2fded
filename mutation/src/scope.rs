//! Which files are mutated, how much, and by which tests each module is held.

/// What is done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Orderings, fences, wakes, conditions, comparisons, bounds, and every statement that only does something.
    All,
    /// Orderings, fences and wakes.
    Wakes,
}

/// Files that are tested together.
#[derive(Debug)]
pub struct Module {
    /// What it is called in the summary.
    pub name: &'static str,
    /// Beginnings of paths below `src/`, with what is done to them. The first that fits counts.
    pub files: &'static [(&'static str, Depth)],
    /// The programs whose tests hold it.
    pub programs: &'static [&'static str],
}

/// The program of the models; what it runs are not test functions.
pub const MODELS: &str = "models";

/// What is told to the crate `tracing`: built with that feature.
pub const TRACING: &str = "tracing";

const CORE: &[&str] = &["ring_properties", "ring_hostile", "fuzz_replay", MODELS, "connection"];
/// A rest is taken by sessions, a lie that is told elsewhere comes by a socket, and what is counted or told is for others to see.
const WAIT: &[&str] = &[
    "ring_properties",
    "ring_hostile",
    "fuzz_replay",
    MODELS,
    "connection",
    "session",
    "over_socket",
    "asynchronous",
    "death",
    "monitor",
    TRACING,
];
/// What a kernel refuses, only its tests come by.
const MEMORY: &[&str] =
    &["memory", "ring_properties", "fuzz_replay", "connection", "over_socket", "session", "death", "kernel"];
const CONNECTION: &[&str] = &[
    "shapes",
    "fuzz_replay",
    "hostile_handshake",
    "connection",
    "death",
    "over_socket",
    "connection_over_socket",
    "death_over_socket",
    "session",
    "service",
    "asynchronous",
];
/// What carries has no part in shared memory.
const CARRIER: &[&str] = &[
    "fuzz_replay",
    "over_socket",
    "connection_over_socket",
    "death_over_socket",
    "session_over_socket",
    "asynchronous_over_socket",
    "kernel",
];
/// What a monitor sees of calls in flight, only its tests can tell.
const SESSION: &[&str] =
    &["session_properties", "fuzz_replay", MODELS, "session", "session_over_socket", "monitor", TRACING];
const SERVICE: &[&str] = &["service", "service_over_socket"];
const RPC: &[&str] = &["rpc", "fuzz_replay"];
const TASKS: &[&str] = &["asynchronous", "asynchronous_over_socket"];
const LEDGER: &[&str] = &["monitor", "fuzz_replay", MODELS];
const SYSTEM: &[&str] = &["connection", "over_socket", "connection_over_socket", "death", "session", "service"];

use Depth::{All, Wakes};

/// All modules, the lock-free core first.
pub const MODULES: &[Module] = &[
    Module { name: "ring", files: &[("ring", All)], programs: CORE },
    Module { name: "wait", files: &[("wait", All)], programs: WAIT },
    Module { name: "channel", files: &[("channel", All)], programs: WAIT },
    Module { name: "memory", files: &[("memory/mapped.rs", All), ("memory/view.rs", All)], programs: MEMORY },
    Module { name: "region", files: &[("region.rs", All)], programs: CONNECTION },
    Module {
        name: "connection",
        files: &[
            ("connection/handshake.rs", All),
            ("connection/wire.rs", All),
            ("connection/half.rs", All),
            ("connection/terms.rs", All),
            ("connection/stream.rs", All),
            ("connection", Wakes),
        ],
        programs: CONNECTION,
    },
    Module { name: "carrier", files: &[("carrier", All)], programs: CARRIER },
    Module {
        name: "session",
        files: &[
            ("session/header.rs", All),
            ("session/hello.rs", All),
            ("session/reassembly.rs", All),
            ("session/inbox.rs", All),
            ("session/lead.rs", All),
            ("session/tally.rs", All),
            ("session", Wakes),
        ],
        programs: SESSION,
    },
    Module {
        name: "rpc",
        files: &[("rpc/stream/frame.rs", All), ("rpc/codec.rs", All), ("rpc", Wakes)],
        programs: RPC,
    },
    Module { name: "service", files: &[("service", Wakes)], programs: SERVICE },
    Module { name: "asynchronous", files: &[("asynchronous", Wakes)], programs: TASKS },
    Module { name: "ledger", files: &[("ledger", Wakes), ("monitor", Wakes)], programs: LEDGER },
    Module { name: "os", files: &[("os", Wakes)], programs: SYSTEM },
];

/// What is done to a file below `src/`, and the module that it belongs to.
pub fn of(file: &str) -> Option<(&'static Module, Depth)> {
    MODULES.iter().find_map(|module| {
        let depth = module.files.iter().find(|(start, _)| file.starts_with(start))?.1;
        Some((module, depth))
    })
}
