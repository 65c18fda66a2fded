//! Two processes without a name between them: the parent makes a pair of sockets, and the child that it starts inherits
//! one of them, as its standard input. So a broker talks to what it keeps in a sandbox.
//!
//! `cargo run --example inherited`

use std::error::Error;
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, io, process};

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use twinring::{End, RecvIntoError, accept_over, connect_over};

const PATIENCE: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn Error>> {
    if env::args().nth(1).as_deref() == Some("child") { child() } else { parent() }
}

/// Starts the child, sends it numbers, and prints what it makes of them.
fn parent() -> Result<(), Box<dyn Error>> {
    let (here, there) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    let mut child = Command::new("/proc/self/exe").arg("child").stdin(Stdio::from(there)).spawn()?;
    let connection = accept_over(here, PATIENCE)?;
    // The kernel's word, packet by packet: of the socket itself it only knows that this process made it.
    assert_eq!(connection.peer().pid, Some(child.id()));
    println!("process {} talks to its child, process {}", process::id(), child.id());

    let (mut sender, mut receiver) = connection.split();
    for number in [2_u64, 3, 1_000_003] {
        sender.send(&number.to_le_bytes())?;
        let mut square = [0; 8];
        receiver.recv_into(&mut square)?;
        println!("  the square of {number} is {}", u64::from_le_bytes(square));
    }
    // Waits until the child has received everything and left.
    sender.finish()?;
    println!("the child has left in order, with {}", child.wait()?);
    Ok(())
}

/// Squares what comes, until nothing more will.
fn child() -> Result<(), Box<dyn Error>> {
    let inherited = io::stdin().as_fd().try_clone_to_owned()?;
    let (mut sender, mut receiver) = connect_over(inherited, PATIENCE)?.split();
    loop {
        let mut number = [0; 8];
        match receiver.recv_into(&mut number) {
            Ok(_) => {}
            Err(RecvIntoError::Ended(End::Closed)) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        sender.send(&u64::from_le_bytes(number).wrapping_pow(2).to_le_bytes())?;
    }
}
