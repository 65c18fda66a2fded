//! Where a sweep plays: what both of its processes are told by their environment.

use std::ffi::OsString;
use std::path::PathBuf;

use twinring::{Connection, Listener, Options, Transport, WaitStrategy};

use crate::process;
use crate::waits::{LONG, strategy};

/// One sweep: what the victim does, how the survivor waits, who listens.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub scene: &'static str,
    pub wait: WaitStrategy,
    pub transport: Transport,
    pub victim_listens: bool,
    /// Killed only as it enters and leaves the kernel, and at instructions between: what executes very many takes long.
    pub by_calls: bool,
}

impl Setting {
    /// The victim connects, and the survivor sleeps, over shared memory.
    pub fn of(scene: &'static str) -> Self {
        let (wait, transport) = (WaitStrategy::Park, Transport::SharedMemory);
        Self { scene, wait, transport, victim_listens: false, by_calls: false }
    }

    pub fn waiting(self, wait: WaitStrategy) -> Self {
        Self { wait, ..self }
    }

    pub fn over_socket(self) -> Self {
        Self { transport: Transport::Socket, ..self }
    }

    pub fn victim_listens(self) -> Self {
        Self { victim_listens: true, ..self }
    }

    pub fn by_calls(self) -> Self {
        Self { by_calls: true, ..self }
    }

    /// As arguments of a second process.
    pub fn arguments(&self) -> [(&'static str, OsString); 5] {
        [
            ("SCENE", self.scene.into()),
            ("WAIT", format!("{:?}", self.wait).into()),
            ("TRANSPORT", format!("{:?}", self.transport).into()),
            ("LISTENS", u8::from(self.victim_listens).to_string().into()),
            ("BY_CALLS", u8::from(self.by_calls).to_string().into()),
        ]
    }
}

/// A setting, with the files of one sweep: as a second process has it.
#[derive(Clone, Debug)]
pub struct Place {
    pub scene: String,
    pub wait: WaitStrategy,
    pub transport: Transport,
    pub victim_listens: bool,
    pub by_calls: bool,
    pub directory: PathBuf,
}

impl Place {
    /// From the arguments of this process, in that directory.
    pub fn told(directory: PathBuf) -> Self {
        let text = |name| process::argument(name).into_string().expect("plain text");
        let transports = [Transport::SharedMemory, Transport::Socket];
        let transport = transports.into_iter().find(|known| format!("{known:?}") == text("TRANSPORT"));
        Self {
            scene: text("SCENE"),
            wait: strategy(&text("WAIT")),
            transport: transport.expect("a transport"),
            victim_listens: process::number("LISTENS") == 1,
            by_calls: process::number("BY_CALLS") == 1,
            directory,
        }
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.join("socket")
    }

    pub fn page(&self) -> PathBuf {
        self.directory.join("page")
    }

    /// What the survivor connects with.
    pub fn survivors(&self) -> Options {
        Options::new().ring_capacity(4096).transport(self.transport).wait(self.wait)
    }

    /// What the victim connects with. It sleeps, so that it has a descriptor to wait with before the stretch of interest.
    pub fn victims(&self, ring: usize) -> Options {
        Options::new().ring_capacity(ring).transport(self.transport).wait(WaitStrategy::Park)
    }

    /// The victim's connection to the survivor.
    pub fn meet(&self, ring: usize) -> Connection {
        let options = self.victims(ring);
        if self.victim_listens {
            self.listen(&options).accept_timeout(LONG).expect("the survivor")
        } else {
            options.connect(self.socket(), LONG).expect("the survivor")
        }
    }

    /// A listener at the sweep's endpoint; a killed one is replaced.
    pub fn listen(&self, options: &Options) -> Listener {
        options.bind(self.socket()).expect("a listener")
    }
}
