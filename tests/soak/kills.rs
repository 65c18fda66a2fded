//! A process that is killed at random while it sends: what it had sent is received, and then its death.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use twinring::{End, Receiver, Transport};

use crate::numbered::{self, LONGEST};
use crate::pair::{KINDS, Kind, connect, connected};
use crate::pauses::Pauses;
use crate::progress::Progress;
use crate::{amount, process};

/// Of each kind.
const USUAL: u64 = 8;

pub fn soak(seed: u64) {
    for (number, (kind, _)) in KINDS.into_iter().enumerate() {
        let mut random = Rng::with_seed(seed ^ number as u64);
        let started = Instant::now();
        let received: u64 = (0..amount(USUAL)).map(|_| kill(kind, &mut random)).sum();
        println!("{kind:?}: {} kills, {received} messages received in {:.1?}", amount(USUAL), started.elapsed());
    }
}

/// Receives from a process that is killed after a while; how many messages came.
fn kill(kind: Kind, random: &mut Rng) -> u64 {
    let (directory, mut child, connection) = connected("kills", kind, &[("TWINRING_SEED", random.u64(..))]);
    let progress = Progress::at(&directory.path().join("progress"));
    let delay = Duration::from_micros(random.u64(..3000));
    let receiving = thread::spawn(move || {
        let (_sender, receiver) = connection.split();
        to_the_end(receiver)
    });
    child.hear();
    thread::sleep(delay);
    child.kill();
    let (received, end) = receiving.join().expect("what came is right");
    child.wait();
    let sent = progress.get();
    assert_eq!(end, End::Disconnected, "{kind:?}: after {received} of {sent} messages");
    // Over a socket, what it had not taken yet dies with the process.
    let committed = if kind.transport == Transport::SharedMemory { sent } else { 0 };
    assert!((committed..=sent + 1).contains(&received), "{kind:?}: {sent} were sent, {received} received");
    received
}

fn to_the_end(mut receiver: Receiver) -> (u64, End) {
    let mut room = [0; LONGEST];
    for number in 0.. {
        match receiver.recv() {
            Ok(message) => {
                let length = message.len();
                message.copy_to(&mut room[..length]);
                drop(message);
                numbered::check(number, &room[..length]);
            }
            Err(end) => return (number, end),
        }
    }
    unreachable!("nobody sends for ever")
}

/// Sends until it is killed.
pub fn second() {
    let (mut sender, _receiver) = connect().0.split();
    let path = process::argument("TWINRING_PATH");
    let progress = Progress::at(&Path::new(&path).with_file_name("progress"));
    let mut pauses = Pauses::new(process::number("TWINRING_SEED"));
    let mut room = [0; LONGEST];
    process::say("sending");
    for number in 0.. {
        pauses.now_and_then();
        let length = numbered::write(number, &mut room);
        sender.send(&room[..length]).expect("a peer that lives");
        progress.set(number + 1);
    }
}
