//! A handle that lends: the thing that it owns, and what was borrowed from that and goes on to live between two calls of C.
//!
//! Unsafe code here may assume that only this file reaches the owned thing. While a loan is open, nothing else may use it, and
//! the loan ends before the thing does: this file keeps both, by asking whether there is a loan first, and by its `Drop`.
#![allow(unsafe_code)]

use std::mem::ManuallyDrop;
use std::ptr::NonNull;

/// An `O`, and perhaps an `L` that borrows it.
pub struct Lender<O: 'static, L> {
    owned: NonNull<O>,
    loan: Option<L>,
}

impl<O, L> Lender<O, L> {
    pub fn new(owned: O) -> Self {
        Self { owned: NonNull::from(Box::leak(Box::new(owned))), loan: None }
    }

    /// What is owned, unless a loan is open.
    #[inline(always)]
    pub fn owned(&mut self) -> Option<&mut O> {
        if self.loan.is_some() {
            return None;
        }
        // SAFETY: it lives until this is dropped, and nobody else borrows it: there is no loan.
        Some(unsafe { self.owned.as_mut() })
    }

    /// Opens a loan, unless one is open.
    #[inline(always)]
    pub fn lend<E>(&mut self, borrow: impl FnOnce(&'static mut O) -> Result<L, E>) -> Option<Result<&mut L, E>> {
        if self.loan.is_some() {
            return None;
        }
        let mut owned = self.owned;
        // SAFETY: as above; the loan keeps the reference, and is dropped before what is owned.
        let owned = unsafe { owned.as_mut() };
        Some(borrow(owned).map(|loan| self.loan.insert(loan)))
    }

    /// Ends the loan: what was lent, if anything was.
    #[inline(always)]
    pub fn take(&mut self) -> Option<L> {
        self.loan.take()
    }

    /// What is owned; a loan ends first.
    pub fn into_owned(self) -> O {
        let mut this = ManuallyDrop::new(self);
        this.loan = None;
        this.unbox()
    }

    /// Takes what is owned: to be called once, by who lets go of this and has ended the loan.
    fn unbox(&mut self) -> O {
        // SAFETY: it came from a box, and both callers call this once and use `owned` no more.
        *unsafe { Box::from_raw(self.owned.as_ptr()) }
    }
}

impl<O, L> Drop for Lender<O, L> {
    fn drop(&mut self) {
        self.loan = None;
        drop(self.unbox());
    }
}
