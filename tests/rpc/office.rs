//! The interfaces of these tests, and who serves them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use serde::{Deserialize, Serialize};
use twinring::rpc::{Binding, Context, Schema, Server};

use crate::carriers::PATIENCE;
use crate::counting::asked;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub enum Shape {
    Nothing,
    Circle(Point, f64),
    Polygon { corners: Vec<Point>, label: Option<String> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum DivideError {
    ByZero,
    Overflow { of: i64 },
}

impl fmt::Display for DivideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for DivideError {}

/// A value that refuses to be written.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Stubborn(pub bool);

impl Serialize for Stubborn {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 { Err(serde::ser::Error::custom("it will not")) } else { serializer.serialize_bool(false) }
    }
}

impl Schema for Stubborn {
    const SCHEMA: &'static twinring::rpc::postcard_schema::schema::NamedType = bool::SCHEMA;
}

twinring::interface! {
    /// Sums, and what else an office does.
    pub trait Office, client OfficeClient {
        /// The sum.
        fn add(a: i64, b: i64) -> i64;
        /// The quotient.
        fn divide(dividend: i64, divisor: i64) -> Result<i64, DivideError>;
        /// The same shape, moved.
        fn moved(shape: Shape, by: Point) -> Shape;
        /// How often each byte occurs: the argument is not copied.
        fn census(bytes: &[u8]) -> BTreeMap<u8, u64>;
        /// That many bytes.
        fn bytes(length: u64) -> Vec<u8>;
        /// Neither takes nor returns anything.
        fn nothing();
        /// Panics.
        fn panics(message: &str);
        /// What it gets.
        fn stubborn(value: Stubborn, insist: bool) -> Stubborn;
        /// Returns once it is let go.
        fn wait_to_be_let_go();
        /// Notes a line; there is no answer.
        oneway fn note(line: &str);
        /// A note that cannot be taken.
        oneway fn panic_quietly();
        /// The lines that were noted.
        fn notes() -> Vec<String>;
        /// Calls the caller back, this often in turns.
        fn bounce(times: u32) -> Result<u32, String>;
        /// How often the thread that answers has asked the allocator for memory.
        fn allocations() -> u64;
    }
}

twinring::interface! {
    /// Another one, beside it.
    pub trait Clerk, client ClerkClient {
        fn name() -> String;
        fn add(a: u8, b: u8) -> u8;
    }
}

/// Who serves both.
#[derive(Default)]
pub struct Desk {
    pub lines: Mutex<Vec<String>>,
    pub gate: Gate,
    /// The caller's office, once it was bound.
    callers: Mutex<Option<Binding<dyn Office>>>,
}

/// What a procedure waits at.
#[derive(Default)]
pub struct Gate {
    open: Mutex<(bool, usize)>,
    changed: Condvar,
}

impl Gate {
    /// Waits until it is open.
    pub fn pass(&self) {
        let mut state = self.open.lock().unwrap();
        state.1 += 1;
        self.changed.notify_all();
        let (state, late) = self.changed.wait_timeout_while(state, PATIENCE, |state| !state.0).unwrap();
        assert!(!late.timed_out(), "nobody opened the gate");
        drop(state);
    }

    /// Waits until so many have come.
    pub fn await_arrivals(&self, many: usize) {
        let state = self.open.lock().unwrap();
        let (_state, late) = self.changed.wait_timeout_while(state, PATIENCE, |state| state.1 < many).unwrap();
        assert!(!late.timed_out(), "nobody came to the gate");
    }

    pub fn open(&self) {
        self.open.lock().unwrap().0 = true;
        self.changed.notify_all();
    }
}

impl Office for Desk {
    fn add(&self, _: &mut Context<'_>, a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }

    fn divide(&self, _: &mut Context<'_>, dividend: i64, divisor: i64) -> Result<i64, DivideError> {
        match divisor {
            0 => Err(DivideError::ByZero),
            _ => dividend.checked_div(divisor).ok_or(DivideError::Overflow { of: dividend }),
        }
    }

    fn moved(&self, _: &mut Context<'_>, mut shape: Shape, by: Point) -> Shape {
        let move_one = |point: &mut Point| *point = Point { x: point.x + by.x, y: point.y + by.y };
        match &mut shape {
            Shape::Nothing => {}
            Shape::Circle(center, _) => move_one(center),
            Shape::Polygon { corners, .. } => corners.iter_mut().for_each(move_one),
        }
        shape
    }

    fn census(&self, _: &mut Context<'_>, bytes: &[u8]) -> BTreeMap<u8, u64> {
        let mut census = BTreeMap::new();
        bytes.iter().for_each(|&byte| *census.entry(byte).or_default() += 1);
        census
    }

    fn bytes(&self, _: &mut Context<'_>, length: u64) -> Vec<u8> {
        (0..length).map(|number| number as u8).collect()
    }

    fn nothing(&self, _: &mut Context<'_>) {}

    fn panics(&self, _: &mut Context<'_>, message: &str) {
        panic!("{message}");
    }

    fn stubborn(&self, _: &mut Context<'_>, _value: Stubborn, insist: bool) -> Stubborn {
        Stubborn(insist)
    }

    fn wait_to_be_let_go(&self, _: &mut Context<'_>) {
        self.gate.pass();
    }

    fn note(&self, _: &mut Context<'_>, line: &str) {
        self.lines.lock().unwrap().push(line.to_owned());
    }

    fn panic_quietly(&self, _: &mut Context<'_>) {
        panic!("quietly");
    }

    fn notes(&self, _: &mut Context<'_>) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    fn bounce(&self, context: &mut Context<'_>, times: u32) -> Result<u32, String> {
        if times == 0 {
            return Ok(0);
        }
        let bound = self.callers.lock().unwrap().clone();
        let mut caller = match bound {
            Some(binding) => OfficeClient::bound(context, binding),
            None => OfficeClient::bind(context).map_err(|error| error.to_string())?,
        };
        *self.callers.lock().unwrap() = Some(caller.stub().binding().clone());
        caller.bounce(times - 1).map(|depth| depth + 1).map_err(|error| error.to_string())
    }

    fn allocations(&self, _: &mut Context<'_>) -> u64 {
        asked()
    }
}

impl Clerk for Desk {
    fn name(&self, _: &mut Context<'_>) -> String {
        thread::current().name().unwrap_or("nobody").to_owned()
    }

    fn add(&self, _: &mut Context<'_>, a: u8, b: u8) -> u8 {
        a.wrapping_add(b)
    }
}

/// An office alone.
pub fn office(desk: &Arc<Desk>) -> Server {
    Server::new().register::<dyn Office>(desk.clone())
}
