//! A service and its visitor, both of tasks, in two processes.
//!
//! `cargo run --features tokio --example async_echo`

use std::env;
use std::error::Error;
use std::process::Command;
use std::time::Duration;

use twinring::asynchronous::{Service, ServiceRequest, Session, connect};
use twinring::{Selector, ServiceOptions, SessionOptions};

const NAME: &str = "async-echo";
const ECHO: Selector = Selector::new(1, 1);
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if env::args().nth(1).as_deref() == Some("visit") { runtime.block_on(visit()) } else { runtime.block_on(serve()) }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let service = Service::start(ServiceOptions::new().bind(NAME)?)?;
    // Each call is a task: one that waits holds up nobody.
    service.handle(ECHO, |request: ServiceRequest<()>| async move {
        let pause = request.payload().len() as u64;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        Ok(request.into_payload())
    });
    let mut visitor = Command::new(env::current_exe()?).arg("visit").spawn()?;
    let status = tokio::task::spawn_blocking(move || visitor.wait()).await??;
    println!("service: the visitor ended with {status}");
    println!("service: {} cut off", service.shutdown(PATIENCE).await);
    Ok(())
}

async fn visit() -> Result<(), Box<dyn Error>> {
    let session = Session::new(connect(NAME, PATIENCE).await?, &SessionOptions::new(), ())?;
    let call = |text: &'static str| session.call(ECHO.packed(), text.as_bytes());
    let (one, other) = tokio::join!(call("one after a while"), call("another"));
    println!("visitor: {}", String::from_utf8(one?)?);
    println!("visitor: {}", String::from_utf8(other?)?);
    // One that is dropped is cancelled: nobody waits for its reply.
    let late = tokio::time::timeout(Duration::from_millis(5), call("far too late to be waited for")).await;
    println!("visitor: waited for, in time: {}", late.is_ok());
    Ok(session.close().await?)
}
