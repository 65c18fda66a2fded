//! The ringer and its oracle.

use twinring::memory::{Foreign, Heap, Hostile, Memory, Ordering, Own};
use twinring::wait::{Notice, Ringer};

use super::super::lies::{Liar, Lie};
use super::{ANNOUNCED, RUNG, Said, poke};

/// A ringer, and what it has to know.
pub(super) struct Ringing {
    ringer: Ringer<Hostile>,
    own: Heap,
    /// What the ringer reads of the sleeper's memory.
    pub(super) to_ringer: Liar,
    answered: u32,
    wakes: u64,
    /// The word that needed nothing when it was last looked at; before the first, what an honest sleeper may begin with.
    quiet: u64,
    /// What stands in its word.
    rung: u64,
}

impl Ringing {
    pub(super) fn new(shown: Own<Hostile>, own: &Heap, peer: &Heap) -> Self {
        let to_ringer = Liar::default();
        let ringer = Ringer::new(shown, RUNG, Foreign::new(to_ringer.shows(peer)), ANNOUNCED);
        Self { ringer, own: own.clone(), to_ringer, answered: 0, wakes: 0, quiet: 1 << 32, rung: 0 }
    }

    /// One look at the announcement, and one more after its own fence if the sleeper does not make it.
    pub(super) fn ring(&mut self) {
        let notice = self.ringer.ring();
        let heard = self.heard();
        let looks = if heard[0] == self.quiet || Said::by(heard[0]).light { 1 } else { 2 };
        assert_eq!(heard.len(), looks, "looks at {heard:x?}");
        assert_eq!(notice, self.judge(heard[looks - 1], looks), "for {heard:x?}");
        assert_eq!(self.ringer.wakes(), self.wakes, "wakes for {heard:x?}");
        assert_eq!(self.own.load(RUNG, Ordering::Relaxed), self.rung, "rung for {heard:x?}");
    }

    /// What it has to do about an announcement.
    fn judge(&mut self, word: u64, looks: usize) -> Notice {
        let said = Said::by(word);
        if looks == 1 && word == self.quiet {
            return Notice::Done;
        }
        if said.gone {
            return Notice::Gone;
        }
        if said.asleep() && said.number != self.answered {
            self.answered = said.number;
            self.rung = said.number.into();
            self.wakes += 1;
            return if said.polling { Notice::Poke } else { Notice::Done };
        }
        if said.light && !said.asleep() {
            self.quiet = word;
        }
        Notice::Done
    }

    /// One look, and an answer to who sleeps by the futex; nothing else is decided by it.
    pub(super) fn rouse(&mut self) {
        self.ringer.rouse();
        let heard = self.heard();
        assert_eq!(heard.len(), 1, "looks at {heard:x?}");
        let said = Said::by(heard[0]);
        if said.asleep() && said.number != self.answered && !said.polling {
            self.answered = said.number;
            self.rung = said.number.into();
            self.wakes += 1;
        }
        assert_eq!(self.ringer.wakes(), self.wakes, "wakes for {heard:x?}");
        assert_eq!(self.own.load(RUNG, Ordering::Relaxed), self.rung, "rung for {heard:x?}");
    }

    pub(super) fn ask_whether_gone(&mut self) {
        let gone = self.ringer.gone();
        let heard = self.heard();
        assert_eq!(heard.len(), 1, "looks at {heard:x?}");
        assert_eq!(gone, Said::by(heard[0]).gone);
    }

    /// The announcements that were read, and nothing else was.
    fn heard(&self) -> Vec<u64> {
        let heard = self.to_ringer.heard();
        assert!(heard.iter().all(|&(word, _)| word == ANNOUNCED), "read {heard:x?}");
        heard.into_iter().map(|(_, value)| value).collect()
    }

    /// Its word is overwritten: the ringer lies.
    pub(super) fn poke(&mut self, lie: Lie) {
        self.rung = poke(&self.own, RUNG, lie);
    }
}
