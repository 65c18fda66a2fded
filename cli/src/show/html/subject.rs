//! How a mechanism looks on the page: what it is called, and to which family of colours it belongs.

use crate::measure::plan::{Mechanism, Mode};
use crate::measure::summary::Row;
use crate::show::table;

/// A mechanism in one mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    mechanism: Mechanism,
    mode: Mode,
}

/// How much of the reader's attention something is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// Ours: strong colours, one for each mode.
    Ours,
    /// What it is compared with: muted ones.
    Other,
    /// What nobody can beat: a dashed grey line.
    Bound,
}

impl From<&Row> for Subject {
    fn from(row: &Row) -> Self {
        Self::new(row.mechanism, row.mode)
    }
}

impl Subject {
    /// This one.
    pub fn new(mechanism: Mechanism, mode: Mode) -> Self {
        Self { mechanism, mode }
    }

    /// One word, the same in every plot.
    pub fn key(self) -> String {
        format!("{:?}-{:?}", self.mechanism, self.mode).to_lowercase()
    }

    /// How it is called beside other mechanisms.
    pub fn name(self) -> String {
        match self.mechanism {
            Mechanism::Twinring => format!("twinring, {}", self.mode.word()),
            Mechanism::TwinringCall => format!("twinring call, {}", self.mode.word()),
            Mechanism::TwinringCallShared => format!("twinring shared call, {}", self.mode.word()),
            _ => table::name(self.mechanism, self.mode).to_owned(),
        }
    }

    /// The same where there is little room, and colours say what is ours.
    pub fn short_name(self) -> String {
        let name = self.name();
        name.strip_prefix("twinring ").map_or(name.clone(), str::to_owned)
    }

    /// Its rank.
    pub fn rank(self) -> Rank {
        match self.mechanism {
            Mechanism::Twinring | Mechanism::TwinringCall | Mechanism::TwinringCallShared => Rank::Ours,
            Mechanism::Floor | Mechanism::Futex | Mechanism::Memcpy => Rank::Bound,
            _ => Rank::Other,
        }
    }

    /// The classes that give it its colour and weight.
    pub fn class(self) -> String {
        match self.rank() {
            Rank::Ours if self.is_shared() => format!("ours shared {}", self.mode.word()),
            Rank::Ours => format!("ours {}", self.mode.word()),
            Rank::Bound => "bound".to_owned(),
            Rank::Other => format!("other {}", self.family()),
        }
    }

    /// Whether it is what it is for many threads.
    fn is_shared(self) -> bool {
        self.mechanism == Mechanism::TwinringCallShared
    }

    /// What is of one kind has one colour; its members differ by their points.
    fn family(self) -> &'static str {
        match self.mechanism {
            Mechanism::UnixStream | Mechanism::UnixSeqpacket | Mechanism::Tcp => "sockets",
            Mechanism::MqPosix | Mechanism::MqSysv => "queues",
            Mechanism::SemaphoreSysv | Mechanism::SemaphorePosix => "semaphores",
            Mechanism::Pipe | Mechanism::Eventfd | Mechanism::Signal => "kernel",
            Mechanism::Iceoryx2 | Mechanism::Iceoryx2Call | Mechanism::Iceoryx2Event => "iceoryx",
            _ => "libraries",
        }
    }

    /// The shape of its points.
    pub fn shape(self) -> Shape {
        match self.mechanism {
            _ if self.is_shared() => Shape::Diamond,
            Mechanism::UnixSeqpacket | Mechanism::MqSysv | Mechanism::SemaphoreSysv | Mechanism::Eventfd => {
                Shape::Square
            }
            Mechanism::Iceoryx2Call | Mechanism::Tachyon | Mechanism::TachyonCall => Shape::Square,
            Mechanism::Iceoryx2Event | Mechanism::Ringfire | Mechanism::IpcRing => Shape::Diamond,
            Mechanism::Tcp | Mechanism::Signal | Mechanism::ShmemIpc | Mechanism::IpcChannel => Shape::Triangle,
            _ => Shape::Circle,
        }
    }
}

/// What a point looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Round.
    Circle,
    /// On its side.
    Square,
    /// On its corner.
    Diamond,
    /// Pointing up.
    Triangle,
}

impl Shape {
    /// Its outline around a point, as the data of a path.
    pub fn outline(self, x: f64, y: f64, radius: f64) -> String {
        let (r, d) = (radius, 2.0 * radius);
        match self {
            Self::Circle => format!("M{:.1} {y:.1}a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0 -{d} 0z", x - r),
            Self::Square => format!("M{:.1} {:.1}h{d}v{d}h-{d}z", x - r, y - r),
            Self::Diamond => format!("M{x:.1} {:.1}l{r} {r}l-{r} {r}l-{r} -{r}z", y - r),
            Self::Triangle => format!("M{x:.1} {:.1}l{r} {d}h-{d}z", y - 1.2 * r),
        }
    }
}
