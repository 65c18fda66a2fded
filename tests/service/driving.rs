//! Driving a service: by threads, and by every kind of poll loop.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::unix::AsyncFd;
use twinring::{Selector, Service, ServiceOptions};

use crate::place::{ECHO, client_at, echoes, place, small};
use crate::waits::{LONG, until};

const CLIENTS: usize = 4;
const CALLS: usize = 50;

/// Clients that come, call and leave, while the test drives the service.
fn visitors(service: &Service) -> Vec<JoinHandle<()>> {
    let visit = |path: std::path::PathBuf| {
        let session = client_at(path);
        for call in 0..CALLS {
            let request = call.to_le_bytes();
            assert_eq!(session.call(ECHO.packed(), &request), Ok(request.to_vec()));
        }
    };
    let path = service.path();
    (0..CLIENTS).map(|_| path.to_owned()).map(|path| thread::spawn(move || visit(path))).collect()
}

fn bound() -> (tempfile::TempDir, Service) {
    let (directory, path) = place();
    let service = ServiceOptions::new().connection(small()).bind(path).expect("a service");
    echoes(&service);
    (directory, service)
}

/// Whether all have come, called and left.
fn is_done(service: &Service) -> bool {
    let counters = service.counters();
    (counters.left, counters.requests) == (CLIENTS as u64, (CLIENTS * CALLS) as u64)
}

fn join(visitors: Vec<JoinHandle<()>>) {
    visitors.into_iter().for_each(|visitor| visitor.join().expect("a visitor that was answered"));
}

/// Waits until it has something to do; fails if nothing comes.
fn await_readable(descriptor: impl AsFd) {
    let long = Timespec::try_from(LONG).expect("a time");
    let ready = poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], Some(&long)).expect("a poll");
    assert!(ready > 0, "nothing to dispatch in {LONG:?}");
}

#[test]
fn by_poll() {
    let (_directory, service) = bound();
    let visitors = visitors(&service);
    while !is_done(&service) {
        await_readable(&service);
        service.dispatch();
    }
    join(visitors);
}

#[test]
fn by_epoll_beside_another_descriptor() {
    let (_directory, service) = bound();
    let outer = epoll::create(CreateFlags::CLOEXEC).expect("an epoll instance");
    epoll::add(&outer, &service, EventData::new_u64(7), EventFlags::IN).expect("a descriptor that can be watched");
    let visitors = visitors(&service);
    let long = Timespec::try_from(LONG).expect("a time");
    while !is_done(&service) {
        let mut events = Vec::with_capacity(4);
        epoll::wait(&outer, rustix::buffer::spare_capacity(&mut events), Some(&long)).expect("a wait");
        assert_eq!(events.first().map(|event| event.data.u64()), Some(7), "nothing to dispatch in {LONG:?}");
        service.dispatch();
    }
    join(visitors);
}

#[test]
fn by_mio() {
    let (_directory, service) = bound();
    let mut mio = mio::Poll::new().expect("a poll");
    let descriptor = service.as_fd().as_raw_fd();
    let mut source = mio::unix::SourceFd(&descriptor);
    mio.registry().register(&mut source, mio::Token(1), mio::Interest::READABLE).expect("a source");
    let visitors = visitors(&service);
    let mut events = mio::Events::with_capacity(8);
    while !is_done(&service) {
        mio.poll(&mut events, Some(LONG)).expect("a wait");
        assert!(!events.is_empty(), "nothing to dispatch in {LONG:?}");
        // mio tells of edges: dispatch until there is no more.
        while is_readable(&service) {
            service.dispatch();
        }
    }
    join(visitors);
}

fn is_readable(service: &Service) -> bool {
    poll(&mut [PollFd::new(service, PollFlags::IN)], Some(&Timespec::default())).expect("a poll") > 0
}

#[test]
fn by_tokio() {
    let (_directory, service) = bound();
    let visitors = visitors(&service);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let driven = runtime.block_on(async {
        let descriptor = registered(service.as_fd());
        let driving = async {
            while !is_done(&service) {
                let mut ready = descriptor.readable().await.expect("a reactor that lives");
                service.dispatch();
                if !is_readable(&service) {
                    ready.clear_ready();
                }
            }
        };
        tokio::time::timeout(LONG, driving).await
    });
    driven.expect("something to dispatch");
    join(visitors);
}

#[allow(unsafe_code, reason = "tokio wants to be promised that the descriptor stays open")]
fn registered(descriptor: BorrowedFd<'_>) -> AsyncFd<BorrowedFd<'_>> {
    // SAFETY: it is borrowed, so the service that owns it cannot close it while it is registered.
    unsafe { AsyncFd::register(descriptor) }.expect("a descriptor of a reactor")
}

#[test]
fn by_threads_that_linger_and_threads_that_do_not() {
    for (threads, linger) in [(1, Duration::ZERO), (1, Duration::from_millis(1)), (3, Duration::from_millis(1))] {
        let (_directory, path) = place();
        let service = ServiceOptions::new().connection(small()).linger(linger).bind(path).expect("a service");
        echoes(&service);
        service.start(threads).expect("threads");
        join(visitors(&service));
        until("all to have left", || is_done(&service));
    }
}

#[test]
fn with_nothing_to_do_the_descriptor_is_silent() {
    let (_directory, service) = bound();
    let session = {
        let path = service.path().to_owned();
        let session = thread::spawn(move || {
            let session = client_at(path);
            assert_eq!(session.call(ECHO.packed(), b"once"), Ok(b"once".to_vec()));
            session
        });
        while service.counters().requests == 0 {
            await_readable(&service);
            service.dispatch();
        }
        session.join().expect("a client that was answered")
    };
    // What is still to be armed, and the deadlines of its handshake and hello.
    let began = Instant::now();
    let mut rounds = 0;
    while began.elapsed() < Duration::from_secs(3) {
        let rest = Timespec::try_from(Duration::from_millis(500)).expect("a time");
        if poll(&mut [PollFd::new(&service, PollFlags::IN)], Some(&rest)).expect("a poll") > 0 {
            service.dispatch();
            rounds += 1;
        }
    }
    assert!(rounds < 10, "{rounds} rounds with nothing to do");
    drop(session);
    await_readable(&service);
}

#[test]
fn a_client_that_floods_gets_its_turns_and_no_more() {
    let (_directory, path) = place();
    let order = Arc::new(Mutex::new(Vec::new()));
    let service = ServiceOptions::with_data(|newcomer| newcomer.id()).messages_a_turn(4).connection(small());
    let service = service.bind(path).expect("a service");
    let note = Arc::clone(&order);
    service.on_event(Selector::new(0, 1), move |client, _, _| note.lock().expect("no panic").push(*client.data()));
    let path = service.path().to_owned();
    let (tell, both) = std::sync::mpsc::channel();
    let clients = thread::spawn(move || {
        let (first, second) = (client_at(path.clone()), client_at(path));
        // Both are there, and all of this lies in their rings before anybody looks.
        both.recv().expect("a word");
        // Over a socket what is sent first comes first: who floods must not have its turns while the other's are on their way.
        for _ in 0..8 {
            second.notify(1, b"quiet").expect("room");
        }
        for _ in 0..100 {
            first.notify(1, b"flood").expect("room");
        }
        (first, second)
    });
    while service.counters().connected < 2 {
        await_readable(&service);
        service.dispatch();
    }
    tell.send(()).expect("clients");
    let _clients = clients.join().expect("clients");
    while order.lock().expect("no panic").len() < 108 {
        await_readable(&service);
        service.dispatch();
    }
    let order = order.lock().expect("no panic");
    let quiet: Vec<_> = (0..108).filter(|&at| order[at] == 2).collect();
    assert_eq!(quiet.len(), 8, "the second one's: {order:?}");
    // Both have every other turn of four: its eight are among the next sixteen or so.
    assert!(quiet[7] < 24, "it had to wait: {order:?}");
}
