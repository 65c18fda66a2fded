//! Both ends of a direction over a peer whose ring, head and doorbells lie.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use twinring::channel::{ClaimError, Incoming, NextError, Outgoing};
use twinring::memory::{Foreign, Heap, Hostile, Memory, Ordering, Own, WORD};
use twinring::ring::{Claim, Span};
use twinring::wait::{Announced, Fencing, Link, Notice, WaitStrategy};
use twinring::{Deadline, End};

use super::inputs::{GUARD, HEAD, USED, WORDS, assert_untouched, cases, halves, layout, lie};
use super::lies::{Liar, Lie};
use super::oracle::{Layout, assert_explains};

/// A ring of the doorbell reads what the sleeper announced, once more after its own fence.
const RING: usize = 2;

/// A look reads the header at the head, once in passing and once for good; then the one behind a skip or, if there is
/// nothing, the doorbell, which is rung for what was withheld.
const LOOK: usize = 2 + RING;

/// Spinning looks this often before it reads the clock.
const SPINS: usize = 64;

/// A wait that may not last: it spins, then announces (which reads the answer to the last sleep), and looks once more.
/// `look` is what each of these looks reads.
const fn wait(look: usize) -> usize {
    SPINS * look + 1 + look
}

/// A claim reads the head.
const CLAIM: usize = 1;

/// A claim while waiting also asks whether the receiver has left.
const WAITING_CLAIM: usize = CLAIM + 1;

/// Lies of headers, of heads, and of sleepers: asleep or awake, with any bits.
fn any_lie() -> impl Strategy<Value = Lie> {
    let bits = prop_oneof![Just(0), Just(Announced::LIGHT), Just(Announced::POLLING), 0u64..1 << 36];
    let announced = (0u32..16, bits).prop_map(|(number, bits)| Lie::Word(Announced::new(number, bits).word()));
    prop_oneof![3 => lie(), 1 => announced, 1 => (-4i8..=4).prop_map(Lie::Near)]
}

fn strategy() -> impl Strategy<Value = (WaitStrategy, Fencing)> {
    use WaitStrategy::{Park, Spin, SpinThenPark};
    let fencing = prop_oneof![Just(Fencing::Plain), Just(Fencing::Adaptive)];
    prop_oneof![
        (Just(Spin), prop_oneof![Just(Fencing::Plain), Just(Fencing::Never)]),
        (prop_oneof![Just(SpinThenPark), Just(Park)], fencing)
    ]
}

fn past() -> Deadline {
    Deadline::at(Instant::now())
}

/// Long enough to sleep more than once, short enough for many cases.
fn soon() -> Deadline {
    Deadline::after(Duration::from_micros(50))
}

#[derive(Clone, Copy, Debug)]
enum Receive {
    Now,
    InTime,
    Soon,
    Arm,
    Leave,
}

fn receive() -> impl Strategy<Value = Receive> {
    prop_oneof![
        20 => Just(Receive::Now),
        4 => Just(Receive::InTime),
        2 => Just(Receive::Soon),
        2 => Just(Receive::Arm),
        1 => Just(Receive::Leave),
    ]
}

struct Receiver {
    layout: Layout,
    incoming: Incoming<Hostile>,
    halves: [Heap; 2],
    liar: Liar,
    itself: Liar,
    may_arm: bool,
    end: Option<End>,
}

/// The private word is not the peer's, so it is read as often as one likes.
fn link() -> Link<Hostile> {
    Link::new(Own::new(Hostile::honest(Heap::new(1))), 0)
}

impl Receiver {
    fn new(layout: Layout, (strategy, fencing): (WaitStrategy, Fencing)) -> Self {
        let halves = halves(layout);
        let (liar, itself) = (Liar::default(), Liar::default());
        let (own, peer) = (Own::new(itself.shows(&halves[1])), Foreign::new(liar.shows(&halves[0])));
        let incoming = Incoming::new(own, peer, layout.geometry(), WORDS, link(), strategy, fencing);
        Self { layout, incoming, halves, liar, itself, may_arm: fencing != Fencing::Never, end: None }
    }

    fn take(&mut self, step: Receive) {
        match step {
            Receive::Now => self.receive(LOOK, Incoming::try_next),
            Receive::InTime => self.receive(LOOK + wait(1) + LOOK, |incoming| incoming.next(past())),
            Receive::Soon => self.receive(usize::MAX, |incoming| incoming.next(soon())),
            Receive::Arm => self.arm(),
            Receive::Leave => {
                self.incoming.leave();
                self.assert_read(RING);
            }
        }
        assert_eq!(self.itself.heard(), [], "read its own words back");
    }

    fn receive(&mut self, most: usize, next: impl FnOnce(&mut Incoming<Hostile>) -> Result<Span, NextError>) {
        let found = next(&mut self.incoming);
        // At the end of all, a header is still read in passing.
        self.assert_read(if self.end.is_some() { 1 } else { most });
        match found {
            Ok(span) => self.release(span),
            Err(NextError::Empty) => assert_eq!(self.end, None, "the end is final"),
            Err(NextError::End(end)) => self.ended(end),
        }
    }

    fn release(&mut self, span: Span) {
        assert_eq!(self.end, None, "the end is final");
        assert!(span.length() <= self.layout.largest());
        assert!(span.offset() > GUARD * WORD);
        // Beyond the ring, this panics.
        let mut got = vec![0; span.length()];
        self.incoming.copy_out(span, 0, &mut got);
        self.incoming.release(span);
        self.assert_read(RING);
    }

    fn arm(&mut self) {
        if self.may_arm {
            let armed = self.incoming.arm();
            // The announcement reads the answer to the last sleep, whatever the ring is.
            self.assert_read(1 + if self.end.is_some() { 1 } else { LOOK });
            assert!(!armed || self.end.is_none(), "armed after the end");
        }
    }

    fn ended(&mut self, end: End) {
        assert!(matches!(end, End::Closed | End::Corrupt(_)), "{end}");
        if let End::Corrupt(corrupt) = end {
            assert_explains(corrupt);
        }
        assert_eq!(*self.end.get_or_insert(end), end, "the end is final");
    }

    fn assert_read(&self, most: usize) {
        let ring = GUARD..GUARD + self.layout.capacity as usize;
        assert_read(&self.liar, &USED[0].iter().copied().chain(ring).collect(), most);
    }
}

fn assert_read(liar: &Liar, allowed: &BTreeSet<usize>, most: usize) {
    let read = liar.heard();
    assert!(read.len() <= most, "{} words read, {most} are enough: {read:?}", read.len());
    assert!(read.iter().all(|(word, _)| allowed.contains(word)), "read {read:?}");
}

#[derive(Clone, Copy, Debug)]
enum Send {
    Now(Index),
    InTime(Index),
    Soon(Index),
    Ring,
    /// The receiver has read, and said so, up to where the sender is, or a little before.
    Consumed(u8),
}

fn send() -> impl Strategy<Value = Send> {
    let size = any::<Index>;
    prop_oneof![
        20 => size().prop_map(Send::Now),
        4 => size().prop_map(Send::InTime),
        2 => size().prop_map(Send::Soon),
        6 => Just(Send::Ring),
        6 => (0u8..4).prop_map(Send::Consumed),
    ]
}

struct Sender {
    layout: Layout,
    outgoing: Outgoing<Hostile>,
    halves: [Heap; 2],
    liar: Liar,
    itself: Liar,
    end: Option<End>,
}

impl Sender {
    fn new(layout: Layout, (strategy, fencing): (WaitStrategy, Fencing)) -> Self {
        let halves = halves(layout);
        let (liar, itself) = (Liar::default(), Liar::default());
        let (own, peer) = (Own::new(itself.shows(&halves[0])), Foreign::new(liar.shows(&halves[1])));
        let outgoing = Outgoing::new(own, peer, layout.geometry(), WORDS, link(), strategy, fencing);
        Self { layout, outgoing, halves, liar, itself, end: None }
    }

    fn take(&mut self, step: Send, lies: &mut impl Iterator<Item = Lie>) {
        // A few at a time: with only lies, the first head ends it all.
        self.liar.prepare(lies.take(2));
        let waiting = CLAIM + wait(WAITING_CLAIM) + WAITING_CLAIM;
        match step {
            Send::Now(size) => self.send(size, CLAIM, Outgoing::try_claim),
            Send::InTime(size) => self.send(size, waiting, |outgoing, length| outgoing.claim(length, past())),
            Send::Soon(size) => self.send(size, usize::MAX, |outgoing, length| outgoing.claim(length, soon())),
            Send::Ring => self.ring(),
            Send::Consumed(less) => self.consumed(less.into()),
        }
        assert_eq!(self.itself.heard(), [], "read its own words back");
    }

    fn send(
        &mut self,
        size: Index,
        most: usize,
        claim: impl FnOnce(&mut Outgoing<Hostile>, usize) -> Result<Claim, ClaimError>,
    ) {
        let length = size.index(self.layout.largest() + 1);
        let claim = claim(&mut self.outgoing, length);
        match self.end {
            // The head is never looked at again. Whether the receiver has left may be.
            Some(_) => assert_read(&self.liar, &[WORDS.data_announced].into(), 1),
            None => self.assert_read(most),
        }
        match claim {
            Ok(claim) => self.commit(claim),
            Err(ClaimError::Full) => assert_eq!(self.end, None, "the end is final"),
            Err(ClaimError::End(end)) => self.ended(end),
            Err(error) => panic!("{error:?}"),
        }
    }

    fn commit(&mut self, claim: Claim) {
        assert_eq!(self.end, None, "the end is final");
        self.outgoing.fill(&claim, 0, &vec![0x5a; claim.length()]);
        self.outgoing.commit_quietly(claim);
        self.assert_read(0);
    }

    fn ring(&mut self) {
        let wakes = self.outgoing.wakes();
        let notice = self.outgoing.ring();
        self.assert_read(RING);
        assert!(self.outgoing.wakes() - wakes <= 1);
        if notice == Notice::Gone {
            self.end.get_or_insert(End::Closed);
        }
    }

    fn consumed(&mut self, less: u64) {
        // Frames of many sizes lie between: what was sent bounds the tail from below.
        let head = self.halves[1].load(HEAD, Ordering::Relaxed);
        let head = head.max(self.outgoing.sent().saturating_sub(less));
        self.halves[1].store(HEAD, head, Ordering::Relaxed);
    }

    fn ended(&mut self, end: End) {
        assert!(matches!(end, End::Closed | End::Corrupt(_)), "{end}");
        if let End::Corrupt(corrupt) = end {
            assert_explains(corrupt);
        }
        assert_eq!(*self.end.get_or_insert(end), end, "the end is final");
    }

    fn assert_read(&self, most: usize) {
        assert_read(&self.liar, &USED[1].iter().copied().collect(), most);
    }
}

proptest! {
    #![proptest_config(cases(250))]

    #[test]
    fn a_receiver_survives_a_lying_sender(
        layout in layout(),
        strategy in strategy(),
        lies in vec(any_lie(), 0..300),
        steps in vec(receive(), 0..100),
    ) {
        let mut receiver = Receiver::new(layout, strategy);
        receiver.liar.prepare(lies);
        for step in steps {
            receiver.take(step);
        }
        assert_untouched(receiver.halves.each_ref());
    }

    #[test]
    fn a_sender_survives_a_lying_receiver(
        layout in layout(),
        strategy in strategy(),
        lies in vec(any_lie(), 0..300),
        steps in vec(send(), 0..100),
    ) {
        let mut sender = Sender::new(layout, strategy);
        let mut lies = lies.into_iter();
        for step in steps {
            sender.take(step, &mut lies);
        }
        let (Notice::Done | Notice::Poke | Notice::Gone) = sender.outgoing.finish();
        sender.assert_read(RING);
        assert_untouched(sender.halves.each_ref());
    }
}
