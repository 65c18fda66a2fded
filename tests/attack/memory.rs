//! Everything that a peer could try on memory: on our half, whose descriptor it has, on its own once it is sealed, and on
//! this process. The kernel's answers are a table.

use std::ffi::OsStr;
use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use memmap2::{Mmap, MmapOptions};
use nix::libc;
use nix::unistd::{Uid, geteuid, setuid};
use tempfile::TempDir;
use twinring::connection::wire::Message;
use twinring::{Connection, Decision, Options};

use crate::asking::{answer, ask};
use crate::grip::{Grip, RING};
use crate::process::{self, Child};
use crate::raw::{self, SHAPE};
use crate::waits::LONG;

/// What the attacker has, honestly.
pub struct Loot {
    /// Our half: its descriptor, and a mapping of it.
    theirs: OwnedFd,
    view: Mmap,
    /// Its own half: the same, but the mapping is for writing and older than the seals.
    own: OwnedFd,
    grip: Grip,
    /// The victim, and a word of its own memory.
    victim: usize,
    word: usize,
}

/// An attempt, and the answers that are right: to who is the victim's user, and to another. 0 is "do so, it harms nobody".
type Row = (&'static str, fn(&Loot) -> i32, &'static [i32], &'static [i32]);

const PERM: &[i32] = &[libc::EPERM];
const ACCES: &[i32] = &[libc::EACCES];
const DONE: &[i32] = &[0];
/// Of those who may trace us, as `ptrace_scope` says.
const MAY_TRACE: &[i32] = &[0, libc::EPERM, libc::EACCES];
const NOT_TRACE: &[i32] = &[libc::EPERM, libc::EACCES];
/// The file system has no such operation, or knows it and refuses.
const NEVER: &[i32] = &[libc::EOPNOTSUPP, libc::EPERM];

const SHARED_WRITE: [usize; 2] = [(libc::PROT_READ | libc::PROT_WRITE) as usize, libc::MAP_SHARED as usize];

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("our half: map it for writing", |loot| map_writable(&loot.theirs), PERM, PERM),
    ("our half: make the mapping writable", |loot| answer(libc::SYS_mprotect, &[loot.start(), PAGE, SHARED_WRITE[0]]), ACCES, ACCES),
    ("our half: the same by a protection key", |loot| answer(libc::SYS_pkey_mprotect, &[loot.start(), PAGE, SHARED_WRITE[0], usize::MAX]), ACCES, ACCES),
    ("our half: open it anew for writing, and map it", |loot| reopened(&loot.theirs, map_writable), PERM, PERM),
    ("our half: open it anew for writing, and write", |loot| reopened(&loot.theirs, write), PERM, PERM),
    ("our half: write", |loot| write(&loot.theirs), PERM, PERM),
    ("our half: splice a pipe into it", |loot| splice(&loot.theirs), PERM, PERM),
    ("our half: send a file into it", |loot| copy(libc::SYS_sendfile, &loot.theirs), PERM, PERM),
    ("our half: copy a file range into it", |loot| copy(libc::SYS_copy_file_range, &loot.theirs), PERM, PERM),
    ("our half: cut it", |loot| truncate(&loot.theirs, PAGE), PERM, PERM),
    ("our half: cut it to nothing", |loot| truncate(&loot.theirs, 0), PERM, PERM),
    ("our half: lengthen it", |loot| truncate(&loot.theirs, 1 << 30), PERM, PERM),
    ("our half: allocate beyond its end", |loot| fallocate(&loot.theirs, 0, 1 << 24), PERM, PERM),
    ("our half: punch a hole", |loot| fallocate(&loot.theirs, libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE, 0), PERM, PERM),
    ("our half: zero a range", |loot| fallocate(&loot.theirs, libc::FALLOC_FL_ZERO_RANGE, 0), NEVER, NEVER),
    ("our half: collapse a range", |loot| fallocate(&loot.theirs, libc::FALLOC_FL_COLLAPSE_RANGE, 0), NEVER, NEVER),
    ("our half: seal it further", |loot| seal(&loot.theirs, libc::F_SEAL_WRITE), PERM, PERM),
    ("our half: unseal it", |loot| seal(&loot.theirs, 0), PERM, PERM),
    ("our half: MADV_REMOVE", |loot| advise(loot.start(), libc::MADV_REMOVE), ACCES, ACCES),
    ("our half: MADV_DONTNEED, which drops the attacker's view of it", |loot| advise(loot.start(), libc::MADV_DONTNEED), DONE, DONE),
    ("our half: MADV_PAGEOUT, which at most makes us wait for the swap", |loot| advise(loot.start(), libc::MADV_PAGEOUT), DONE, DONE),
    ("our half: MADV_FREE", |loot| advise(loot.start(), libc::MADV_FREE), &[libc::EINVAL], &[libc::EINVAL]),
    ("our half: MADV_POPULATE_WRITE", |loot| advise(loot.start(), libc::MADV_POPULATE_WRITE), &[libc::EINVAL, libc::EFAULT, libc::EPERM], &[libc::EINVAL, libc::EFAULT, libc::EPERM]),
    ("our half: serve its faults (userfaultfd)", |loot| serve_faults(loot.start()), &[libc::EPERM, libc::EINVAL, libc::ENOSYS], &[libc::EPERM, libc::EINVAL, libc::ENOSYS]),
    ("our half: lock it", |loot| answer(libc::SYS_flock, &[fd(&loot.theirs), libc::LOCK_EX as usize]), DONE, DONE),
    ("our half: take a lease on it", |loot| lease(&loot.theirs), &[0, libc::EAGAIN], &[libc::EACCES, libc::EAGAIN, 0]),
    ("our half: set its flags", |loot| control(&loot.theirs, libc::F_SETFL, libc::O_APPEND), DONE, DONE),
    ("our half: a private mapping for writing, which is a copy", private_copy, DONE, DONE),
    ("its half, sealed: map it for writing once more", |loot| map_writable(&loot.own), PERM, PERM),
    ("its half, sealed: write", |loot| write(&loot.own), PERM, PERM),
    ("its half, sealed: cut it", |loot| truncate(&loot.own, PAGE), PERM, PERM),
    ("its half, sealed: lengthen it", |loot| truncate(&loot.own, 1 << 30), PERM, PERM),
    ("its half, sealed: punch a hole", |loot| fallocate(&loot.own, libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE, 0), PERM, PERM),
    ("its half, sealed: unseal it", |loot| seal(&loot.own, 0), PERM, PERM),
    ("its half, sealed: MADV_REMOVE by the old mapping", |loot| advise(loot.grip.address(0) as usize, libc::MADV_REMOVE), PERM, PERM),
    ("its half, sealed: MADV_DONTNEED by the old mapping", |loot| advise(loot.grip.address(0) as usize, libc::MADV_DONTNEED), DONE, DONE),
    ("its half, sealed: MADV_PAGEOUT by the old mapping", |loot| advise(loot.grip.address(0) as usize, libc::MADV_PAGEOUT), DONE, DONE),
    ("its half, sealed: serve its faults (userfaultfd), which serves the attacker's own", |loot| serve_faults(loot.grip.address(RING) as usize), &[0, libc::EPERM, libc::EBUSY, libc::EINVAL, libc::ENOSYS], &[0, libc::EPERM, libc::EBUSY, libc::EINVAL, libc::ENOSYS]),
    ("its half, sealed: map the old mapping twice, which is its half still", twice, DONE, DONE),
    ("its half, sealed: poison a page (only who is not root tries)", poison, &[libc::EPERM, libc::EINVAL], &[libc::EPERM, libc::EINVAL]),
    ("our process: write its memory", write_process, MAY_TRACE, NOT_TRACE),
    ("our process: map a half that it has a descriptor of", find_half, &[libc::ENOENT, libc::EPERM], ACCES),
    ("our process: open its memory", |loot| open(&format!("/proc/{}/mem", loot.victim)), MAY_TRACE, NOT_TRACE),
    ("our process: take a descriptor of it", take_descriptor, MAY_TRACE, NOT_TRACE),
];

const PAGE: usize = 4096;

impl Loot {
    fn start(&self) -> usize {
        self.view.as_ptr() as usize
    }
}

fn fd(file: &OwnedFd) -> usize {
    file.as_raw_fd() as usize
}

fn control(file: &OwnedFd, command: i32, argument: i32) -> i32 {
    answer(libc::SYS_fcntl, &[fd(file), command as usize, argument as usize])
}

fn seal(file: &OwnedFd, seals: i32) -> i32 {
    control(file, libc::F_ADD_SEALS, seals)
}

fn truncate(file: &OwnedFd, bytes: usize) -> i32 {
    answer(libc::SYS_ftruncate, &[fd(file), bytes])
}

fn fallocate(file: &OwnedFd, mode: i32, offset: usize) -> i32 {
    answer(libc::SYS_fallocate, &[fd(file), mode as usize, offset, PAGE])
}

fn advise(address: usize, advice: i32) -> i32 {
    answer(libc::SYS_madvise, &[address, PAGE, advice as usize])
}

fn write(file: &OwnedFd) -> i32 {
    answer(libc::SYS_pwrite64, &[fd(file), b"hostile!".as_ptr() as usize, 8, 0])
}

fn map_writable(file: &OwnedFd) -> i32 {
    answer(libc::SYS_mmap, &[0, PAGE, SHARED_WRITE[0], SHARED_WRITE[1], fd(file), 0])
}

fn open(path: &str) -> i32 {
    let opened = fs::OpenOptions::new().read(true).write(true).open(path);
    opened.err().map_or(0, |error| error.raw_os_error().unwrap_or(-1))
}

/// By a description of the attacker's own.
fn reopened(file: &OwnedFd, attempt: fn(&OwnedFd) -> i32) -> i32 {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    match fs::OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => attempt(&file.into()),
        Err(error) => error.raw_os_error().unwrap_or(-1),
    }
}

fn splice(file: &OwnedFd) -> i32 {
    let (from, to) = nix::unistd::pipe().expect("a pipe");
    // The page of a process goes into the pipe as it is, and from there to the file.
    let slice = [b"hostile!".as_ptr() as usize, 8];
    assert_eq!(answer(libc::SYS_vmsplice, &[fd(&to), slice.as_ptr() as usize, 1, 0]), 0);
    let offset = 0_u64;
    answer(libc::SYS_splice, &[fd(&from), 0, fd(file), (&raw const offset) as usize, 8, 0])
}

fn copy(number: i64, file: &OwnedFd) -> i32 {
    // Another memory file: they can be copied between without leaving the file system.
    let from = raw::half(PAGE as u64, raw::HEADER, rustix::fs::SealFlags::empty());
    match number {
        libc::SYS_sendfile => answer(number, &[fd(file), fd(&from), 0, 8]),
        _ => answer(number, &[fd(&from), 0, fd(file), 0, 8, 0]),
    }
}

fn lease(file: &OwnedFd) -> i32 {
    control(file, libc::F_SETLEASE, libc::F_WRLCK)
}

/// Wants to be asked for the pages from `address` on.
fn serve_faults(address: usize) -> i32 {
    const USER_MODE_ONLY: usize = 1;
    const API: usize = 0xc018_aa3f;
    const REGISTER: usize = 0xc020_aa00;
    let faults = match ask(libc::SYS_userfaultfd, &[libc::O_CLOEXEC as usize | USER_MODE_ONLY]) {
        Ok(faults) => faults,
        Err(errno) => return errno,
    };
    let mut api = [0xaa_u64, 0, 0];
    let greeted = answer(libc::SYS_ioctl, &[faults, API, api.as_mut_ptr() as usize]);
    let mut range = [address as u64, PAGE as u64, 1, 0];
    let registered = answer(libc::SYS_ioctl, &[faults, REGISTER, range.as_mut_ptr() as usize]);
    answer(libc::SYS_close, &[faults]);
    if greeted == 0 { registered } else { greeted }
}

fn private_copy(loot: &Loot) -> i32 {
    // SAFETY: the mapping is private and this function's own; nobody else sees what is written.
    let mapped = unsafe { MmapOptions::new().len(PAGE).map_copy(&loot.theirs) };
    let mut copy = mapped.expect("a private mapping");
    copy[..8].copy_from_slice(b"hostile!");
    0
}

fn twice(loot: &Loot) -> i32 {
    const MAYMOVE: usize = 1;
    answer(libc::SYS_mremap, &[loot.grip.address(0) as usize, 0, PAGE, MAYMOVE])
}

fn poison(loot: &Loot) -> i32 {
    // Root may, and does it to who it likes: a page is lost then.
    if geteuid().is_root() { libc::EPERM } else { advise(loot.grip.address(RING) as usize, libc::MADV_HWPOISON) }
}

fn write_process(loot: &Loot) -> i32 {
    let (from, to) = ([b"owned...".as_ptr() as usize, 8], [loot.word, 8]);
    answer(libc::SYS_process_vm_writev, &[loot.victim, from.as_ptr() as usize, 1, to.as_ptr() as usize, 1, 0])
}

/// A half that the victim has a descriptor of, for the moment that it is passed on, is no better for that.
fn find_half(loot: &Loot) -> i32 {
    let entries = match fs::read_dir(format!("/proc/{}/fd", loot.victim)) {
        Ok(entries) => entries,
        Err(error) => return error.raw_os_error().unwrap_or(-1),
    };
    let is_half = |path: &PathBuf| fs::read_link(path).is_ok_and(|to| to.to_string_lossy().contains("memfd:twinring"));
    let half = entries.flatten().map(|entry| entry.path()).find(is_half);
    let opened = half.and_then(|path| fs::OpenOptions::new().read(true).write(true).open(path).ok());
    opened.map_or(libc::ENOENT, |file| map_writable(&file.into()))
}

fn take_descriptor(loot: &Loot) -> i32 {
    let process = match ask(libc::SYS_pidfd_open, &[loot.victim, 0]) {
        Ok(process) => process,
        Err(errno) => return errno,
    };
    answer(libc::SYS_pidfd_getfd, &[process, 0, 0])
}

/// Plays the attacker: connects by hand, tries every row, and says the answers.
pub fn robs() {
    let user = Uid::from_raw(process::number("USER") as u32);
    if user != geteuid() {
        setuid(user).expect("another user");
    }
    let socket = raw::client(&PathBuf::from(process::argument("SOCKET")));
    let (shape, theirs) = raw::greet(&socket);
    let (grip, own) = Grip::make();
    raw::send(&socket, &Message::Half(SHAPE).encode(), &raw::with(&own));
    assert!(matches!(raw::receive_message(&socket), Some((Message::Ready, None))), "no READY");
    // SAFETY: a mapping for reading; the bytes are only ever compared while the victim waits.
    let view = unsafe { MmapOptions::new().len(shape.bytes as usize).map(&theirs) }.expect("our half");
    process::say("connected");
    process::await_word();
    let (victim, word) = (process::number("VICTIM") as usize, process::number("WORD") as usize);
    let loot = Loot { theirs, view, own, grip, victim, word };
    // All but the words by which the victim says that it sleeps.
    let ring = RING * 8..;
    let before = loot.view[ring.clone()].to_vec();
    let answers: Vec<_> = ROWS.iter().map(|(_, attempt, _, _)| attempt(&loot).to_string()).collect();
    assert!(loot.view[ring] == before[..], "our half has changed");
    // A frame by hand: the connection is what it was.
    loot.grip.store(RING + 1, u64::from_le_bytes(*b"still on"));
    loot.grip.store(RING, 1 << 32 | 8);
    process::say(&answers.join(" "));
    process::await_word();
}

/// A victim, whose peer is of this user: what came of each row.
fn robbed_by(user: Uid) -> Vec<i32> {
    let (directory, own_word) = (TempDir::new().expect("a directory"), Box::new(0x5a5a_u64));
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("open to all");
    let options = Options::new().ring_capacity(1 << 16).socket_mode(0o666).authorise(|_| Decision::Accept);
    let mut listener = options.bind(directory.path().join("socket")).expect("a listener");
    // The umask applies to the socket.
    fs::set_permissions(listener.path(), fs::Permissions::from_mode(0o666)).expect("open to all");
    let (id, number) = (std::process::id().to_string(), user.as_raw().to_string());
    let word = (&raw const *own_word as usize).to_string();
    let arguments: [(&str, &OsStr); 4] = [
        ("SOCKET", listener.path().as_os_str()),
        ("USER", number.as_ref()),
        ("VICTIM", id.as_ref()),
        ("WORD", word.as_ref()),
    ];
    let mut child = Child::start("robs memory", &arguments);
    let accepted = listener.accept_timeout(LONG);
    assert_eq!(child.hear(), "connected");
    let mut connection = accepted.expect("the attacker");
    goes_on(&mut connection, &mut child)
}

fn goes_on(connection: &mut Connection, child: &mut Child) -> Vec<i32> {
    let (sender, receiver) = connection.ends();
    sender.send_timeout(b"as it was", LONG).expect("room");
    child.go_on();
    assert_eq!(receiver.recv_timeout(LONG).expect("a message by hand").to_vec(), b"still on");
    let answers = child.hear();
    child.go_on();
    answers.split(' ').map(|answer| answer.parse().expect("a number")).collect()
}

#[test]
fn every_attempt_on_memory_has_the_answer_that_it_should() {
    let _together = crate::together();
    let own = geteuid();
    let mut users = vec![(own, true)];
    if own.is_root() {
        users.push((Uid::from_raw(65_534), false));
    }
    for (user, same) in users {
        let answers = robbed_by(user);
        assert_eq!(answers.len(), ROWS.len());
        for ((attempt, _, to_same, to_other), answer) in ROWS.iter().zip(answers) {
            let right = if same { to_same } else { to_other };
            eprintln!("user {user}: {attempt}: {}", if answer == 0 { "done".into() } else { name(answer) });
            assert!(right.contains(&answer), "user {user}: {attempt}: answered {answer}, expected one of {right:?}");
        }
    }
}

fn name(errno: i32) -> String {
    format!("{:?}", nix::errno::Errno::from_raw(errno))
}
