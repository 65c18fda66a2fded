//! Both ends of a ring, each against a peer that pokes words and answers reads with lies.

mod consuming;
mod producing;

use std::collections::VecDeque;

use arbitrary::{Arbitrary, Unstructured};
use twinring::memory::{Foreign, Heap, Hostile, Memory, Ordering, Own};
use twinring::ring::{Consumer, Corrupt, PeekError, Producer};

use super::lies::{Liar, Lie};
use super::oracle::{Layout, Reader, Writer};

/// Words before the ring and before the head, which nobody may touch.
const GUARD: usize = 3;

/// Enough for many laps of the largest ring here, few enough to be quick.
const MOST_STEPS: usize = 256;

#[derive(Debug, Arbitrary)]
struct Input {
    capacity: u8,
    lazy: u8,
    dirt: u64,
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Size {
    Bytes(u8),
    /// Of 255 parts of the largest.
    Part(u8),
    Largest,
    TooLarge(u32),
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Step {
    Push(Size),
    CommitFirst {
        size: Size,
        keep: u8,
    },
    Abandon(Size),
    Pop,
    Peek,
    LookTwice,
    LookAndRelease,
    Publish,
    Finish,
    /// The word of the ring is overwritten.
    PokeRing {
        at: u8,
        lie: Lie,
    },
    /// The head is overwritten.
    PokeHead(Lie),
    /// The consumer's next reads are answered with these.
    LieToConsumer([Lie; 2]),
    /// The producer's next read is answered with this.
    LieToProducer(Lie),
}

/// Each end does what its oracle says; nothing that is unread is overwritten, nothing outside is touched, and as long as
/// nobody lied, the ring is a queue.
pub fn ring_peer(data: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let capacity = 8 << (input.capacity % 4);
    let lazy = 1 + u64::from(input.lazy) % (capacity / 2);
    let mut world = World::new(Layout { ring: GUARD, head: GUARD, capacity, lazy }, input.dirt);
    for step in input.steps.into_iter().take(MOST_STEPS) {
        world.take(step);
        world.assert_nothing_else_was_read();
    }
}

struct World {
    layout: Layout,
    ring: Heap,
    head: Heap,
    producer: Producer<Hostile>,
    consumer: Consumer<Hostile>,
    writer: Writer,
    reader: Reader,
    /// What the producer reads of the consumer's memory.
    to_producer: Liar,
    /// What the consumer reads of the producer's memory.
    to_consumer: Liar,
    /// What either reads of its own memory.
    to_itself: Liar,
    model: VecDeque<Vec<u8>>,
    messages: u8,
    ring_poked: bool,
    head_poked: bool,
    finished: bool,
    refused: Option<Corrupt>,
    ended: Option<PeekError>,
}

impl World {
    fn new(layout: Layout, dirt: u64) -> Self {
        let [ring, head] = Heap::family([GUARD + layout.capacity as usize, GUARD + 1]);
        soil(&ring, layout, dirt);
        let (to_producer, to_consumer, to_itself) = (Liar::default(), Liar::default(), Liar::default());
        let of_producer = Own::new(to_itself.shows(&ring));
        let of_consumer = Own::new(to_itself.shows(&head));
        let geometry = layout.geometry();
        Self {
            layout,
            producer: Producer::new(of_producer, Foreign::new(to_producer.shows(&head)), geometry),
            consumer: Consumer::new(of_consumer, Foreign::new(to_consumer.shows(&ring)), geometry),
            ring,
            head,
            writer: Writer::new(layout),
            reader: Reader::new(layout),
            to_producer,
            to_consumer,
            to_itself,
            model: VecDeque::new(),
            messages: 0,
            ring_poked: false,
            head_poked: false,
            finished: false,
            refused: None,
            ended: None,
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Push(size) => self.push(size),
            Step::CommitFirst { size, keep } => self.reserve(size, Some(keep)),
            Step::Abandon(size) => self.reserve(size, None),
            Step::Pop => self.pop(),
            Step::Peek => self.peek(),
            Step::LookTwice => self.look_twice(),
            Step::LookAndRelease => self.look_and_release(),
            Step::Publish => self.publish(),
            Step::Finish => self.finish(),
            Step::PokeRing { at, lie } => self.poke_ring(at, lie),
            Step::PokeHead(lie) => self.poke_head(lie),
            Step::LieToConsumer(lies) => self.to_consumer.prepare(lies),
            Step::LieToProducer(lie) => self.to_producer.prepare([lie]),
        }
    }

    fn assert_nothing_else_was_read(&self) {
        assert_eq!(self.to_producer.heard(), [], "the producer read more than it needs");
        assert_eq!(self.to_consumer.heard(), [], "the consumer read more than it needs");
        assert_eq!(self.to_itself.heard(), [], "a side read its own words back");
    }

    fn honest(&self) -> bool {
        !self.ring_poked && !self.head_poked && !self.to_producer.lied() && !self.to_consumer.lied()
    }

    fn bytes(&self, size: Size) -> usize {
        let largest = self.layout.largest();
        match size {
            Size::Bytes(bytes) => bytes.into(),
            Size::Part(part) => largest * usize::from(part) / 255,
            Size::Largest => largest,
            Size::TooLarge(over) => largest + 1 + over as usize,
        }
    }

    /// The next message: like no other of this length in a long while.
    fn message(&mut self, length: usize) -> Vec<u8> {
        self.messages = self.messages.wrapping_add(1);
        (0..length).map(|at| self.messages.wrapping_mul(31).wrapping_add((at as u8).wrapping_mul(7))).collect()
    }

    fn poke_ring(&mut self, at: u8, lie: Lie) {
        let word = self.layout.ring + usize::from(at) % self.layout.capacity as usize;
        self.ring_poked |= poke(&self.ring, word, lie);
    }

    fn poke_head(&mut self, lie: Lie) {
        self.head_poked |= poke(&self.head, self.layout.head, lie);
    }
}

/// Whether it changed anything.
fn poke(memory: &Heap, word: usize, lie: Lie) -> bool {
    let honest = memory.load(word, Ordering::Relaxed);
    let lie = lie.instead_of(honest);
    memory.store(word, lie, Ordering::Relaxed);
    lie != honest
}

/// Fills all but the first header with what an earlier user may have left there.
fn soil(ring: &Heap, layout: Layout, mut dirt: u64) {
    for word in (0..ring.words()).filter(|&word| word != layout.ring) {
        dirt = dirt.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let header = Lie::Header { kind: 1 + (dirt >> 33) as u8 % 3, length: (dirt >> 40) as u16 % 32 };
        ring.store(word, header.instead_of(0), Ordering::Relaxed);
    }
}

fn words(memory: &Heap) -> Vec<u64> {
    (0..memory.words()).map(|word| memory.load(word, Ordering::Relaxed)).collect()
}
