//! A direction: a ring, its two doorbells, and the ways in which it ends.

use std::collections::VecDeque;
use std::time::Instant;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use twinring::channel::{ClaimError, Incoming, NextError, Outgoing, Words};
use twinring::memory::{Foreign, Heap, Memory, Ordering, Own};
use twinring::ring::{Claim, Geometry, Span};
use twinring::wait::{Fencing, Link, Notice, State, WaitStrategy};
use twinring::{Corrupt, Deadline, End};

use super::inputs::{GUARD, Size, cases, dirt, geometry, message, size, soil};
use super::positions::Positions;

const HEAD: usize = 3;
const WORDS: Words = Words { data_announced: 1, data_rung: 2, room_announced: 4, room_rung: 5 };

#[derive(Clone, Debug)]
enum Step {
    Send(Size),
    /// Committed, and nobody told.
    SendQuietly(Size),
    SendFirst(Size, Index),
    /// By a deadline that has passed.
    SendInTime(Size),
    Abandon(Size, u64),
    Ring,
    Receive,
    /// By a deadline that has passed.
    ReceiveInTime,
    LookTwice,
    Arm,
    Finish,
    Leave,
    /// The sender learns that the receiver is dead.
    ReceiverDies,
    /// The receiver learns that the sender is dead, which sends no more.
    SenderDies,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        60 => size().prop_map(Step::Send),
        20 => size().prop_map(Step::SendQuietly),
        20 => (size(), any::<Index>()).prop_map(|(size, keep)| Step::SendFirst(size, keep)),
        20 => size().prop_map(Step::SendInTime),
        20 => (size(), dirt()).prop_map(|(size, dirt)| Step::Abandon(size, dirt)),
        10 => Just(Step::Ring),
        100 => Just(Step::Receive),
        20 => Just(Step::ReceiveInTime),
        20 => Just(Step::LookTwice),
        10 => Just(Step::Arm),
        1 => Just(Step::Finish),
        1 => Just(Step::Leave),
        1 => Just(Step::ReceiverDies),
        1 => Just(Step::SenderDies),
    ]
}

fn strategy() -> impl Strategy<Value = WaitStrategy> {
    use WaitStrategy::{Park, Spin, SpinThenPark};
    prop_oneof![Just(Spin), Just(SpinThenPark), Just(Park)]
}

fn fencing() -> impl Strategy<Value = Fencing> {
    prop_oneof![Just(Fencing::Plain), Just(Fencing::Adaptive)]
}

fn past() -> Deadline {
    Deadline::at(Instant::now())
}

/// What a receiver that waits in `poll` has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Armed {
    No,
    Unanswered,
    Answered,
}

struct Direction {
    outgoing: Outgoing<Heap>,
    incoming: Incoming<Heap>,
    sender_link: Link<Heap>,
    receiver_link: Link<Heap>,
    strategy: WaitStrategy,
    positions: Positions,
    queue: VecDeque<Vec<u8>>,
    largest: usize,
    messages: usize,
    sent: u64,
    sent_bytes: u64,
    received: u64,
    bytes: u64,
    waits: u64,
    pokes: u64,
    armed: Armed,
    finished: bool,
    left: bool,
    receiver_died: bool,
    sender_died: bool,
    end: Option<End>,
}

impl Direction {
    fn new((capacity, lazy): (u64, u64), dirt: &[u64], strategy: WaitStrategy, fencing: Fencing) -> Self {
        let [ring, head, private] = Heap::family([GUARD + capacity as usize, GUARD, 2]);
        soil(&ring, GUARD, dirt);
        let geometry = Geometry::new(GUARD, HEAD, capacity, lazy);
        let [sender_link, receiver_link] = [0, 1].map(|word| Link::new(Own::new(private.clone()), word));
        let (own, peer) = (Own::new(ring.clone()), Foreign::new(head.clone()));
        let outgoing = Outgoing::new(own, peer, geometry, WORDS, sender_link.clone(), strategy, fencing);
        let (own, peer) = (Own::new(head), Foreign::new(ring));
        let incoming = Incoming::new(own, peer, geometry, WORDS, receiver_link.clone(), strategy, fencing);
        Self {
            outgoing,
            incoming,
            sender_link,
            receiver_link,
            strategy,
            positions: Positions::new((capacity, lazy)),
            queue: VecDeque::new(),
            largest: geometry.largest_payload(),
            messages: 0,
            sent: 0,
            sent_bytes: 0,
            received: 0,
            bytes: 0,
            waits: 0,
            pokes: 0,
            armed: Armed::No,
            finished: false,
            left: false,
            receiver_died: false,
            sender_died: false,
            end: None,
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Send(size) => self.send(size),
            Step::SendQuietly(size) => drop(self.commit(size, None)),
            Step::SendFirst(size, keep) => drop(self.commit(size, Some(keep))),
            Step::SendInTime(size) => self.send_in_time(size),
            Step::Abandon(size, dirt) => self.abandon(size, dirt),
            Step::Ring => self.ring(),
            Step::Receive => self.receive(),
            Step::ReceiveInTime => self.receive_in_time(),
            Step::LookTwice => self.look_twice(),
            Step::Arm => self.arm(),
            Step::Finish => self.finish(),
            Step::Leave => self.leave(),
            Step::ReceiverDies => self.receiver_dies(),
            Step::SenderDies => self.sender_dies(),
        }
    }

    fn assert_counters(&self) {
        assert_eq!((self.outgoing.sent(), self.outgoing.bytes()), (self.sent, self.sent_bytes));
        assert_eq!((self.incoming.received(), self.incoming.bytes()), (self.received, self.bytes));
        assert_eq!((self.outgoing.times_full(), self.outgoing.wakes()), (self.waits, self.pokes));
        assert_eq!((self.outgoing.sleeps(), self.incoming.sleeps(), self.incoming.wakes()), (0, 0, 0), "nobody sleeps");
    }
}

/// The sender's steps.
impl Direction {
    fn next_message(&mut self, size: Size) -> Vec<u8> {
        self.messages += 1;
        message(self.messages, size.bytes(self.largest).min(self.largest + 64))
    }

    /// What a claim has to say before it looks for room.
    fn refusal(&self) -> Option<End> {
        let peer = if self.left { End::Closed } else { End::Disconnected };
        self.end.or(self.receiver_died.then_some(peer))
    }

    /// Checks the result against the model; the claim, if there is one.
    fn had_room(&mut self, length: usize, result: Result<Claim, ClaimError>) -> Option<Claim> {
        if let Some(end) = self.refusal() {
            assert_eq!(result, Err(ClaimError::End(end)));
            self.end = Some(end);
            return None;
        }
        if length > self.largest {
            assert_eq!(result, Err(ClaimError::TooLarge { length, largest: self.largest }));
            return None;
        }
        assert!(matches!(result, Ok(_) | Err(ClaimError::Full)), "{result:?}");
        self.positions.assert_room(length, result.is_ok());
        result.ok()
    }

    fn commit(&mut self, size: Size, keep: Option<Index>) -> bool {
        let message = self.next_message(size);
        let claim = self.outgoing.try_claim(message.len());
        self.commit_claimed(message, claim, keep)
    }

    fn commit_claimed(&mut self, mut message: Vec<u8>, claim: Result<Claim, ClaimError>, keep: Option<Index>) -> bool {
        let Some(claim) = self.had_room(message.len(), claim) else { return false };
        assert_eq!(claim.length(), message.len());
        let kept = keep.map_or(message.len(), |keep| keep.index(message.len() + 1));
        self.outgoing.fill(&claim, kept, &message[kept..]);
        self.outgoing.fill(&claim, 0, &message[..kept]);
        self.outgoing.commit_quietly(claim.shortened(kept));
        self.positions.push(message.len(), kept);
        message.truncate(kept);
        self.queue.push_back(message);
        self.sent += 1;
        self.sent_bytes += kept as u64;
        true
    }

    fn send(&mut self, size: Size) {
        if self.commit(size, None) {
            self.ring();
        }
    }

    fn send_in_time(&mut self, size: Size) {
        let message = self.next_message(size);
        let refused = self.refusal().is_some() || message.len() > self.largest;
        let claim = self.outgoing.claim(message.len(), past());
        match claim {
            Err(ClaimError::End(End::Closed)) if self.left && !refused => {
                self.positions.assert_room(message.len(), false);
                self.end = Some(End::Closed);
                self.waits += 1;
                return;
            }
            Err(ClaimError::Full) => self.waits += 1,
            _ => {}
        }
        assert!(claim != Err(ClaimError::Full) || !self.left, "waits for one that has left");
        self.commit_claimed(message, claim, None);
    }

    /// Payload that looks like headers, and is not committed.
    fn abandon(&mut self, size: Size, dirt: u64) {
        let length = size.bytes(self.largest);
        let claim = self.outgoing.try_claim(length);
        if let Some(claim) = self.had_room(length, claim) {
            let dirt: Vec<u8> = dirt.to_ne_bytes().into_iter().cycle().take(length).collect();
            self.outgoing.fill(&claim, 0, &dirt);
        }
    }

    /// What a ring has to say.
    fn notice(&mut self) -> Notice {
        match self.armed {
            _ if self.left => Notice::Gone,
            Armed::Unanswered => {
                self.armed = Armed::Answered;
                self.pokes += 1;
                Notice::Poke
            }
            Armed::No | Armed::Answered => Notice::Done,
        }
    }

    fn ring(&mut self) {
        let expected = self.notice();
        assert_eq!(self.outgoing.ring(), expected);
        if expected == Notice::Gone {
            self.end.get_or_insert(End::Closed);
        }
    }

    fn finish(&mut self) {
        let expected = self.notice();
        assert_eq!(self.outgoing.finish(), expected);
        self.finished = true;
        self.end.get_or_insert(End::Closed);
    }

    fn receiver_dies(&mut self) {
        self.sender_link.declare_dead();
        self.receiver_died = true;
    }
}

/// The receiver's steps.
impl Direction {
    /// What a look has to find.
    fn found(&self) -> Result<usize, NextError> {
        match self.queue.front() {
            Some(message) => Ok(message.len()),
            None if self.finished => Err(NextError::End(End::Closed)),
            None if self.sender_died => Err(NextError::End(End::Disconnected)),
            None => Err(NextError::Empty),
        }
    }

    /// Looking at an empty ring tells the sender so.
    fn looked(&mut self) {
        if self.found() == Err(NextError::Empty) {
            self.positions.tell();
        }
    }

    fn accept(&mut self, result: Result<Span, NextError>) {
        assert_eq!(result.map(|span| span.length()), self.found());
        self.looked();
        let Ok(span) = result else { return };
        let mut got = vec![0; span.length()];
        let (first, second) = got.split_at_mut(span.length() / 2);
        self.incoming.copy_out(span, 0, first);
        self.incoming.copy_out(span, first.len(), second);
        self.incoming.release(span);
        self.received += 1;
        self.bytes += got.len() as u64;
        assert_eq!(Some(got), self.queue.pop_front());
        self.positions.pop();
        self.positions.tell_lazily();
    }

    fn receive(&mut self) {
        let result = self.incoming.try_next();
        self.accept(result);
    }

    fn receive_in_time(&mut self) {
        let result = self.incoming.next(past());
        if result == Err(NextError::Empty) && self.strategy != WaitStrategy::Spin {
            // Announced as asleep and then as awake, the receiver is no longer in `poll`.
            self.armed = Armed::No;
        }
        self.accept(result);
    }

    fn look_twice(&mut self) {
        let results = [self.incoming.try_next(), self.incoming.try_next()];
        assert_eq!(results[0], results[1]);
        assert_eq!(results[0].map(|span| span.length()), self.found());
        self.looked();
    }

    fn arm(&mut self) {
        let armed = self.incoming.arm();
        assert_eq!(armed, self.found() == Err(NextError::Empty));
        self.looked();
        self.armed = if armed { Armed::Unanswered } else { Armed::No };
    }

    fn leave(&mut self) {
        self.incoming.leave();
        self.left = true;
    }

    fn sender_dies(&mut self) {
        self.receiver_link.declare_dead();
        self.sender_died = true;
    }
}

impl Step {
    /// Whether it can still be taken: the dead do nothing, and who has left receives no more.
    fn possible(&self, direction: &Direction) -> bool {
        use Step::{Arm, Leave, LookTwice, Receive, ReceiveInTime, ReceiverDies, SenderDies};
        match self {
            Receive | ReceiveInTime | LookTwice | Arm | Leave => !direction.left && !direction.receiver_died,
            ReceiverDies => true,
            SenderDies => true,
            _ => !direction.sender_died,
        }
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_direction_is_a_queue(
        geometry in geometry(),
        dirt in vec(dirt(), 0..64),
        strategy in strategy(),
        fencing in fencing(),
        steps in vec(step(), 0..300),
    ) {
        let mut direction = Direction::new(geometry, &dirt, strategy, fencing);
        for step in steps {
            if step.possible(&direction) {
                direction.take(step);
            }
            direction.assert_counters();
        }
        if !direction.left && !direction.receiver_died {
            let rest = direction.queue.len();
            (0..rest + 2).for_each(|_| direction.receive());
        }
    }
}

/// In a forked child both handles are inert: no word of either half is read for a message, or written.
#[test]
fn forked_handles_are_inert() {
    let [ring, head, private] = Heap::family([GUARD + 8, GUARD, 1]);
    let geometry = Geometry::new(GUARD, HEAD, 8, 1);
    let link = Link::new(Own::new(private.clone()), 0);
    let strategy = WaitStrategy::Park;
    let (own, peer) = (Own::new(ring.clone()), Foreign::new(head.clone()));
    let mut outgoing = Outgoing::new(own, peer, geometry, WORDS, link.clone(), strategy, Fencing::Plain);
    let (own, peer) = (Own::new(head.clone()), Foreign::new(ring.clone()));
    let mut incoming = Incoming::new(own, peer, geometry, WORDS, link, strategy, Fencing::Plain);
    let claim = outgoing.try_claim(1).unwrap();
    outgoing.commit_quietly(claim);
    let all = || [&ring, &head].map(|half| (0..half.words()).map(|word| half.load(word, Ordering::Relaxed)).collect());
    let before: [Vec<u64>; 2] = all();
    private.store(0, 0, Ordering::Relaxed);

    assert_eq!(outgoing.claim_known(1), None);
    assert_eq!(outgoing.try_claim(1), Err(ClaimError::End(End::Forked)));
    assert_eq!(outgoing.claim(1, Deadline::NEVER), Err(ClaimError::End(End::Forked)));
    assert_eq!(incoming.try_next(), Err(NextError::End(End::Forked)));
    assert_eq!(incoming.next(Deadline::NEVER), Err(NextError::End(End::Forked)));
    assert_eq!(outgoing.await_departure(Deadline::NEVER), Err(ClaimError::End(End::Forked)));
    assert!(!incoming.arm() && incoming.rest().is_none());
    incoming.rise();
    assert_eq!(outgoing.finish(), Notice::Done);
    incoming.leave();
    assert_eq!(all(), before);
}

/// What a link says of a connection, at each stage of its life.
#[test]
fn a_link_says_what_is_known() {
    let private = Heap::new(1);
    let link = Link::new(Own::new(private.clone()), 0);
    let lie = |seen| Corrupt { what: "a word", seen, least: 0, most: 1 };
    assert_eq!((link.state(), link.is_alive(), link.lie()), (State::Alive, true, None));
    link.declare_corrupt(lie(7));
    assert_eq!((link.state(), link.is_alive(), link.lie()), (State::Dead, false, Some(lie(7))));
    link.declare_corrupt(lie(8));
    assert_eq!(link.lie(), Some(lie(7)), "only the first lie counts");
    private.store(0, 0, Ordering::Relaxed);
    assert_eq!((link.state(), link.is_alive()), (State::Forked, false));
}
