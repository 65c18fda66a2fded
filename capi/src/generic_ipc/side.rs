//! What this process is to the other: client, server or neither yet.

use std::ffi::c_int;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use twinring::{BindError, Endpoint, Listener};

use super::Handle;
use super::answering::is_inside;
use super::keeper::{Way, keep};
use super::shared::Shared;
use crate::failure::Failure;
use crate::status::Status;

/// `IPC_OWNER_CLIENT` and `IPC_OWNER_SERVER`
const CLIENT: c_int = 0;
const SERVER: c_int = 1;

/// A side that was initialised.
struct Side {
    owner: c_int,
    /// A forked child has nothing of its parent's.
    process: u32,
    shared: Arc<Shared>,
    keeper: JoinHandle<()>,
}

static SIDE: Mutex<Option<Side>> = Mutex::new(None);

/// What forked children found and leave alone: the threads and the session are the parent's.
static INHERITED: Mutex<Vec<Side>> = Mutex::new(Vec::new());

fn lock() -> MutexGuard<'static, Option<Side>> {
    let mut side = SIDE.lock().unwrap_or_else(PoisonError::into_inner);
    if side.as_ref().is_some_and(|side| side.process != std::process::id()) {
        INHERITED.lock().unwrap_or_else(PoisonError::into_inner).extend(side.take());
    }
    side
}

/// Begins to look for the other side.
pub fn start(owner: c_int, handler: Handle) -> Result<(), Failure> {
    let mut side = lock();
    if let Some(side) = &*side {
        let owner = side.owner;
        return Err(Failure::new(Status::BadState, format!("initialised already, as owner {owner}: clean it first")));
    }
    let (way, shared) = (way(owner)?, Arc::new(Shared::new()?));
    let kept = Arc::clone(&shared);
    let keeper = thread::Builder::new().name("generic_ipc".into()).spawn(move || keep(&kept, way, handler));
    let keeper = keeper.map_err(|error| Failure::new(Status::System, format!("could not start a thread: {error}")))?;
    *side = Some(Side { owner, process: std::process::id(), shared, keeper });
    Ok(())
}

fn way(owner: c_int) -> Result<Way, Failure> {
    let system = |error: std::io::Error| Failure::new(Status::System, error.to_string());
    let endpoint = Endpoint::beside_exe().map_err(system)?;
    match owner {
        CLIENT => Ok(Way::Connect(endpoint)),
        SERVER => Ok(Way::Listen(Box::new(Listener::bind(endpoint).map_err(|error: BindError| Failure::from(error))?))),
        _ => Err(Failure::bad_argument(format!("expected IPC_OWNER_CLIENT (0) or IPC_OWNER_SERVER (1), got {owner}"))),
    }
}

/// What requests go through.
pub fn shared() -> Result<Arc<Shared>, Failure> {
    let shared = lock().as_ref().map(|side| Arc::clone(&side.shared));
    shared.ok_or_else(|| Failure::bad_state(c"not initialised: call generic_ipc_init first"))
}

/// Ends what was begun, if it was by this owner. Returns when everything has ended; a handler that calls this is itself not waited
/// for.
pub fn stop(owner: c_int) {
    let Some(side) = lock().take_if(|side| side.owner == owner) else { return };
    side.shared.end();
    if !is_inside() {
        // It panics in no way that could be mended here.
        let _ = side.keeper.join();
    }
}
