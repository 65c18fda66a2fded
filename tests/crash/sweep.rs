//! One operation, and a victim killed at each of many points of it.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use twinring::WaitStrategy;

use crate::leaks::Held;
use crate::ledger::Ledger;
use crate::nursery::Nursery;
use crate::pinned::Processors;
use crate::place::{Place, Setting};
use crate::points;
use crate::process::{self, Child};
use crate::scenes::{self, Scene, Start};
use crate::survivor::{Signals, Survivor};
use crate::tracing::{Point, Traced};

/// A death is known sooner than this, by half of the survivors that sleep.
const MEDIAN: Duration = Duration::from_millis(10);

/// And of those that spin: they keep a processor from the thread that watches, which on a busy machine has to wait for one.
const SPINNING_MEDIAN: Duration = Duration::from_millis(50);

/// And by all.
const WORST: Duration = Duration::from_secs(5);

/// How often a sweep is played until its median is good.
const TRIES: usize = 3;

/// The longest operation that is looked at instruction by instruction.
const MOST: usize = 1 << 20;

/// Plays a sweep in a process of its own, which counts what it holds.
pub fn sweep(setting: Setting) {
    // One at a time: they measure.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = TempDir::new().expect("a directory");
    let arguments = setting.arguments();
    let mut arguments: Vec<_> = arguments.iter().map(|(name, value)| (*name, value.as_os_str())).collect();
    arguments.push(("DIRECTORY", directory.path().as_os_str()));
    Child::start("survivor", &arguments).finish();
    let left = fs::read_dir(&directory).expect("the directory").flatten().map(|entry| entry.file_name());
    // A victim that listens and is killed leaves its socket and its lock, for the next one to replace.
    let known =
        |name: &OsString| name == "page" || setting.victim_listens && (name == "socket" || name == "socket.lock");
    let left: Vec<_> = left.filter(|name| !known(name)).collect();
    assert!(left.is_empty(), "left over: {left:?}");
}

/// The survivor's process.
pub fn survivor() {
    let directory = PathBuf::from(process::argument("DIRECTORY"));
    let place = Place::told(directory.clone());
    let processors = Processors::of_this_thread();
    // The nursery's, and so all victims', is the tracer's.
    processors.first();
    let sweep = Sweep {
        scene: scenes::named(&place.scene),
        ledger: Ledger::create(&place.page()),
        nursery: Nursery::start(&directory),
        length: 0,
        took: Vec::new(),
        kills: 0,
        processors,
        place,
    };
    sweep.play();
}

struct Sweep {
    place: Place,
    scene: &'static Scene,
    ledger: Ledger,
    nursery: Nursery,
    /// The instructions of the stretch, or its stops at the kernel's door.
    length: usize,
    took: Vec<Duration>,
    kills: usize,
    processors: Processors,
}

impl Sweep {
    fn play(mut self) {
        let before = Held::now();
        self.processors.any();
        let mut survivor = (self.scene.survivor)(&self.place);
        self.processors.first();
        let held = Held::now();
        let points = self.points(&mut *survivor);
        // A median that a busy machine has spoilt is better the next time, one that a fault has spoilt is not.
        for _ in 0..TRIES {
            self.took.clear();
            for &point in &points {
                self.meet(&mut *survivor, |victim, asleep| victim.go_to(point, asleep));
                assert_eq!(settled(held), held, "left over after {point:?}, before which this was held");
            }
            if self.took_at(50) <= self.limit() {
                break;
            }
        }
        drop(survivor);
        assert_eq!(settled(before), before, "left over at the end");
        self.tell(points.len());
    }

    /// Explores the stretch, and chooses where to kill.
    fn points(&mut self, survivor: &mut dyn Survivor) -> Vec<Point> {
        let mut points = if self.place.by_calls {
            self.length = self.meet(survivor, |victim, asleep| victim.calls(asleep));
            points::among_calls(self.length)
        } else {
            let addresses = self.meet(survivor, |victim, asleep| victim.instructions(MOST, asleep));
            self.length = addresses.len();
            points::among_instructions(&addresses)
        };
        points.push(Point::End);
        points.extend((self.scene.start == Start::Sleeps).then_some(Point::Asleep));
        points
    }

    /// Has the survivor meet a victim, which is killed when `act` has brought it where it is to die.
    fn meet<T>(&mut self, survivor: &mut dyn Survivor, act: impl FnOnce(&Traced, Option<&dyn Fn()>) -> T) -> T {
        self.ledger.clear();
        let spins = self.place.wait == WaitStrategy::Spin;
        let signals = Signals::new(self.processors, spins, self.place.page());
        let victim = self.nursery.bear();
        let (result, killed, fate) = thread::scope(|scope| {
            let surviving = scope.spawn(|| {
                signals.begin();
                survivor.survive(&signals)
            });
            let result = self.lead(&victim, &signals, act);
            let killed = victim.kill();
            signals.declare_dead();
            (result, killed, surviving.join().expect("the survivor"))
        });
        survivor.check(&fate, &self.ledger);
        survivor.meet_another();
        self.kills += 1;
        // What was known before is an end in order.
        self.took.extend(fate.known.and_then(|known| known.checked_duration_since(killed)));
        result
    }

    /// Leads a victim to its stretch, and then where `act` does.
    fn lead<T>(&self, victim: &Traced, signals: &Signals, act: impl FnOnce(&Traced, Option<&dyn Fn()>) -> T) -> T {
        let asleep = || signals.open();
        victim.until_marked();
        if self.scene.start == Start::Awaited {
            signals.until_awaited(self.place.wait != WaitStrategy::Spin);
        }
        act(victim, if self.scene.start == Start::Sleeps { Some(&asleep) } else { None })
    }

    fn limit(&self) -> Duration {
        if self.place.wait == WaitStrategy::Spin { SPINNING_MEDIAN } else { MEDIAN }
    }

    fn took_at(&mut self, percent: usize) -> Duration {
        self.took.sort();
        // Nobody was surprised: all had left in order.
        let last = self.took.len().saturating_sub(1);
        self.took.get(last * percent / 100).copied().unwrap_or_default()
    }

    fn tell(mut self, points: usize) {
        let (median, worst, limit) = (self.took_at(50), self.took_at(100), self.limit());
        let Place { scene, wait, transport, victim_listens, .. } = &self.place;
        let role = if *victim_listens { "listens" } else { "connects" };
        let Self { length, kills, .. } = self;
        eprintln!(
            "{scene} ({wait:?}, {transport}, the victim {role}): {points} points of {length}, {kills} kills, known after {median:?}, \
             {worst:?} at worst"
        );
        assert!(median <= limit, "half of the deaths were known only after {median:?}");
        assert!(worst <= WORST, "a death was known only after {worst:?}");
    }
}

/// What is held once threads that end have ended.
fn settled(expected: Held) -> Held {
    let started = Instant::now();
    while Held::now() != expected && started.elapsed() < WORST {
        thread::sleep(Duration::from_micros(200));
    }
    Held::now()
}
