//! Whoever survives: what it sees of a victim, and when it knows of its death.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Instant;

use twinring::{Connection, End, Listener};

use crate::ledger::Ledger;
use crate::pinned::Processors;
use crate::place::Place;
use crate::waits::{LONG, own_number, until, until_asleep};

/// What a survivor came to.
#[derive(Clone, Copy, Debug)]
pub struct Fate {
    /// Steps of the victim's that it has the whole of; or of its own, if it is the victim that receives.
    pub count: u64,
    /// How its connection ended; none if none came about.
    pub end: Option<End>,
    /// When it knew; none if there was nothing to be known.
    pub known: Option<Instant>,
}

impl Fate {
    /// Known just now.
    pub fn now(count: u64, end: End) -> Self {
        Self { count, end: Some(end), known: Some(Instant::now()) }
    }
}

/// What the survivor's thread and the tracer's tell each other.
pub struct Signals {
    /// The survivor's thread, once it waits for the victim.
    waiting: AtomicI32,
    /// Whether a survivor that holds back may go on.
    open: AtomicBool,
    /// Whether the victim is dead, and its end has been seen.
    dead: AtomicBool,
    /// Of which a survivor that spins keeps to the second.
    processors: Processors,
    spins: bool,
    /// Where the victim's ledger is.
    page: PathBuf,
}

impl Signals {
    pub fn new(processors: Processors, spins: bool, page: PathBuf) -> Self {
        let (waiting, open, dead) = (AtomicI32::new(0), AtomicBool::new(false), AtomicBool::new(false));
        Self { waiting, open, dead, processors, spins, page }
    }

    /// By the survivor: what it starts uses what the tracer does not.
    pub fn begin(&self) {
        self.processors.any();
    }

    /// By the survivor: from here on it only waits for the victim.
    pub fn wait_from_here(&self) {
        if self.spins {
            self.processors.second();
        }
        self.waiting.store(own_number(), Ordering::Release);
    }

    /// By the tracer: waits until the survivor waits, and is asleep if it ever is.
    pub fn until_awaited(&self, sleeps: bool) {
        until("the survivor", || self.waiting.load(Ordering::Acquire) != 0);
        if sleeps {
            until_asleep(self.waiting.load(Ordering::Acquire));
        }
    }

    /// By the tracer: the survivor need not hold back any more.
    pub fn open(&self) {
        self.open.store(true, Ordering::Release);
    }

    /// By the survivor: holds back until the victim sleeps, or is dead.
    pub fn hold_back(&self) {
        until("a victim that sleeps", || self.open.load(Ordering::Acquire));
    }

    /// By the survivor: waits until the victim is done with its first step, or is dead.
    pub fn until_one_is_done(&self) {
        let ledger = Ledger::open(&self.page);
        until("the victim's first step", || ledger.done() > 0 || self.is_dead());
    }

    /// By the tracer: it is over.
    pub fn declare_dead(&self) {
        self.dead.store(true, Ordering::Release);
        self.open();
    }

    /// By the survivor: whether it is.
    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Acquire)
    }
}

/// A survivor, for all the victims of a sweep.
pub trait Survivor: Send {
    /// Meets a victim, and stays with it until its end.
    fn survive(&mut self, signals: &Signals) -> Fate;

    /// After a victim's death: that a new connection to the same endpoint works, where the next victim does not show it.
    fn meet_another(&mut self) {}

    /// Whether what it has seen can be true.
    fn check(&self, fate: &Fate, ledger: &Ledger);
}

/// How a survivor stays with a connection until its end.
pub type Stay = fn(Connection, &Signals) -> Fate;

/// What a victim's ledger says of what its survivor has seen.
pub type Check = fn(&Place, &Fate, &Ledger);

/// One that has a connection to each victim.
pub struct Connected {
    place: Place,
    listener: Option<Listener>,
    stay: Stay,
    check: Check,
}

impl Connected {
    pub fn boxed(place: &Place, stay: Stay, check: Check) -> Box<dyn Survivor> {
        let listener = (!place.victim_listens).then(|| place.listen(&place.survivors()));
        Box::new(Self { place: place.clone(), listener, stay, check })
    }
}

impl Survivor for Connected {
    fn survive(&mut self, signals: &Signals) -> Fate {
        let connection = match &mut self.listener {
            Some(listener) => listener.accept_timeout(LONG).expect("the victim"),
            None => self.place.survivors().connect(self.place.socket(), LONG).expect("the victim"),
        };
        (self.stay)(connection, signals)
    }

    fn check(&self, fate: &Fate, ledger: &Ledger) {
        (self.check)(&self.place, fate, ledger);
    }
}
