//! Several services behind one endpoint: calls, requests answered later, events, authorisation, data for each client.
//!
//! Two processes: this program serves, and starts itself again as the client.

use std::env;
use std::error::Error;
use std::io::IoSlice;
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use twinring::{
    Call, Credentials, Endpoint, Event, Failure, Selector, Service, ServiceOptions, Session, SessionOptions, Verdict,
    connect, handlers,
};

/// Service 1, the ledger: a number of each client's own.
const ADD: Selector = Selector::new(1, 1);
const TOTAL: Selector = Selector::new(1, 2);
/// Service 2, the workshop: what takes its time.
const REVERSE: Selector = Selector::new(2, 1);
/// Service 3, the news: clients subscribe by an event, and get others.
const SUBSCRIBE: Selector = Selector::new(3, 1);
const NEWS: Selector = Selector::new(3, 2);

const PATIENCE: Duration = Duration::from_secs(10);

/// What the service keeps for each client.
#[derive(Default)]
struct Account {
    total: Mutex<u64>,
    subscribed: Mutex<bool>,
}

fn main() -> Result<(), Box<dyn Error>> {
    match env::args().nth(1) {
        None => serve(),
        Some(pid) => visit(Endpoint::of_pid("selector-service", pid.parse()?)),
    }
}

fn serve() -> Result<(), Box<dyn Error>> {
    let own = Credentials::own();
    let options = ServiceOptions::with_data(|newcomer| {
        println!("service: client {} is process {}", newcomer.id(), newcomer.credentials().pid.unwrap_or_default());
        Account::default()
    });
    let options = options
        .authorise(move |who| match who.uid {
            Some(_) if who.uid == own.uid || who.gid == own.gid => Verdict::Accept,
            _ => Verdict::Refuse("only this user, and this group".into()),
        })
        .disconnected(|client, parting| println!("service: client {} has gone: {parting}", client.id()))
        .destroyed(|account| println!("service: its total was {}", account.total.into_inner().unwrap_or_default()));
    let service = options.bind(Endpoint::of_pid("selector-service", std::process::id()))?;
    register(&service);
    service.start(2)?;
    let status = Command::new(env::current_exe()?).arg(std::process::id().to_string()).status()?;
    println!("service: the visitor ended with {status}");
    println!("service: {} cut off", service.shutdown(PATIENCE));
    Ok(())
}

fn register(service: &Service<Account>) {
    service.handle(ADD, |request| {
        let Ok(bytes) = request.payload().try_into() else {
            return Err(Failure::new(format_args!("expected 8 bytes, came {}", request.payload().len())));
        };
        *request.data().total.lock().map_err(|_| Failure::new("a handler had panicked"))? += u64::from_le_bytes(bytes);
        Ok(())
    });
    service.handle(TOTAL, |request| {
        let total = *request.data().total.lock().map_err(|_| Failure::new("a handler had panicked"))?;
        request.reply().extend_from_slice(&total.to_le_bytes());
        Ok(())
    });
    service.handle(REVERSE, |request| {
        let text: Vec<u8> = request.payload().iter().rev().copied().collect();
        let responder = request.defer().ok_or_else(Failure::overloaded)?;
        // What takes long is done elsewhere: the dispatcher goes on.
        thread::spawn(move || responder.reply(&text));
        Ok(())
    });
    service.on_event(SUBSCRIBE, |client, _, _| {
        if let Ok(mut subscribed) = client.data().subscribed.lock() {
            *subscribed = true;
        }
        if let Err(error) = client.notify(NEWS, b"you are subscribed") {
            println!("service: {error}");
        }
    });
}

fn visit(endpoint: Endpoint) -> Result<(), Box<dyn Error>> {
    let (tell, news) = std::sync::mpsc::channel();
    let tell = Mutex::new(tell);
    let take = move |event: &mut Event<'_>| {
        if let Ok(tell) = tell.lock() {
            // Nobody listens any more when the visit is over.
            let _ = tell.send(String::from_utf8_lossy(event.payload()).into_owned());
        }
    };
    let nothing = |_: &mut Call<'_>| Err(Failure::no_selector());
    let options = SessionOptions::new().call_timeout(PATIENCE);
    let session = Session::new(connect(endpoint, PATIENCE)?, &options, handlers(nothing, take))?;

    for number in [40_u64, 2] {
        session.call(ADD.packed(), &number.to_le_bytes())?;
    }
    let total = session.call(TOTAL.packed(), b"")?;
    println!("visitor: the total is {}", u64::from_le_bytes(total.as_slice().try_into()?));
    let error = session.call(ADD.packed(), b"three").err();
    println!("visitor: {}", error.map_or_else(String::new, |error| error.to_string()));

    // Two requests under way at the same time, the second in parts that are not put together before they are sent.
    let first = session.begin(REVERSE.packed(), b"later")?;
    let second = session.call_vectored(REVERSE.packed(), &[IoSlice::new(b"in "), IoSlice::new(b"parts")])?;
    println!("visitor: {} {}", String::from_utf8(second)?, String::from_utf8(first.wait()?)?);

    session.notify(SUBSCRIBE.packed(), b"")?;
    println!("visitor: news: {}", news.recv_timeout(PATIENCE)?);
    let unknown = session.call(Selector::new(9, 9).packed(), b"").err();
    println!("visitor: {}", unknown.map_or_else(String::new, |error| error.to_string()));
    Ok(())
}
