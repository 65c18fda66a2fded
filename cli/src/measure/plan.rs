//! What is to be measured: mechanisms, modes, sizes, rounds.

use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use twinring::WaitStrategy;

use super::clock::Budget;
use super::rivals::Brought;
use super::rounds::Refusal;
use crate::failure::Failure;

/// What carries the messages, or bounds what can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Mechanism {
    /// An 8-byte store and poll, walking: the bound of every round trip.
    Floor,
    /// Ours, between two processes.
    Twinring,
    /// Calls of ours, by a session of one thread on each side.
    TwinringCall,
    /// Calls of ours, by a session that many threads may use on each side.
    TwinringCallShared,
    /// Store, wake and sleep: the bound of every parked round trip.
    Futex,
    /// rtrb, between two threads of one process.
    RtrbThreads,
    /// A copy of 64 KiB that the other core has just written: the bound of every stream.
    Memcpy,
    /// Calls in the classic way: one buffer, System V semaphores, a handshake before each.
    SemaphoreSysv,
    /// The same with POSIX semaphores and without the handshake.
    SemaphorePosix,
    /// A pipe each way.
    Pipe,
    /// Unix stream sockets.
    UnixStream,
    /// Unix sockets that keep messages apart.
    UnixSeqpacket,
    /// TCP over loopback.
    Tcp,
    /// POSIX message queues.
    MqPosix,
    /// System V message queues.
    MqSysv,
    /// Slots in shared memory, and eventfds that count them.
    Eventfd,
    /// A real-time signal with a value: 8 bytes.
    Signal,
    /// iceoryx2, publish and subscribe.
    Iceoryx2,
    /// iceoryx2, request and response.
    Iceoryx2Call,
    /// iceoryx2, an event with its id: 8 bytes.
    Iceoryx2Event,
    /// shmem-ipc.
    ShmemIpc,
    /// ipc-channel.
    IpcChannel,
    /// ringfire.
    Ringfire,
    /// `ipc_ring`.
    IpcRing,
    /// Tachyon, a bus each way.
    Tachyon,
    /// Tachyon, calls.
    TachyonCall,
    /// libqb, calls through shared memory.
    Libqb,
    /// Aeron, an IPC channel each way through a media driver.
    Aeron,
}

impl Mechanism {
    /// Whether one side calls the other, which replies.
    pub fn is_called(self) -> bool {
        let rival = matches!(self, Self::Iceoryx2Call | Self::TachyonCall | Self::Libqb);
        rival || matches!(self, Self::TwinringCall | Self::TwinringCallShared) || self.is_semaphores()
    }

    /// Whether it is another library, which this one does not depend on.
    pub fn is_rival(self) -> bool {
        RIVALS.contains(&self)
    }

    /// Whether it is the classic design of one buffer and semaphores.
    pub fn is_semaphores(self) -> bool {
        matches!(self, Self::SemaphoreSysv | Self::SemaphorePosix)
    }

    /// Whether it carries messages, and between two processes.
    pub fn is_between_processes(self) -> bool {
        !matches!(self, Self::Floor | Self::Memcpy | Self::RtrbThreads)
    }

    /// Whether messages can be sent one way, as many as there is time for, without losing any.
    pub fn streams(self) -> bool {
        !matches!(self, Self::Signal | Self::Futex | Self::Iceoryx2Event) && !self.is_called()
    }
}

/// What is used where there is nothing better: it stands beside parked rows, because all of it sleeps in the kernel.
pub const TOUR: [Mechanism; 10] = [
    Mechanism::SemaphoreSysv,
    Mechanism::SemaphorePosix,
    Mechanism::Pipe,
    Mechanism::UnixStream,
    Mechanism::UnixSeqpacket,
    Mechanism::Tcp,
    Mechanism::MqPosix,
    Mechanism::MqSysv,
    Mechanism::Eventfd,
    Mechanism::Signal,
];

/// Other libraries for the same work.
pub const RIVALS: [Mechanism; 11] = [
    Mechanism::Iceoryx2,
    Mechanism::Iceoryx2Call,
    Mechanism::Iceoryx2Event,
    Mechanism::ShmemIpc,
    Mechanism::IpcChannel,
    Mechanism::Ringfire,
    Mechanism::IpcRing,
    Mechanism::Tachyon,
    Mechanism::TachyonCall,
    Mechanism::Libqb,
    Mechanism::Aeron,
];

/// How a side waits for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Never sleeps
    Spin,
    /// Spins for a while, then sleeps
    Adaptive,
    /// Sleeps at once
    Park,
}

impl Mode {
    /// The library's word for it.
    pub fn strategy(self) -> WaitStrategy {
        match self {
            Self::Spin => WaitStrategy::Spin,
            Self::Adaptive => WaitStrategy::SpinThenPark,
            Self::Park => WaitStrategy::Park,
        }
    }

    /// As a reader of a table calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Spin => "spinning",
            Self::Adaptive => "adaptive",
            Self::Park => "parked",
        }
    }
}

/// The payloads that are measured unless others are asked for.
pub const SIZES: [usize; 7] = [8, 56, 64, 256, 1_024, 4_096, 65_536];

/// The payloads of calls that are measured unless others are asked for. With the header of a session 40 bytes are the most
/// that share their cache line.
pub const CALL_SIZES: [usize; 4] = [8, 40, 1_024, 65_536];

/// The largest payload of a message that is measured.
pub const LARGEST: usize = 1 << 20;

/// The largest payload of a call: what a session accepts if nothing else is chosen.
pub const LARGEST_CALL: usize = 64 << 20;

/// The block of [`Mechanism::Memcpy`].
pub const BLOCK: usize = 65_536;

/// Everything that is to be measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Rounds of each mechanism and mode.
    pub rounds: usize,
    /// How long a cell takes in each round.
    pub cell: Duration,
    /// The payloads, in bytes.
    pub sizes: Vec<usize>,
    /// The payloads of calls, in bytes.
    pub call_sizes: Vec<usize>,
    /// The payloads at a pace, in bytes.
    pub paced_sizes: Vec<usize>,
    /// Round trips a second, for each a pace.
    pub rates: Vec<u32>,
    /// Messages a second one way, for each a pace.
    pub loads: Vec<u32>,
    /// Ours, in these modes.
    pub modes: Vec<Mode>,
    /// Whether `rtrb`, the bare futex and the copy are measured beside the parked modes too.
    pub baselines: bool,
    /// Whether calls are measured in the form for many threads too.
    pub shared_calls: bool,
    /// Whether everything else that the system offers is measured too.
    pub tour: bool,
    /// Whether other libraries are measured too.
    pub rivals: bool,
    /// Those of them that this program brings.
    pub brought: Brought,
    /// If there are any here, only these are measured, whatever is said above.
    pub only: Vec<Mechanism>,
    /// Whether the system calls of a round trip are counted.
    pub system_calls: bool,
    /// Whether to try for huge pages.
    pub huge_pages: bool,
}

/// The payload at a pace if no other is asked for: all mechanisms carry it.
pub const PACED_SIZE: usize = WORD;

/// The payload of what carries a word.
const WORD: usize = size_of::<u64>();

/// How messages follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Offer {
    /// Round trips one right after the other, then messages as fast as they go.
    AtOnce,
    /// So many round trips a second.
    Trips(u32),
    /// So many messages a second, one way.
    OneWay(u32),
}

impl Offer {
    /// So many a second; `None` if each follows the one before.
    pub fn pace(self) -> Option<u32> {
        match self {
            Self::AtOnce => None,
            Self::Trips(rate) | Self::OneWay(rate) => Some(rate),
        }
    }
}

/// A cell to be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Task {
    /// The payload, in bytes.
    pub size: usize,
    /// How messages follow each other.
    pub offer: Offer,
}

/// One mechanism in one mode: what a round measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subject {
    /// What carries.
    pub mechanism: Mechanism,
    /// How it waits.
    pub mode: Mode,
}

impl Subject {
    const fn new(mechanism: Mechanism, mode: Mode) -> Self {
        Self { mechanism, mode }
    }

    /// Whether it needs a core for each side.
    fn spins(self) -> bool {
        self.mode == Mode::Spin
    }
}

impl Plan {
    /// The subjects of a pass, in order. Without a core for each side those that spin are left out.
    pub fn subjects(&self, parallel: bool) -> Vec<Subject> {
        let modes = |mechanism: Mechanism| self.modes.iter().map(move |&mode| Subject::new(mechanism, mode));
        let mut subjects = vec![Subject::new(Mechanism::Floor, Mode::Spin)];
        subjects.extend(modes(Mechanism::Twinring));
        subjects.push(Subject::new(Mechanism::Futex, Mode::Park));
        subjects.extend(modes(Mechanism::TwinringCall));
        subjects.extend(modes(Mechanism::TwinringCallShared));
        subjects.push(Subject::new(Mechanism::RtrbThreads, Mode::Spin));
        subjects.push(Subject::new(Mechanism::Memcpy, Mode::Spin));
        subjects.extend(TOUR.map(|mechanism| Subject::new(mechanism, Mode::Park)));
        subjects.extend(RIVALS.into_iter().flat_map(modes).filter(|subject| self.brought.has(subject)));
        subjects.retain(|subject| self.wants(subject.mechanism) && (parallel || !subject.spins()));
        subjects
    }

    /// What is measured of a mechanism in a round.
    pub fn tasks(&self, mechanism: Mechanism) -> Vec<Task> {
        let word = [WORD];
        let (sizes, paced) = match mechanism {
            Mechanism::Futex => (&word[..], &word[..]),
            _ if mechanism.is_called() => (&self.call_sizes[..], &self.paced_sizes[..]),
            _ => (&self.sizes[..], &self.paced_sizes[..]),
        };
        let loads = if mechanism.streams() && !mechanism.is_called() { &self.loads[..] } else { &[] };
        let mut offers = vec![Offer::AtOnce];
        // An event has no room for the time at which it came.
        let rates = if mechanism == Mechanism::Iceoryx2Event { &[] } else { &self.rates[..] };
        offers.extend(rates.iter().map(|&rate| Offer::Trips(rate)));
        offers.extend(loads.iter().map(|&rate| Offer::OneWay(rate)));
        let of = |offer| if offer == Offer::AtOnce { sizes } else { paced };
        offers.into_iter().flat_map(|offer| of(offer).iter().map(move |&size| Task { size, offer })).collect()
    }

    /// Whether a mechanism was asked for.
    pub fn wants(&self, mechanism: Mechanism) -> bool {
        if !self.only.is_empty() {
            return self.only.contains(&mechanism);
        }
        match mechanism {
            Mechanism::Floor | Mechanism::Twinring | Mechanism::TwinringCall => true,
            Mechanism::TwinringCallShared => self.shared_calls,
            Mechanism::Futex => self.baselines || self.tour || self.modes.contains(&Mode::Park),
            Mechanism::Memcpy => self.baselines || self.tour,
            Mechanism::RtrbThreads => self.baselines,
            rival if rival.is_rival() => self.rivals,
            _ => self.tour,
        }
    }

    /// The payloads that are measured of calls alone, because no message is so large.
    ///
    /// # Errors
    ///
    /// If nothing is left to be measured.
    pub fn left_out(&self) -> Result<Vec<Refusal>, Failure> {
        let why = format!("messages are measured up to {LARGEST} bytes");
        let carries = |subject: &Subject| subject.mechanism.is_between_processes() && !subject.mechanism.is_called();
        let subjects = self.subjects(true);
        if self.sizes.is_empty() && subjects.iter().all(carries) {
            return Err(Failure::new(format!("{why}, calls up to {LARGEST_CALL}")));
        }
        let mut mechanisms: Vec<Mechanism> =
            subjects.iter().filter(|one| carries(one)).map(|one| one.mechanism).collect();
        // One after the other in each way of waiting.
        mechanisms.dedup();
        let too_large: Vec<usize> = self.call_sizes.iter().copied().filter(|&size| size > LARGEST).collect();
        let refused = |mechanism, size| Refusal { mechanism, size, why: why.clone() };
        let of = |mechanism| too_large.iter().map(move |&size| (mechanism, size));
        Ok(mechanisms
            .into_iter()
            .filter(|one| *one != Mechanism::Futex)
            .flat_map(of)
            .map(|(one, size)| refused(one, size))
            .collect())
    }

    /// The largest payload of a message, in bytes.
    pub fn largest(&self) -> usize {
        self.sizes.iter().chain(&self.paced_sizes).copied().max().unwrap_or(0)
    }

    /// The budget of a cell.
    pub fn budget(&self) -> Budget {
        Budget::new(self.cell)
    }

    /// The budget of the floor before and after each round: tens of thousands of steps.
    pub fn floor_budget(&self) -> Budget {
        Budget::new(self.cell / 3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(modes: &[Mode], baselines: bool) -> Plan {
        Plan {
            rounds: 1,
            cell: Duration::from_millis(1),
            sizes: SIZES.to_vec(),
            call_sizes: CALL_SIZES.to_vec(),
            paced_sizes: vec![PACED_SIZE],
            rates: Vec::new(),
            loads: Vec::new(),
            modes: modes.to_vec(),
            baselines,
            shared_calls: false,
            tour: false,
            rivals: false,
            brought: Brought::default(),
            only: Vec::new(),
            system_calls: false,
            huge_pages: false,
        }
    }

    #[test]
    fn the_bare_futex_stands_beside_parked_rows() {
        let futex = Subject::new(Mechanism::Futex, Mode::Park);
        assert!(plan(&[Mode::Park], false).subjects(true).contains(&futex));
        assert!(!plan(&[Mode::Spin], false).subjects(true).contains(&futex));
        assert!(plan(&[Mode::Spin], true).subjects(true).contains(&futex));
    }

    #[test]
    fn what_answers_every_message_has_no_load_and_what_carries_a_word_only_words() {
        let mut plan = plan(&[Mode::Park], true);
        (plan.sizes, plan.call_sizes) = (vec![64], vec![1024]);
        (plan.rates, plan.loads) = (vec![100], vec![100_000]);
        let task = |size, offer| Task { size, offer };
        let ours = [task(64, Offer::AtOnce), task(8, Offer::Trips(100)), task(8, Offer::OneWay(100_000))];
        assert_eq!(plan.tasks(Mechanism::Twinring), ours);
        assert_eq!(plan.tasks(Mechanism::TwinringCall), [task(1024, Offer::AtOnce), task(8, Offer::Trips(100))]);
        assert_eq!(plan.tasks(Mechanism::Futex), [task(8, Offer::AtOnce), task(8, Offer::Trips(100))]);
    }

    #[test]
    fn nothing_spins_without_a_core_for_each_side() {
        let subjects = plan(&[Mode::Spin, Mode::Adaptive, Mode::Park], true).subjects(false);
        assert!(subjects.iter().all(|subject| !subject.spins()), "{subjects:?}");
        assert_eq!(subjects.len(), 5);
    }

    #[test]
    fn the_tour_is_measured_if_asked_for_with_its_bounds() {
        let mut plan = plan(&[Mode::Spin], false);
        let (pipe, futex) = (Subject::new(Mechanism::Pipe, Mode::Park), Subject::new(Mechanism::Futex, Mode::Park));
        assert!(!plan.subjects(true).contains(&pipe));
        plan.tour = true;
        let subjects = plan.subjects(true);
        assert!(subjects.contains(&futex) && TOUR.iter().all(|&one| subjects.contains(&Subject::new(one, Mode::Park))));
        plan.only = vec![Mechanism::Pipe];
        assert_eq!(plan.subjects(true), [pipe]);
    }

    #[test]
    fn the_form_for_threads_is_measured_if_asked_for_and_others_can_be_left_out() {
        let mut plan = plan(&[Mode::Spin], true);
        let shared = Subject::new(Mechanism::TwinringCallShared, Mode::Spin);
        assert!(!plan.subjects(true).contains(&shared));
        plan.shared_calls = true;
        assert!(plan.subjects(true).contains(&shared));
        plan.only = vec![Mechanism::TwinringCall];
        assert_eq!(plan.subjects(true), [Subject::new(Mechanism::TwinringCall, Mode::Spin)]);
    }
}
