//! What the protocol says, written a second time: slowly, and from its tables alone.
//!
//! Both ends are told what was read of the peer's words, in order. That an end agrees with its oracle therefore also says
//! that it read no other word and no word too often, and acted on what it read last.

use twinring::memory::WORD;
use twinring::ring::{Corrupt, Geometry};

/// Where a ring lies.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// The first word of the ring, in the producer's memory.
    pub ring: usize,
    /// The word of the head, in the consumer's memory.
    pub head: usize,
    /// In words.
    pub capacity: u64,
    /// In words.
    pub lazy: u64,
}

impl Layout {
    /// The same for the library.
    pub fn geometry(&self) -> Geometry {
        Geometry::new(self.ring, self.head, self.capacity, self.lazy)
    }

    /// The largest payload, in bytes.
    pub fn largest(&self) -> usize {
        ((self.capacity - (self.lazy - 1)) / 2 - 1) as usize * WORD
    }

    /// The word that stands for a position.
    pub fn word(&self, position: u64) -> usize {
        self.ring + (position % self.capacity) as usize
    }

    /// The next position at offset 0, after `position`.
    fn wrap(&self, position: u64) -> u64 {
        (position / self.capacity + 1) * self.capacity
    }
}

/// Words in a frame.
pub fn frame_words(length: usize) -> u64 {
    1 + length.div_ceil(WORD) as u64
}

/// What a header word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// There is no frame.
    Nothing,
    /// A payload of this many bytes.
    Data(usize),
    /// Go on at offset 0.
    Skip,
    /// Nothing follows.
    Fin,
    /// What nobody honest says.
    Lie,
}

/// Reads a header word by the table of its bits.
pub fn said(word: u64, largest: usize) -> Said {
    let length = word & 0xffff_ffff;
    let kind = (word >> 32) & 0xff;
    let reserved = word >> 40;
    match (reserved, kind, length) {
        (0, 0, 0) => Said::Nothing,
        (0, 1, _) if length <= largest as u64 => Said::Data(length as usize),
        (0, 2, 0) => Said::Skip,
        (0, 3, 0) => Said::Fin,
        _ => Said::Lie,
    }
}

/// # Panics
///
/// If the error says that what was seen was allowed.
pub fn assert_explains(corrupt: Corrupt) {
    let Corrupt { what, seen, least, most } = corrupt;
    assert!(!what.is_empty() && least <= most && !(least..=most).contains(&seen), "explains nothing: {corrupt:?}");
}

/// What a look has to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// No frame.
    Empty,
    /// A frame.
    Frame {
        /// Where its header stands.
        position: u64,
        /// The length of its payload, in bytes.
        length: usize,
    },
    /// The end.
    Finished,
    /// A lie.
    Corrupt,
}

/// The reading end, as it ought to be.
#[derive(Debug)]
pub struct Reader {
    layout: Layout,
    /// Where the next header is looked for.
    pub head: u64,
    end: Option<Look>,
}

impl Reader {
    /// Nothing read.
    pub fn new(layout: Layout) -> Self {
        Self { layout, head: 0, end: None }
    }

    /// What a look has to find that read these words. It may read the header at the head twice (once in passing), the one
    /// behind a skip once, and goes by what it read last. At the end of all it may still read in passing.
    ///
    /// # Panics
    ///
    /// If it read more, or something else.
    pub fn look(&mut self, read: &[(usize, u64)]) -> Look {
        let at_head = self.layout.word(self.head);
        let headers = read.iter().take_while(|(word, _)| *word == at_head).count();
        let (headers, behind) = read.split_at(headers);
        assert!(headers.len() <= if self.end.is_some() { 1 } else { 2 }, "read too often: {read:?}");
        if let Some(end) = self.end {
            assert_eq!(behind, [], "read after the end");
            return end;
        }
        let &(_, header) = headers.last().expect("a look at the header");
        let found = self.judge(header, behind);
        if matches!(found, Look::Finished | Look::Corrupt) {
            self.end = Some(found);
        }
        found
    }

    fn judge(&mut self, header: u64, behind: &[(usize, u64)]) -> Look {
        // Not from the first word, nor from the second: no frame would fit before it.
        let skips = self.layout.word(self.head) > self.layout.ring + 1;
        let said = said(header, self.layout.largest());
        if said == Said::Skip && skips {
            return self.judge_skipped(behind);
        }
        assert_eq!(behind, [], "read behind what is no skip");
        match said {
            Said::Nothing => Look::Empty,
            Said::Fin => Look::Finished,
            Said::Data(length) if self.fits(length) => Look::Frame { position: self.head, length },
            Said::Data(_) | Said::Skip | Said::Lie => Look::Corrupt,
        }
    }

    fn judge_skipped(&mut self, behind: &[(usize, u64)]) -> Look {
        let start = self.layout.wrap(self.head);
        let &[(word, header)] = behind else { panic!("read {behind:?} behind a skip") };
        assert_eq!(word, self.layout.word(start), "another word was read behind a skip");
        match said(header, self.layout.largest()) {
            // With the word behind it, it ends before the skip.
            Said::Data(length) if self.layout.word(start + frame_words(length)) < self.layout.word(self.head) => {
                self.head = start;
                Look::Frame { position: start, length }
            }
            _ => Look::Corrupt,
        }
    }

    fn fits(&self, length: usize) -> bool {
        self.head + frame_words(length) <= self.layout.wrap(self.head)
    }

    /// Steps over a frame of this length.
    pub fn release(&mut self, length: usize) {
        self.head += frame_words(length);
    }
}

/// What a claim has to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// Room that starts at this position.
    At(u64),
    /// Not now.
    Full,
    /// Never.
    TooLarge,
    /// A lie.
    Corrupt,
}

/// The writing end, as it ought to be.
#[derive(Debug)]
pub struct Writer {
    layout: Layout,
    /// Where the next header will stand.
    pub tail: u64,
    /// The consumer's head, when last read.
    pub head: u64,
    finished: bool,
    corrupt: bool,
}

impl Writer {
    /// Nothing written.
    pub fn new(layout: Layout) -> Self {
        Self { layout, tail: 0, head: 0, finished: false, corrupt: false }
    }

    /// What a claim has to find that read these words: the head, if the last one leaves no room, and nothing else.
    ///
    /// # Panics
    ///
    /// If it read more, or something else.
    pub fn claim(&mut self, length: usize, read: &[(usize, u64)]) -> Room {
        let known = self.head + self.layout.capacity;
        let lacking = !self.corrupt && !self.finished && length <= self.layout.largest() && self.end(length) >= known;
        match read {
            [] => assert!(!lacking, "the head was not read"),
            &[(word, head)] => {
                assert!(lacking && word == self.layout.head, "read for nothing: {read:?}");
                self.learn(head);
            }
            _ => panic!("read too often: {read:?}"),
        }
        self.room(length)
    }

    fn learn(&mut self, head: u64) {
        if (self.head..=self.tail).contains(&head) {
            self.head = head;
        } else {
            self.corrupt = true;
        }
    }

    fn start(&self, length: usize) -> u64 {
        let wrap = self.layout.wrap(self.tail);
        if self.tail + frame_words(length) <= wrap { self.tail } else { wrap }
    }

    fn end(&self, length: usize) -> u64 {
        self.start(length) + frame_words(length)
    }

    fn room(&self, length: usize) -> Room {
        if self.corrupt {
            return Room::Corrupt;
        }
        if length > self.layout.largest() {
            return Room::TooLarge;
        }
        // The word behind the frame has to be free too.
        let free = self.end(length) < self.head + self.layout.capacity;
        if free && !self.finished { Room::At(self.start(length)) } else { Room::Full }
    }

    /// Nothing will follow.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// A frame of this length was committed at `start`.
    pub fn commit(&mut self, start: u64, length: usize) {
        self.tail = start + frame_words(length);
    }
}
