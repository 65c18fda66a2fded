//! The sleeper, its waits, and its oracle.

use std::time::Duration;

use twinring::Deadline;
use twinring::memory::{Foreign, Heap, Hostile, Memory, Ordering, Own};
use twinring::wait::{Fencing, Link, Patience, Sleeper};

use super::super::lies::{Liar, Lie};
use super::{ANNOUNCED, Kind, RUNG, Said, link, poke};

/// With fewer messages than this between two sleeps, each side makes its own fence.
const SELDOM: u64 = 64;

/// Long enough to be slept through more than once, short enough for many inputs.
const SOON: Duration = Duration::from_micros(20);

/// How often a wait may look once its time is over: spinning reads the clock once in 64 looks, and there is one look after
/// the last announcement.
const LATE_LOOKS: u32 = 64 + 1;

/// A sleeper, and what it has to say.
pub(super) struct Sleeping {
    sleeper: Sleeper<Hostile>,
    patience: Patience,
    link: Link<Hostile>,
    shown: Own<Hostile>,
    own: Heap,
    /// What the sleeper reads of the ringer's memory.
    pub(super) to_sleeper: Liar,
    said: Said,
    /// Whether it may have the ringer go without its fence: not once it has waited in `poll(2)`.
    lightens: bool,
    /// What stands in its word.
    announced: u64,
    messages: u64,
    /// How many there were at the last announcement.
    counted: u64,
    sleeps: u64,
}

impl Sleeping {
    pub(super) fn new(kind: Kind, shown: Own<Hostile>, own: &Heap, peer: &Heap) -> Self {
        let to_sleeper = Liar::default();
        let peer = Foreign::new(to_sleeper.shows(peer));
        let sleeper = Sleeper::new(shown.clone(), ANNOUNCED, peer, RUNG, kind.fencing());
        let (light, lightens) = (kind.fencing() == Fencing::Never, kind.fencing() == Fencing::Adaptive);
        let said = Said { number: 0, light, polling: false, gone: false };
        let (patience, link, own) = (Patience::new(kind.strategy()), link(), own.clone());
        let (announced, messages, counted, sleeps) = (said.word(), 0, 0, 0);
        let sleeping = Self {
            sleeper,
            patience,
            link,
            shown,
            own,
            to_sleeper,
            said,
            lightens,
            announced,
            messages,
            counted,
            sleeps,
        };
        sleeping.assert_stands();
        sleeping
    }

    /// Who has left does nothing more, and who promised never to sleep announces nothing.
    fn may_announce(&self) -> bool {
        !self.said.gone && self.sleeper.may_sleep()
    }

    pub(super) fn announce(&mut self, messages: u8, polling: bool) {
        if !self.may_announce() {
            return;
        }
        self.messages += u64::from(messages);
        if polling {
            self.sleeper.announce_polling(self.messages);
        } else {
            self.sleeper.announce(self.messages);
        }
        let seldom = self.messages - self.counted >= SELDOM;
        self.counted = self.messages;
        let rung = self.heard();
        assert_eq!(rung.len(), 1, "one look at the last answer, to differ from it");
        let now = self.look();
        assert!(now.asleep() && now.number != self.said.number, "{now:?} after {:?}", self.said);
        assert_ne!(now.number, rung[0] as u32, "a number that looks answered");
        self.lightens &= !polling;
        let light = self.said.light && seldom && !polling;
        self.say(Said { number: now.number, light, polling, gone: false });
    }

    /// Sleeps unless it has been answered, and looks at the answer before and after.
    pub(super) fn sleep(&mut self) {
        if self.said.gone || !self.said.asleep() {
            return;
        }
        self.sleeper.sleep(&self.link, Deadline::NEVER);
        let heard = self.heard();
        let sleeps = heard[0] as u32 != self.said.number;
        self.sleeps += u64::from(sleeps);
        assert_eq!(heard.len(), if sleeps { 2 } else { 1 }, "looks at {heard:x?}, announced {:?}", self.said);
        assert_eq!(self.sleeper.sleeps(), self.sleeps);
        self.assert_stands();
    }

    pub(super) fn retract(&mut self) {
        if !self.said.gone && self.said.asleep() {
            self.sleeper.retract();
            self.say(Said { number: self.said.number.wrapping_add(1), polling: false, ..self.said });
        }
    }

    pub(super) fn lighten(&mut self, messages: u8) {
        if self.said.gone || self.said.asleep() {
            return;
        }
        self.messages += u64::from(messages);
        self.sleeper.lighten(self.messages);
        if self.lightens && self.messages - self.counted >= SELDOM && !self.said.light {
            self.say(Said { light: true, ..self.said });
        }
        self.assert_stands();
    }

    pub(super) fn leave(&mut self) {
        if !self.said.gone {
            self.sleeper.leave();
            self.say(Said { number: self.said.number & !1, light: true, polling: false, gone: true });
        }
    }

    /// Whatever the ringer says, a wait ends with what is looked for, at once, or with its deadline, soon.
    pub(super) fn wait(&mut self, messages: u8, looks: u8) {
        if self.said.gone {
            return;
        }
        self.messages += u64::from(messages);
        let deadline = Deadline::after(SOON);
        let (mut looked, mut late) = (0, 0);
        let look = || {
            looked += 1;
            late += u32::from(deadline.passed());
            assert!(late <= LATE_LOOKS, "{late} looks after the deadline");
            looked == u32::from(looks)
        };
        let Self { sleeper, patience, link, shown, .. } = self;
        let found = patience.wait(sleeper, link, shown, self.messages, deadline, look);
        assert_eq!(found, looked == u32::from(looks), "{looked} looks, there was something at look {looks}");
        assert!(found || deadline.passed(), "gave up too early");
        self.waited(looked);
    }

    /// A wait announces, looks and sleeps as often as it has to: it is awake afterwards, and has read little.
    fn waited(&mut self, looked: u32) {
        let heard = self.heard();
        assert!(heard.len() as u32 <= 3 * looked, "{} reads for {looked} looks", heard.len());
        let now = self.look();
        if heard.is_empty() {
            // It only spun.
            assert_eq!(self.sleeper.sleeps(), self.sleeps);
            return self.assert_stands();
        }
        assert!(self.may_announce(), "who promised never to sleep announced {now:?}");
        assert!(!now.asleep() && now.number != self.said.number && (self.said.light || !now.light), "{now:?}");
        assert!(self.sleeper.sleeps() - self.sleeps <= looked.into());
        (self.counted, self.sleeps) = (self.messages, self.sleeper.sleeps());
        self.say(Said { number: now.number, light: now.light, polling: false, gone: false });
    }

    /// It has to have said this, and nothing else.
    fn say(&mut self, said: Said) {
        (self.said, self.announced) = (said, said.word());
        self.assert_stands();
    }

    /// Its word is overwritten: the sleeper lies.
    pub(super) fn poke(&mut self, lie: Lie) {
        self.announced = poke(&self.own, ANNOUNCED, lie);
    }

    fn look(&self) -> Said {
        Said::by(self.own.load(ANNOUNCED, Ordering::Relaxed))
    }

    fn assert_stands(&self) {
        let word = self.own.load(ANNOUNCED, Ordering::Relaxed);
        assert_eq!(word, self.announced, "{:?}, not {:?}", Said::by(word), Said::by(self.announced));
    }

    /// The answers that were read, and nothing else was.
    fn heard(&self) -> Vec<u64> {
        let heard = self.to_sleeper.heard();
        assert!(heard.iter().all(|&(word, _)| word == RUNG), "read {heard:x?}");
        heard.into_iter().map(|(_, value)| value).collect()
    }
}
