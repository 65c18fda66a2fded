//! A receiver in a loop around `poll(2)`, as any event loop would drive it.
//!
//! `cargo run --example poll`

use std::error::Error;
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use twinring::{End, Readiness, TryRecvError};

fn main() -> Result<(), Box<dyn Error>> {
    let (here, there) = twinring::pair()?;
    let (mut sender, _) = there.split();
    let (_, mut receiver) = here.split();
    let sending = thread::spawn(move || (1..=5).try_for_each(|number: u32| sender.send(&number.to_le_bytes())));
    loop {
        // Take what there is, then ask to be told of more, then wait.
        match receiver.try_recv() {
            Ok(message) => {
                println!("received {:?}", message.to_vec());
                continue;
            }
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Ended(End::Closed)) => break,
            Err(other) => return Err(other.into()),
        }
        if receiver.arm()? == Readiness::Armed {
            poll(&mut [PollFd::new(&receiver, PollFlags::IN)], None)?;
            println!("the descriptor became readable");
        }
    }
    println!("the sender has closed its end");
    Ok(sending.join().expect("the sender does not panic")?)
}
