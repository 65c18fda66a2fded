//! What an interface is: names and types of procedures, and how a server runs them.

use postcard_schema::schema::NamedType;

use super::codec::DecodeError;
use super::context::Context;
use super::schema::{is_bounded, write_result, write_type};

/// Procedures that go together. [`interface!`](crate::interface) implements it, for `dyn` of the trait that it makes.
pub trait Interface: Send + Sync + 'static {
    /// Its name, and its procedures in their order.
    const DESCRIPTION: Description;

    /// Runs a procedure, by its place in the description, and writes what came of it into `reply`.
    ///
    /// # Errors
    ///
    /// If the arguments don't decode; then nothing has run.
    fn dispatch(
        &self,
        place: usize,
        arguments: &[u8],
        reply: &mut Vec<u8>,
        context: &mut Context<'_>,
    ) -> Result<(), DecodeError>;
}

/// An interface as both sides see it.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// The name by which it is bound.
    pub name: &'static str,
    /// The procedures.
    pub procedures: &'static [Procedure],
}

/// A procedure's name and types.
#[derive(Clone, Copy, Debug)]
pub struct Procedure {
    /// Its name.
    pub name: &'static str,
    /// Whether it is sent without an answer.
    pub oneway: bool,
    /// What it takes, in order.
    pub arguments: &'static [&'static NamedType],
    /// What it returns.
    pub returns: &'static NamedType,
    /// Its own error.
    pub fails: Option<&'static NamedType>,
}

impl Procedure {
    /// Its types as text, to the last field: `(i64, Point { x: f64, y: f64 }) -> bool`.
    #[must_use]
    pub fn types(&self) -> String {
        let mut text = String::from(if self.oneway { "oneway (" } else { "(" });
        for (number, argument) in self.arguments.iter().enumerate() {
            text.push_str(if number > 0 { ", " } else { "" });
            write_type(&mut text, argument);
        }
        text.push(')');
        if !self.oneway {
            text.push_str(" -> ");
            match self.fails {
                Some(error) => write_result(&mut text, self.returns, error),
                None => write_type(&mut text, self.returns),
            }
        }
        text
    }

    /// The same as a number: equal for equal types, and for others practically never. The arguments' names are no part of it,
    /// the names of types, fields and variants are.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        fingerprint(&self.types())
    }

    /// Whether no value of its types can keep a decoder busy for longer than its bytes are worth.
    const fn is_bounded(&self) -> bool {
        let mut arguments = self.arguments;
        while let [first, rest @ ..] = arguments {
            if !is_bounded(first) {
                return false;
            }
            arguments = rest;
        }
        let fails = match self.fails {
            Some(error) => is_bounded(error),
            None => true,
        };
        fails && is_bounded(self.returns)
    }
}

/// FNV-1a with 64 bits: to tell honest peers apart. Nobody gains by a collision, because all that comes is checked anyway.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

impl Description {
    /// The place of a procedure among the others; for the code that [`interface!`](crate::interface) makes.
    ///
    /// # Panics
    ///
    /// If there is none of this name: at compile time.
    #[must_use]
    pub const fn place(&self, name: &str) -> usize {
        let mut place = 0;
        while place < self.procedures.len() {
            if same(self.procedures[place].name, name) {
                return place;
            }
            place += 1;
        }
        panic!("no procedure has this name")
    }

    /// Itself, if its types will do; for the code that [`interface!`](crate::interface) makes.
    ///
    /// # Panics
    ///
    /// If a type holds a list of things that take no bytes: at compile time.
    #[must_use]
    pub const fn checked(self) -> Self {
        let mut procedures = self.procedures;
        while let [first, rest @ ..] = procedures {
            assert!(first.is_bounded(), "a list of things that take no bytes could have any length in a few bytes");
            procedures = rest;
        }
        self
    }
}

const fn same(left: &str, right: &str) -> bool {
    let (mut left, mut right) = (left.as_bytes(), right.as_bytes());
    while let ([a, rest_of_left @ ..], [b, rest_of_right @ ..]) = (left, right) {
        if *a != *b {
            return false;
        }
        (left, right) = (rest_of_left, rest_of_right);
    }
    left.is_empty() && right.is_empty()
}
