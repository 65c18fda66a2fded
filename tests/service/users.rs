//! Other users, really: processes of another uid and gid.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use nix::unistd::{Gid, Uid, setgid, setgroups, setuid};
use twinring::{ClientLimits, ConnectError, HandshakeError, Service, ServiceOptions, Session, SessionOptions, Verdict};

use crate::place::{ECHO, echoes, place, small};
use crate::process::{self, Child};
use crate::waits::LONG;

const FRIEND: u32 = 12_001;
const GROUP: u32 = 12_100;
const STRANGER: u32 = 12_002;

/// Whether this process may play other users. It says loudly if not.
fn is_root() -> bool {
    let root = Uid::effective().is_root();
    if !root {
        eprintln!("SKIPPED: only root can play other users");
    }
    root
}

/// What a process of that user and group heard when it connected and called.
fn heard(service: &Service<impl Send + Sync>, uid: u32, gid: u32, ring: usize) -> String {
    let (uid, gid, ring) = (uid.to_string(), gid.to_string(), ring.to_string());
    let arguments = [
        ("SOCKET", OsStr::new(service.path())),
        ("UID", OsStr::new(&uid)),
        ("GID", OsStr::new(&gid)),
        ("RING", OsStr::new(&ring)),
    ];
    let mut child = Child::start("calls as another", &arguments);
    let heard = child.hear();
    child.finish();
    heard
}

/// That process.
pub fn calls_as_another() {
    let (uid, gid) = (process::number("UID") as u32, process::number("GID") as u32);
    setgroups(&[]).expect("no other groups");
    setgid(Gid::from_raw(gid)).expect("a group");
    setuid(Uid::from_raw(uid)).expect("a user");
    // A change of the user takes the promise away to die with the parent.
    process::part();
    let ring = process::number("RING") as usize;
    let options = small().ring_capacity(ring).authorise(|_| twinring::Decision::Accept);
    match options.connect(PathBuf::from(process::argument("SOCKET")), LONG) {
        Ok(connection) => {
            let options = SessionOptions::new().call_timeout(LONG);
            let session = Session::new(connection, &options, ()).expect("a session");
            let reply = session.call(ECHO.packed(), b"hello");
            process::say(&format!("{:?}", reply.map(|reply| String::from_utf8(reply).expect("text"))));
        }
        Err(ConnectError::Handshake(HandshakeError::Refused { reason })) => process::say(&format!("refused: {reason}")),
        Err(other) => process::say(&format!("failed: {other}")),
    }
}

fn open_to_all(options: ServiceOptions<()>) -> (tempfile::TempDir, Service<()>) {
    let (directory, path) = place();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).expect("a directory of ours");
    let service = options.connection(small().socket_mode(0o666)).bind(path).expect("a service");
    // The umask applies to the socket.
    fs::set_permissions(service.path(), Permissions::from_mode(0o666)).expect("a socket of ours");
    echoes(&service);
    service.start(1).expect("a thread");
    (directory, service)
}

#[test]
fn other_users_and_groups_are_accepted_and_refused_as_configured() {
    if !is_root() {
        return;
    }
    let options = ServiceOptions::new().authorise(|who| match (who.uid, who.gid) {
        (Some(FRIEND), _) | (_, Some(GROUP)) => Verdict::Accept,
        (Some(uid), Some(gid)) => Verdict::Refuse(format!("user {uid} of group {gid} is a stranger")),
        unknown => Verdict::Refuse(format!("{unknown:?} is nobody")),
    });
    let (_directory, service) = open_to_all(options);
    assert_eq!(heard(&service, FRIEND, FRIEND, 4096), "Ok(\"hello\")");
    assert_eq!(heard(&service, STRANGER, GROUP, 4096), "Ok(\"hello\")");
    assert_eq!(heard(&service, STRANGER, STRANGER, 4096), "refused: user 12002 of group 12002 is a stranger");
    // The user and the group that stand for all that have no number here.
    assert_eq!(heard(&service, 65_534, 65_534, 4096), "refused: (None, None) is nobody");
    assert_eq!(heard(&service, 65_534, GROUP, 4096), "Ok(\"hello\")");
}

#[test]
fn another_user_is_refused_if_nothing_is_configured() {
    if !is_root() {
        return;
    }
    let (_directory, service) = open_to_all(ServiceOptions::new());
    assert_eq!(heard(&service, STRANGER, GROUP, 4096), "refused: user 12002 is not user 0");
    assert_eq!(heard(&service, 65_534, 0, 4096), "refused: the user is unknown here (another user namespace)");
    assert_eq!(heard(&service, 0, GROUP, 4096), "Ok(\"hello\")");
}

#[test]
fn a_user_may_be_given_less() {
    if !is_root() {
        return;
    }
    let options = ServiceOptions::new().most_clients_of_user(1).authorise(|who| match who.uid {
        Some(0) => Verdict::Accept,
        _ => Verdict::AcceptWith(ClientLimits::new().ring_capacity(4096).largest_peer_ring(1 << 14)),
    });
    let (_directory, service) = open_to_all(options);
    assert_eq!(heard(&service, STRANGER, GROUP, 1 << 14), "Ok(\"hello\")");
    let refused = heard(&service, STRANGER, GROUP, 1 << 15);
    assert!(refused.contains("expected") && refused.contains("0x8000"), "{refused}");
    assert_eq!(heard(&service, 0, 0, 1 << 15), "Ok(\"hello\")");
}
