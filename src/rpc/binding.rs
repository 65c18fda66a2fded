//! Binding: what is asked, what is answered, and the numbers that come of it.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::codec::{decode, encode, plain_text};
use super::error::{BindError, Difference, made_plain};
use super::interface::{Description, Interface};
use super::{BIND, Carrier};
use crate::session::CallError;

/// What a client asks: the procedures that it means to call.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Wanted<'a> {
    pub(super) interface: &'a str,
    #[serde(borrow)]
    pub(super) procedures: Vec<Signature<'a>>,
}

/// A procedure by name and types.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Signature<'a> {
    pub(super) name: &'a str,
    pub(super) fingerprint: u64,
    pub(super) types: &'a str,
}

/// What a server answers.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Answer {
    /// The numbers of the procedures, in the order in which they were asked for.
    Bound(Vec<u32>),
    /// There is no such interface, but these.
    NoInterface(Vec<String>),
    /// These procedures, by their places in the question, are not the same; the server's types, where it has the name.
    Differs(Vec<(u32, Option<String>)>),
}

/// The numbers of an interface's procedures at one server: those of another may be others.
pub struct Binding<I: ?Sized> {
    numbers: Arc<[u32]>,
    interface: PhantomData<fn(&I)>,
}

impl<I: Interface + ?Sized> Binding<I> {
    /// Asks the other side for the interface.
    ///
    /// # Errors
    ///
    /// If it is not served there, or differs: the error names what.
    pub fn ask(carrier: &mut impl Carrier) -> Result<Self, BindError> {
        let description = I::DESCRIPTION;
        let types: Vec<_> = description.procedures.iter().map(super::Procedure::types).collect();
        let mut answer = Vec::new();
        carrier.call(BIND, &question(&description, &types), &mut answer, None).map_err(|error| match error {
            CallError::NoSelector => BindError::NotServed,
            other => BindError::Call(made_plain(other)),
        })?;
        let answer = decode(&answer).map_err(|error| BindError::BadReply(error.to_string()))?;
        numbers(&description, &types, answer).map(|numbers| Self { numbers, interface: PhantomData })
    }

    /// The number of a procedure, by its place in the description.
    #[inline]
    pub(super) fn number(&self, place: usize) -> u32 {
        self.numbers[place]
    }
}

fn question(description: &Description, types: &[String]) -> Vec<u8> {
    let procedures = description.procedures.iter().zip(types);
    let procedures = procedures.map(|(procedure, types)| Signature {
        name: procedure.name,
        fingerprint: procedure.fingerprint(),
        types,
    });
    let procedures = procedures.collect();
    let mut question = Vec::new();
    let encoded = encode(&Wanted { interface: description.name, procedures }, &mut question);
    debug_assert!(encoded.is_ok(), "texts and numbers can be encoded");
    question
}

/// The numbers, if the answer is one to what was asked.
fn numbers(description: &Description, types: &[String], answer: Answer) -> Result<Arc<[u32]>, BindError> {
    let interface = || description.name.to_owned();
    match answer {
        Answer::Bound(numbers) if numbers.len() == types.len() => Ok(numbers.into()),
        Answer::Bound(numbers) => {
            Err(BindError::BadReply(format!("{} numbers for {} procedures", numbers.len(), types.len())))
        }
        Answer::NoInterface(served) => {
            let served = served.iter().map(|name| plain_text(name.as_bytes())).collect();
            Err(BindError::NoInterface { interface: interface(), served })
        }
        Answer::Differs(differences) => {
            let differences = differences.into_iter().filter_map(|(place, there)| {
                let (procedure, here) = (description.procedures.get(place as usize)?, types.get(place as usize)?);
                let there = there.map(|types| plain_text(types.as_bytes()));
                Some(Difference { procedure: procedure.name.to_owned(), here: here.clone(), there })
            });
            Err(BindError::Differs { interface: interface(), differences: differences.collect() })
        }
    }
}

impl<I: ?Sized> Clone for Binding<I> {
    fn clone(&self) -> Self {
        Self { numbers: Arc::clone(&self.numbers), interface: PhantomData }
    }
}

impl<I: ?Sized> fmt::Debug for Binding<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Binding").field("numbers", &self.numbers).finish()
    }
}
