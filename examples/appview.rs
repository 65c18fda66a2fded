//! A viewed program and its viewer, as AppView has them: the viewer finds the program by its PID, and neither ever blocks
//! for the other. Requests and replies are JSON, in frames so small that replies split.
//!
//! Two processes: this program is viewed, and starts itself again as the viewer.

#[path = "appview/frames.rs"]
mod frames;

use std::collections::VecDeque;
use std::env;
use std::error::Error;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use twinring::{
    AcceptError, Connection, End, Endpoint, Listener, Receiver, Sender, TryRecvError, TrySendError, connect,
};

use frames::{Assembly, Way, split};

const PATIENCE: Duration = Duration::from_secs(10);

type AnyError = Box<dyn Error>;

fn main() -> Result<(), AnyError> {
    match env::args().nth(1) {
        None => be_viewed(),
        Some(pid) => view(Endpoint::of_pid("appview", pid.parse()?)),
    }
}

/// A connection of which nothing blocks: what finds no room waits here.
struct Line {
    sender: Sender,
    receiver: Receiver,
    outgoing: VecDeque<Vec<u8>>,
}

impl Line {
    fn new(connection: Connection) -> Self {
        let (sender, receiver) = connection.split();
        Self { sender, receiver, outgoing: VecDeque::new() }
    }

    /// Sends as many frames as there is room for.
    fn send_on(&mut self) -> Result<(), AnyError> {
        while let Some(frame) = self.outgoing.front() {
            match self.sender.try_send(frame) {
                Ok(()) => drop(self.outgoing.pop_front()),
                Err(TrySendError::Full) => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// A frame, if one has come.
    fn receive(&mut self) -> Result<Option<Vec<u8>>, AnyError> {
        match self.receiver.try_recv() {
            Ok(message) => Ok(Some(message.to_vec())),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Ended(end)) => Err(end.into()),
            Err(error) => Err(error.into()),
        }
    }
}

fn be_viewed() -> Result<(), AnyError> {
    let mut listener = Listener::bind(Endpoint::of_pid("appview", std::process::id()))?;
    let mut viewer = Command::new(env::current_exe()?).arg(std::process::id().to_string()).spawn()?;
    let (mut line, mut request) = (None, Assembly::of_request());
    let mut viewed = false;
    let mut work = 0_u64;
    while viewer.try_wait()?.is_none() || line.is_some() {
        // What the program is there for; the viewer must not stop it.
        work += 1;
        thread::sleep(Duration::from_micros(100));
        match &mut line {
            None => line = accept(&mut listener)?,
            Some(connected) => match turn(connected, &mut request, &mut viewed) {
                Err(error) if error.downcast_ref() == Some(&End::Closed) => line = None,
                result => result?,
            },
        }
    }
    report(viewer, work)
}

fn report(mut viewer: Child, work: u64) -> Result<(), AnyError> {
    println!("viewed: it went on meanwhile: {}, the viewer ended with {}", work > 10, viewer.wait()?);
    Ok(())
}

fn accept(listener: &mut Listener) -> Result<Option<Line>, AnyError> {
    match listener.accept_timeout(Duration::ZERO) {
        Ok(connection) => Ok(Some(Line::new(connection))),
        Err(AcceptError::Timeout) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Sends what there is room for, and takes at most one frame.
fn turn(line: &mut Line, request: &mut Assembly, viewed: &mut bool) -> Result<(), AnyError> {
    line.send_on()?;
    let Some(frame) = line.receive()? else { return Ok(()) };
    if let Some((uniq, body)) = request.take(&frame)? {
        *request = Assembly::of_request();
        let reply = answer(&body, viewed).to_string();
        line.outgoing.extend(split(Way::Reply, uniq, reply.as_bytes()));
    }
    Ok(())
}

/// Request 0 asks for the status, 1 for the configuration, 2 sets whether the program is viewed.
fn answer(body: &[u8], viewed: &mut bool) -> Value {
    let Ok(request) = serde_json::from_slice::<Value>(body) else { return json!({ "status": 400 }) };
    match request["req"].as_u64() {
        Some(0) => json!({ "status": 200, "viewed": *viewed }),
        Some(1) => {
            json!({ "status": 200, "cfg": { "sources": (0..20).map(|n| format!("source {n}")).collect::<Vec<_>>() } })
        }
        Some(2) => {
            *viewed = request["viewed"] == true;
            json!({ "status": 200 })
        }
        _ => json!({ "status": 501 }),
    }
}

fn view(endpoint: Endpoint) -> Result<(), AnyError> {
    let mut line = Line::new(connect(endpoint, PATIENCE)?);
    let mut ask = |uniq: u64, request: Value| -> Result<(), AnyError> {
        let (reply, frames) = ask(&mut line, uniq, &request)?;
        let more = if frames > 1 { "several frames" } else { "one frame" };
        println!("viewer: {request} -> status {}, {} bytes in {more}", reply["status"], reply.to_string().len());
        Ok(())
    };
    ask(1234, json!({ "req": 0 }))?;
    ask(1235, json!({ "req": 1 }))?;
    ask(1236, json!({ "req": 2, "viewed": true, "why": "a request that is longer than a frame".repeat(3) }))?;
    ask(1237, json!({ "req": 0 }))?;
    ask(1238, json!({ "req": 7 }))
}

/// A request and its reply, and in how many frames that came.
fn ask(line: &mut Line, uniq: u64, request: &Value) -> Result<(Value, usize), AnyError> {
    line.outgoing.extend(split(Way::Request, uniq, request.to_string().as_bytes()));
    let (mut reply, mut frames, began) = (Assembly::of_reply(uniq), 0, Instant::now());
    while began.elapsed() < PATIENCE {
        line.send_on()?;
        match line.receive()? {
            // A viewer with a screen would draw here.
            None => thread::sleep(Duration::from_micros(100)),
            Some(frame) => {
                frames += 1;
                if let Some((_, body)) = reply.take(&frame)? {
                    return Ok((serde_json::from_slice(&body)?, frames));
                }
            }
        }
    }
    Err(format!("no reply in {PATIENCE:?}").into())
}
