//! What is used of libqb's C interface (`qb/qbipcs.h`, `qb/qbipcc.h`, `qb/qbloop.h` of version 2.0), made safe.
//!
//! The library's callbacks have no place for this side's own data where a loop is asked for, so the loop, the request that came and
//! who sent it stand in cells of the thread that runs the loop. There is one server at a time, and it never leaves its thread.
#![allow(unsafe_code, reason = "calls into a C library")]

use std::cell::{Cell, RefCell};
use std::ffi::{CString, c_char, c_int, c_void};
use std::io;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use twinring_cli::failure::{Context, Failure};

/// The longer one of the two headers with which the library has requests and responses begin: an id, a size, an error, each in 8
/// bytes.
pub const HEADER: usize = 24;

/// `QB_IPC_SHM`.
const SHARED_MEMORY: c_int = 1;

/// `QB_IPCS_RATE_FAST`.
const FAST: c_int = 0;

type Dispatch = unsafe extern "C" fn(i32, i32, *mut c_void) -> i32;
type Job = unsafe extern "C" fn(*mut c_void);

/// `struct qb_ipcs_service_handlers`.
#[repr(C)]
struct ServiceHandlers {
    accept: extern "C" fn(*mut c_void, u32, u32) -> i32,
    created: Option<extern "C" fn(*mut c_void)>,
    process: unsafe extern "C" fn(*mut c_void, *const u8, usize) -> i32,
    closed: Option<extern "C" fn(*mut c_void) -> i32>,
    destroyed: Option<extern "C" fn(*mut c_void)>,
}

/// `struct qb_ipcs_poll_handlers`.
#[repr(C)]
struct PollHandlers {
    job_add: unsafe extern "C" fn(c_int, *mut c_void, Job) -> i32,
    dispatch_add: unsafe extern "C" fn(c_int, i32, i32, *mut c_void, Dispatch) -> i32,
    dispatch_mod: unsafe extern "C" fn(c_int, i32, i32, *mut c_void, Dispatch) -> i32,
    dispatch_del: unsafe extern "C" fn(i32) -> i32,
}

#[link(name = "qb")]
unsafe extern "C" {
    fn qb_loop_create() -> *mut c_void;
    fn qb_loop_destroy(main_loop: *mut c_void);
    fn qb_loop_run(main_loop: *mut c_void);
    fn qb_loop_stop(main_loop: *mut c_void);
    fn qb_loop_job_add(main_loop: *mut c_void, priority: c_int, data: *mut c_void, job: Job) -> i32;
    fn qb_loop_poll_add(m: *mut c_void, priority: c_int, fd: i32, events: i32, data: *mut c_void, f: Dispatch) -> i32;
    fn qb_loop_poll_mod(m: *mut c_void, priority: c_int, fd: i32, events: i32, data: *mut c_void, f: Dispatch) -> i32;
    fn qb_loop_poll_del(main_loop: *mut c_void, fd: i32) -> i32;

    fn qb_ipcs_create(name: *const c_char, id: i32, kind: c_int, handlers: *const ServiceHandlers) -> *mut c_void;
    fn qb_ipcs_poll_handlers_set(service: *mut c_void, handlers: *const PollHandlers);
    fn qb_ipcs_request_rate_limit(service: *mut c_void, rate: c_int);
    fn qb_ipcs_run(service: *mut c_void) -> i32;
    fn qb_ipcs_destroy(service: *mut c_void);
    fn qb_ipcs_response_send(connection: *mut c_void, data: *const u8, size: usize) -> isize;

    fn qb_ipcc_connect(name: *const c_char, longest: usize) -> *mut c_void;
    fn qb_ipcc_disconnect(connection: *mut c_void);
    fn qb_ipcc_send(connection: *mut c_void, data: *const u8, size: usize) -> isize;
    fn qb_ipcc_recv(connection: *mut c_void, data: *mut u8, size: usize, milliseconds: i32) -> isize;
}

thread_local! {
    static LOOP: Cell<*mut c_void> = const { Cell::new(ptr::null_mut()) };
    static CALLER: Cell<*mut c_void> = const { Cell::new(ptr::null_mut()) };
    static REQUEST: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A message of `payload`, in the room that `message` has.
pub fn framed<'a>(message: &'a mut [u8], payload: &[u8]) -> &'a [u8] {
    let length = HEADER + payload.len();
    message[..8].copy_from_slice(&1_u64.to_ne_bytes());
    message[8..16].copy_from_slice(&(length as u64).to_ne_bytes());
    message[16..HEADER].fill(0);
    message[HEADER..length].copy_from_slice(payload);
    &message[..length]
}

/// What a call of the library returns: a length, or an error below zero.
fn checked(returned: isize, doing: &str) -> Result<usize, Failure> {
    let error = |_| io::Error::from_raw_os_error(i32::try_from(-returned).unwrap_or(0));
    usize::try_from(returned).map_err(error).while_doing(|| format!("libqb could not {doing}"))
}

fn text(name: &str) -> Result<CString, Failure> {
    CString::new(name).while_doing(|| "a name for libqb".to_owned())
}

/// The side that answers.
pub struct Server {
    service: NonNull<c_void>,
    main_loop: NonNull<c_void>,
    /// It stays on the thread whose cells it uses.
    _here: PhantomData<*mut ()>,
}

static SERVICE: ServiceHandlers = ServiceHandlers { accept, created: None, process, closed: None, destroyed: None };

static POLL: PollHandlers = PollHandlers { job_add, dispatch_add, dispatch_mod, dispatch_del };

impl Server {
    /// Starts a server of that name on this thread.
    pub fn start(name: &str) -> Result<Self, Failure> {
        let name = text(name)?;
        // SAFETY: The call takes nothing.
        let main_loop = NonNull::new(unsafe { qb_loop_create() }).ok_or_else(|| Failure::new("libqb gave no loop"))?;
        LOOP.set(main_loop.as_ptr());
        // SAFETY: The name lives through the call, and the handlers for ever.
        let service = unsafe { qb_ipcs_create(name.as_ptr(), 0, SHARED_MEMORY, &raw const SERVICE) };
        let service = NonNull::new(service).ok_or_else(|| Failure::new("libqb gave no service"))?;
        let server = Self { service, main_loop, _here: PhantomData };
        // SAFETY: The service was created above, and the handlers live for ever.
        unsafe { qb_ipcs_poll_handlers_set(service.as_ptr(), &raw const POLL) };
        // SAFETY: The service was created above.
        unsafe { qb_ipcs_request_rate_limit(service.as_ptr(), FAST) };
        // SAFETY: The service was created above, and the loop that its handlers use stands in this thread's cell.
        let running = unsafe { qb_ipcs_run(service.as_ptr()) };
        checked(running as isize, "run a service").map(|_| server)
    }

    /// Runs the loop until there is a request, and copies it.
    pub fn request(&self, buffer: &mut [u8]) -> Result<usize, Failure> {
        REQUEST.with_borrow_mut(Vec::clear);
        while REQUEST.with_borrow(Vec::is_empty) {
            // SAFETY: The loop lives as long as the server, and nothing else runs it.
            unsafe { qb_loop_run(self.main_loop.as_ptr()) };
        }
        REQUEST.with_borrow(|request| {
            let payload = request.get(HEADER..).unwrap_or_default();
            buffer[..payload.len()].copy_from_slice(payload);
            Ok(payload.len())
        })
    }

    /// Answers the last request.
    pub fn respond(&self, message: &[u8]) -> Result<(), Failure> {
        let caller = CALLER.get();
        if caller.is_null() {
            return Err(Failure::new("nobody has called by libqb"));
        }
        // SAFETY: The library keeps the connection that has just sent a request, until its loop runs again; the message is read
        // within its length.
        let sent = unsafe { qb_ipcs_response_send(caller, message.as_ptr(), message.len()) };
        checked(sent, "respond").map(drop)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        CALLER.set(ptr::null_mut());
        // SAFETY: The service was created by `start` and is destroyed once; its loop still lives.
        unsafe { qb_ipcs_destroy(self.service.as_ptr()) };
        LOOP.set(ptr::null_mut());
        // SAFETY: The loop was created by `start`, is destroyed once, and is in no cell any more.
        unsafe { qb_loop_destroy(self.main_loop.as_ptr()) };
    }
}

extern "C" fn accept(_connection: *mut c_void, _user: u32, _group: u32) -> i32 {
    0
}

/// Keeps a request, and ends the loop.
unsafe extern "C" fn process(connection: *mut c_void, data: *const u8, size: usize) -> i32 {
    CALLER.set(connection);
    // SAFETY: The library calls this with a message of `size` bytes that it keeps until this returns.
    let message = unsafe { std::slice::from_raw_parts(data, size) };
    REQUEST.with_borrow_mut(|request| message.clone_into(request));
    // SAFETY: This is called by the loop of this thread, which therefore lives.
    unsafe { qb_loop_stop(LOOP.get()) };
    0
}

unsafe extern "C" fn job_add(priority: c_int, data: *mut c_void, job: Job) -> i32 {
    // SAFETY: The cell holds this thread's loop while there is a service, and only a service calls this.
    unsafe { qb_loop_job_add(LOOP.get(), priority, data, job) }
}

unsafe extern "C" fn dispatch_add(priority: c_int, fd: i32, events: i32, data: *mut c_void, f: Dispatch) -> i32 {
    // SAFETY: As for `job_add`.
    unsafe { qb_loop_poll_add(LOOP.get(), priority, fd, events, data, f) }
}

unsafe extern "C" fn dispatch_mod(priority: c_int, fd: i32, events: i32, data: *mut c_void, f: Dispatch) -> i32 {
    // SAFETY: As for `job_add`.
    unsafe { qb_loop_poll_mod(LOOP.get(), priority, fd, events, data, f) }
}

unsafe extern "C" fn dispatch_del(fd: i32) -> i32 {
    // SAFETY: As for `job_add`.
    unsafe { qb_loop_poll_del(LOOP.get(), fd) }
}

/// The side that calls.
pub struct Client(NonNull<c_void>);

impl Client {
    /// Connects to the server of that name, for messages of that many bytes, headers included.
    pub fn connect(name: &str, longest: usize) -> Result<Self, Failure> {
        let name = text(name)?;
        // SAFETY: The name lives through the call.
        let connection = NonNull::new(unsafe { qb_ipcc_connect(name.as_ptr(), longest) });
        let error = io::Error::last_os_error();
        connection.map(Self).ok_or(error).while_doing(|| "libqb could not connect".to_owned())
    }

    /// Sends a request.
    pub fn send(&self, message: &[u8]) -> Result<(), Failure> {
        // SAFETY: The connection lives as long as this, and the message is read within its length.
        let sent = unsafe { qb_ipcc_send(self.0.as_ptr(), message.as_ptr(), message.len()) };
        checked(sent, "send a request").map(drop)
    }

    /// Waits for a response and tells its length.
    pub fn receive(&self, message: &mut [u8]) -> Result<usize, Failure> {
        // SAFETY: The connection lives as long as this, and the message is written within its length.
        let came = unsafe { qb_ipcc_recv(self.0.as_ptr(), message.as_mut_ptr(), message.len(), -1) };
        checked(came, "receive a response")
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // SAFETY: The connection was made by `connect`, and this is its only end.
        unsafe { qb_ipcc_disconnect(self.0.as_ptr()) };
    }
}
