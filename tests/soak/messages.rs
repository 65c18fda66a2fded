//! Messages in bursts: both sides know from one seed who sends how many next, from one to more than the ring holds.

use std::io::IoSlice;
use std::time::{Duration, Instant};

use fastrand::Rng;
use twinring::{Connection, Receiver, RecvTimeoutError, Sender, TryRecvError, TrySendError};

use crate::numbered::{self, LONGEST};
use crate::pair::{KINDS, connect, connected};
use crate::pauses::Pauses;
use crate::{amount, process};

/// Of each kind.
const USUAL: u64 = 1_000_000;

pub fn soak(seed: u64) {
    for (number, (kind, fewer)) in KINDS.into_iter().enumerate() {
        let (seed, messages) = (numbered::mixed(seed ^ number as u64), amount(USUAL) / fewer);
        let started = Instant::now();
        let numbers = [("TWINRING_SEED", seed), ("TWINRING_MESSAGES", messages)];
        let (_directory, child, connection) = connected("messages", kind, &numbers);
        let (sent, received) = exchange(connection, seed, messages, true);
        child.finish();
        assert!(sent + received >= messages, "{sent} sent and {received} received are fewer than {messages}");
        println!("{kind:?}: {sent} messages sent, {received} received in {:.1?}", started.elapsed());
    }
}

pub fn second() {
    exchange(connect().0, process::number("TWINRING_SEED"), process::number("TWINRING_MESSAGES"), false);
}

/// Bursts of both sides in turn, at least `messages` in all; how many were sent and received by this one.
fn exchange(connection: Connection, seed: u64, messages: u64, first: bool) -> (u64, u64) {
    let (sender, receiver) = connection.split();
    let own = numbered::mixed(seed ^ u64::from(first));
    let mut sending = Sending { sender, next: 0, random: Rng::with_seed(own), pauses: Pauses::new(own) };
    let mut receiving = Receiving { receiver, next: 0, random: Rng::with_seed(!own), pauses: Pauses::new(!own) };
    let mut bursts = Rng::with_seed(seed);
    let mut turn = first;
    while sending.next + receiving.next < messages {
        let burst = burst(&mut bursts);
        if turn {
            sending.burst(burst)
        } else {
            receiving.burst(burst)
        }
        turn = !turn;
    }
    drop(receiving.receiver);
    // Over a socket, what the other side has not taken would die with this process.
    sending.sender.finish().expect("a peer that takes it all");
    (sending.next, receiving.next)
}

fn burst(random: &mut Rng) -> u64 {
    match random.u32(..10) {
        0..4 => 1,
        4..8 => random.u64(1..64),
        _ => random.u64(1..5000),
    }
}

struct Sending {
    sender: Sender,
    next: u64,
    random: Rng,
    pauses: Pauses,
}

impl Sending {
    /// Sends so many messages, each in another way.
    fn burst(&mut self, mut left: u64) {
        let mut room = [0; LONGEST];
        while left > 0 {
            self.pauses.now_and_then();
            let sent = match self.random.u32(..16) {
                0 => self.batch(left, &mut room),
                way => {
                    let message = numbered::write(self.next, &mut room);
                    self.one(way, &room[..message]);
                    1
                }
            };
            self.next += sent;
            left -= sent;
        }
    }

    fn one(&mut self, way: u32, message: &[u8]) {
        match way {
            1 => {
                let (head, tail) = message.split_at(message.len() / 3);
                self.sender.send_vectored(&[IoSlice::new(head), IoSlice::new(tail)]).expect("room");
            }
            2 => {
                let mut reservation = self.sender.reserve(message.len()).expect("room");
                reservation.as_mut_slice().copy_from_slice(message);
                reservation.commit();
            }
            3 => {
                // More than is needed, and what is given up before.
                drop(self.sender.reserve(100).expect("room"));
                let mut reservation = self.sender.reserve(message.len() + 40).expect("room");
                reservation.write_at(0, message);
                reservation.commit_first(message.len());
            }
            4 => while matches!(self.sender.try_send(message), Err(TrySendError::Full)) {},
            _ => self.sender.send(message).expect("room"),
        }
    }

    fn batch(&mut self, left: u64, room: &mut [u8]) -> u64 {
        let messages = self.random.u64(1..=left.min(40));
        let mut batch = self.sender.batch();
        for number in self.next..self.next + messages {
            let message = numbered::write(number, room);
            batch.push(&room[..message]).expect("room");
        }
        messages
    }
}

struct Receiving {
    receiver: Receiver,
    next: u64,
    random: Rng,
    pauses: Pauses,
}

impl Receiving {
    /// Receives so many messages, each in another way.
    fn burst(&mut self, mut left: u64) {
        let mut room = [0; LONGEST];
        while left > 0 {
            self.pauses.now_and_then();
            let received = match self.random.u32(..16) {
                0 => self.drain(left, &mut room),
                way => {
                    let length = self.one(way, &mut room);
                    numbered::check(self.next, &room[..length]);
                    1
                }
            };
            self.next += received;
            left -= received;
        }
    }

    fn one(&mut self, way: u32, room: &mut [u8]) -> usize {
        match way {
            1 => loop {
                match self.receiver.recv_timeout(Duration::from_micros(self.random.u64(..200))) {
                    Ok(message) => return copy(&message, room),
                    Err(error) => assert_eq!(error, RecvTimeoutError::Timeout),
                }
            },
            2 => loop {
                match self.receiver.try_recv() {
                    Ok(message) => return copy(&message, room),
                    Err(error) => assert_eq!(error, TryRecvError::Empty),
                }
            },
            3 => copy(&self.receiver.recv().expect("a message"), room),
            _ => self.receiver.recv_into(room).expect("a message"),
        }
    }

    fn drain(&mut self, left: u64, room: &mut [u8]) -> u64 {
        let mut next = self.next;
        let most = self.random.usize(1..=left.min(100) as usize);
        let drained = self.receiver.drain(most, |message| {
            let length = copy(message, room);
            numbered::check(next, &room[..length]);
            next += 1;
        });
        drained.expect("a peer") as u64
    }
}

fn copy(message: &twinring::Message<'_>, room: &mut [u8]) -> usize {
    message.copy_to(&mut room[..message.len()]);
    message.len()
}
