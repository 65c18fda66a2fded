//! Who is at the other end.

use twinring::Credentials;

/// A process by the kernel's word. -1 stands for what cannot be expressed here (another namespace): unknown, not root, not
/// nobody.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Peer {
    /// The process.
    pub pid: i64,
    /// Its effective user.
    pub uid: i64,
    /// Its effective group.
    pub gid: i64,
}

impl From<&Credentials> for Peer {
    fn from(found: &Credentials) -> Self {
        let known = |id: Option<u32>| id.map_or(-1, i64::from);
        Self { pid: known(found.pid), uid: known(found.uid), gid: known(found.gid) }
    }
}
