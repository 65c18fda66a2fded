//! The `twinring` command with other libraries to measure: `bench --rivals` has a row for each beside ours.
//!
//! Each is used as its own documentation recommends for the lowest latency; what that is stands at the top of its file.

#[cfg(any(feature = "ringfire", feature = "shmem-ipc"))]
mod fixed;
#[cfg(feature = "iceoryx2")]
mod iceoryx2;
#[cfg(feature = "ipc-channel")]
mod ipc_channel;
#[cfg(feature = "ipc-ring")]
mod ipc_ring;
#[cfg(feature = "libqb")]
mod libqb;
mod name;
#[cfg(feature = "ringfire")]
mod ringfire;
#[cfg(feature = "shmem-ipc")]
mod shmem_ipc;
mod spin;
#[cfg(feature = "tachyon")]
mod tachyon;

use std::process::ExitCode;

use twinring_cli::measure::rivals::Rival;

/// Those that were built.
const RIVALS: &[Rival] = &[
    #[cfg(feature = "iceoryx2")]
    iceoryx2::publish::RIVAL,
    #[cfg(feature = "iceoryx2")]
    iceoryx2::call::RIVAL,
    #[cfg(feature = "iceoryx2")]
    iceoryx2::event::RIVAL,
    #[cfg(feature = "shmem-ipc")]
    shmem_ipc::RIVAL,
    #[cfg(feature = "ipc-channel")]
    ipc_channel::RIVAL,
    #[cfg(feature = "ringfire")]
    ringfire::RIVAL,
    #[cfg(feature = "ipc-ring")]
    ipc_ring::RIVAL,
    #[cfg(feature = "tachyon")]
    tachyon::bus::RIVAL,
    #[cfg(feature = "tachyon")]
    tachyon::call::RIVAL,
    #[cfg(feature = "libqb")]
    libqb::RIVAL,
];

fn main() -> ExitCode {
    twinring_cli::main_with(RIVALS)
}
