//! `twinring attach`: talking to the service of a running process.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;

use twinring::{LiveEndpoint, Selector};

use crate::args::Attach;
use crate::failure::{Context, Failure};
use crate::list::ask;

/// Prints what the service of a process says of itself, or what it answers to one call.
///
/// # Errors
///
/// If the process has no service, or several and none was chosen, or there is no reply.
pub fn run(attach: &Attach) -> Result<(), Failure> {
    let endpoint = find(attach)?;
    let selector = attach.selector.map_or(Selector::ABOUT, |selector| selector.0);
    let request = attach.data.as_deref().map(OsStrExt::as_bytes).unwrap_or_default();
    let reply = ask(&endpoint, selector, request)?;
    let mut out = io::stdout().lock();
    out.write_all(&reply).and_then(|()| out.flush()).while_doing(|| "could not write to standard output".to_owned())
}

fn find(attach: &Attach) -> Result<LiveEndpoint, Failure> {
    let pid = attach.pid;
    let live = twinring::live_endpoints().while_doing(|| "could not list the endpoints".to_owned())?;
    let chosen = |endpoint: &LiveEndpoint| attach.name.as_ref().is_none_or(|name| *name == endpoint.name);
    let of_process = live.into_iter().filter(|endpoint| endpoint.pid == Some(pid) && chosen(endpoint));
    let (mut found, others): (Vec<_>, Vec<_>) = of_process.partition(|endpoint| endpoint.is_service);
    match (found.pop(), &found[..]) {
        (Some(endpoint), []) => Ok(endpoint),
        (None, _) => Err(nothing(pid, &others)),
        (Some(last), others) => {
            let names: Vec<_> = others.iter().chain([&last]).map(|endpoint| endpoint.name.as_str()).collect();
            Err(Failure::new(format!("process {pid} has several services: choose with --name: {}", names.join(", "))))
        }
    }
}

/// Why a process cannot be asked that listens only there.
fn nothing(pid: u32, listening: &[LiveEndpoint]) -> Failure {
    Failure::new(match listening {
        [] => format!("process {pid} listens nowhere here: `twinring list` shows who does"),
        [endpoint, ..] => format!(
            "what listens at {} is no service: expected a process that `twinring list` shows with a number of connections",
            endpoint.name
        ),
    })
}
