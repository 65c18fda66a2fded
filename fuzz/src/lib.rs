//! The bodies of the fuzz targets: each takes bytes, and panics if a promise is broken.
//!
//! Nothing here knows libFuzzer, so that `tests/fuzz_replay.rs` of the library runs the same code on a stable compiler.

mod carried_stream;
mod doorbell;
mod fragments;
mod frame;
mod handshake;
mod ledger;
mod lies;
mod message_header;
mod oracle;
mod reassembly;
mod region_header;
mod ring_peer;
mod rpc_dispatch;
mod session_peer;

pub use carried_stream::carried_stream;
pub use doorbell::doorbell;
pub use frame::frame;
pub use handshake::handshake;
pub use ledger::ledger;
pub use message_header::message_header;
pub use reassembly::reassembly;
pub use region_header::region_header;
pub use ring_peer::ring_peer;
pub use rpc_dispatch::rpc_dispatch;
pub use session_peer::session_peer;

/// A body: takes bytes, panics if a promise is broken.
pub type Body = fn(&[u8]);

/// Every target, by the name of its file and of its corpus.
pub const TARGETS: &[(&str, Body)] = &[
    ("carried_stream", carried_stream),
    ("doorbell", doorbell),
    ("frame", frame),
    ("handshake", handshake),
    ("ledger", ledger),
    ("message_header", message_header),
    ("reassembly", reassembly),
    ("region_header", region_header),
    ("ring_peer", ring_peer),
    ("rpc_dispatch", rpc_dispatch),
    ("session_peer", session_peer),
];
