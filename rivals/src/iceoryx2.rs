//! iceoryx2, in its three ways.
//!
//! Its own benchmarks are the recommendation: who polls calls `receive` in a loop, one publisher and one subscriber a service, and
//! no history. Who sleeps does it on an event that is sent after the message, as its example of event-based communication has it.
//! Nothing may be lost here, so publishers retry until a full subscriber has room, instead of overwriting what it has not read.

pub mod call;
pub mod event;
pub mod publish;

use std::fs;
use std::path::PathBuf;

use ::iceoryx2::port::listener::Listener;
use ::iceoryx2::port::notifier::Notifier;
use ::iceoryx2::prelude::*;
use twinring_cli::failure::Failure;
use twinring_cli::measure::plan::Mode;

use crate::name::{BACK, CAPACITY, Name, THERE};

/// Which of the two processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Leader,
    Second,
}

impl Who {
    /// What this side sends by, and what it receives by.
    fn ways(self) -> [&'static str; 2] {
        match self {
            Self::Leader => [THERE, BACK],
            Self::Second => [BACK, THERE],
        }
    }
}

/// A node in a directory that nothing else uses, so that nothing else is found, and nothing is left.
struct Place {
    node: Node<ipc::Service>,
    name: Name,
    /// Removed after the node.
    _root: Option<Root>,
}

impl Place {
    fn new(name: Name, who: Who) -> Result<Self, Failure> {
        set_log_level(LogLevel::Fatal);
        let root = name.socket("iox");
        let path = root.to_str().unwrap_or("/tmp");
        let mut config = Config::default();
        config.global.set_root_path(&Path::new(path.as_bytes()).map_err(|error| said("directory", error))?);
        config.global.prefix = FileName::new(prefix(name).as_bytes()).map_err(|error| said("prefix", error))?;
        // Whoever waits for a signal here ends by it.
        let builder = NodeBuilder::new().config(&config).signal_handling_mode(SignalHandlingMode::Disabled);
        let node = builder.create::<ipc::Service>().map_err(|error| said("node", error))?;
        Ok(Self { node, name, _root: (who == Who::Leader).then(|| Root { directory: root, name }) })
    }

    fn service(&self, way: &str) -> Result<ServiceName, Failure> {
        ServiceName::new(&format!("{}/{way}", self.name)).map_err(|error| said("name", error))
    }
}

/// What the files of a name begin with.
fn prefix(name: Name) -> String {
    format!("{name}_")
}

/// What nodes leave even if they end in order (a word for all nodes there may ever be), and what killed ones leave: the leader
/// removes it as the last.
struct Root {
    directory: PathBuf,
    name: Name,
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
        let prefix = prefix(self.name);
        let ours = |file: &fs::DirEntry| file.file_name().to_string_lossy().starts_with(&prefix);
        for file in fs::read_dir("/dev/shm").into_iter().flatten().flatten().filter(ours) {
            let _ = fs::remove_file(file.path());
        }
    }
}

/// What an error of theirs was about.
#[cold]
fn said(what: &str, error: impl std::fmt::Debug) -> Failure {
    Failure::new(format!("iceoryx2 gave no {what}: {error:?}"))
}

/// How many messages a side buffers: as many bytes as a ring of ours.
fn depth(size: usize) -> usize {
    (CAPACITY / size).clamp(4, 1_024)
}

/// How a side waits, and wakes the other.
enum Bell {
    /// It polls.
    Spin,
    /// It sleeps until there is an event.
    Park(Box<Notifier<ipc::Service>>, Box<Listener<ipc::Service>>),
}

impl Bell {
    fn new(place: &Place, who: Who, mode: Mode) -> Result<Self, Failure> {
        if mode != Mode::Park {
            return Ok(Self::Spin);
        }
        let (notifier, listener) = bells(place, who)?;
        Ok(Self::Park(Box::new(notifier), Box::new(listener)))
    }

    /// Wakes the other side.
    #[inline]
    fn ring(&self) -> Result<(), Failure> {
        if let Self::Park(notifier, _) = self {
            notifier.notify()?;
        }
        Ok(())
    }

    /// Returns when there may be something.
    #[inline]
    fn wait(&self) -> Result<(), Failure> {
        match self {
            Self::Spin => std::hint::spin_loop(),
            Self::Park(_, listener) => {
                listener.blocking_wait(|_| {})?;
            }
        }
        Ok(())
    }

    /// Tries until it works.
    #[inline]
    fn until<T>(&self, mut attempt: impl FnMut() -> Result<Option<T>, Failure>) -> Result<T, Failure> {
        loop {
            if let Some(done) = attempt()? {
                return Ok(done);
            }
            self.wait()?;
        }
    }
}

/// An event each way.
fn bells(place: &Place, who: Who) -> Result<(Notifier<ipc::Service>, Listener<ipc::Service>), Failure> {
    let [out, into] = who.ways();
    let ring = event_service(place, out)?;
    let hear = event_service(place, into)?;
    let notifier = ring.notifier_builder().create().map_err(|error| said("notifier", error))?;
    let listener = hear.listener_builder().create().map_err(|error| said("listener", error))?;
    Ok((notifier, listener))
}

type EventService = ::iceoryx2::service::port_factory::event::PortFactory<ipc::Service>;

fn event_service(place: &Place, way: &str) -> Result<EventService, Failure> {
    let builder = place.node.service_builder(&place.service(way)?).event();
    builder.max_notifiers(1).max_listeners(1).open_or_create().map_err(|error| said("event", error))
}
