//! Who listens in this user's directory of endpoints.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::endpoint::directory;
use super::listener::{lock_path, remove_stale};
use crate::os::lock::Lock;

/// An endpoint of this user's that somebody listens at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LiveEndpoint {
    /// Its name, as an [`Endpoint`](crate::Endpoint) takes it.
    pub name: String,
    /// The path of its socket.
    pub path: PathBuf,
    /// The process that listens, as it says itself.
    pub pid: Option<u32>,
    /// Whether it is a [`Service`](crate::Service), which can be asked [what it is](crate::Selector::ABOUT). Connecting to
    /// anything else would be taken for a client.
    pub is_service: bool,
}

/// The endpoints by name at which a process of this user listens, in the order of their names. What dead processes left
/// behind is not listed, and removed.
///
/// ```
/// let _listener = twinring::Listener::bind("doc-live")?;
/// let live = twinring::live_endpoints()?;
/// let own = live.iter().find(|endpoint| endpoint.name == "doc-live").unwrap();
/// assert_eq!(own.pid, Some(std::process::id()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// If the directory cannot be trusted or read.
pub fn live_endpoints() -> io::Result<Vec<LiveEndpoint>> {
    let mut live = Vec::new();
    for entry in fs::read_dir(directory()?)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".sock"));
        if let Some(name) = name {
            live.extend(look_at(name, &path)?);
        }
    }
    live.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(live)
}

/// A listener holds a lock for as long as it lives: if the lock can be had, what lies there is a dead one's.
fn look_at(name: &str, path: &Path) -> io::Result<Option<LiveEndpoint>> {
    let lock = lock_path(path);
    if Lock::take(lock.clone())?.is_some() {
        // Anything but a socket is not ours to remove, and none of our endpoints.
        let _ = remove_stale(path);
        return Ok(None);
    }
    // Gone since, or written by hand: then nothing is known of it.
    let note = fs::read_to_string(lock).unwrap_or_default();
    let pid = note.lines().find_map(|line| line.strip_prefix("pid ")?.parse().ok());
    let is_service = note.lines().any(|line| line == "service");
    Ok(Some(LiveEndpoint { name: name.to_owned(), path: path.to_owned(), pid, is_service }))
}
