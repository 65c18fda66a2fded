//! The macro that declares an interface.

/// Declares an interface: a trait for who serves it, and a client with a method for each procedure.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use std::sync::Arc;
/// use twinring::rpc::{CallError, Context, Schema, Server};
/// use twinring::{LocalSession, SessionOptions};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize, Schema)]
/// pub struct ByZero;
///
/// twinring::interface! {
///     /// What one learns at school.
///     pub trait Calculator, client CalculatorClient {
///         /// The sum.
///         fn add(a: i64, b: i64) -> i64;
///         /// The quotient.
///         fn divide(dividend: i64, divisor: i64) -> Result<i64, ByZero>;
///         /// Writes a line down; there is no answer.
///         oneway fn note(line: &str);
///     }
/// }
///
/// struct Sums;
///
/// impl Calculator for Sums {
///     fn add(&self, _: &mut Context<'_>, a: i64, b: i64) -> i64 {
///         a + b
///     }
///     fn divide(&self, _: &mut Context<'_>, dividend: i64, divisor: i64) -> Result<i64, ByZero> {
///         dividend.checked_div(divisor).ok_or(ByZero)
///     }
///     fn note(&self, _: &mut Context<'_>, _line: &str) {}
/// }
///
/// let (here, there) = twinring::pair()?;
/// let server = Server::new().register::<dyn Calculator>(Arc::new(Sums)).for_peer(there.peer());
/// let serving = std::thread::spawn(move || LocalSession::new(there, &SessionOptions::new(), server).serve());
///
/// let mut calculator = CalculatorClient::bind(LocalSession::new(here, &SessionOptions::new(), ()))?;
/// assert_eq!(calculator.add(1, 2)?, 3);
/// assert_eq!(calculator.divide(1, 0), Err(CallError::Procedure(ByZero)));
/// calculator.note("done")?;
/// drop(calculator);
/// serving.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What is made of `pub trait T, client C { … }`:
///
/// - `trait T`, to be implemented by who serves: each method takes `&self`, a [`Context`](crate::rpc::Context), and the
///   arguments. `dyn T` is the [`Interface`](crate::rpc::Interface), for [`Server::register`](crate::rpc::Server::register).
/// - `struct C`, with a method for each procedure, and these: `bind(carrier)`, which asks the other side; `bound(carrier,
///   binding)`, which does not have to; and `stub()`, the [`Stub`](crate::rpc::Stub) inside, for deadlines and the like. No
///   procedure may have one of these names.
///
/// A procedure that returns a `Result<T, E>`, written so, has an error of its own, which arrives as
/// [`CallError::Procedure`](crate::rpc::CallError::Procedure). A `oneway` procedure returns nothing and is not waited for. Arguments may
/// be borrowed (`&str`, `&[u8]`): they are not copied by who serves. All types need serde's traits and
/// [`Schema`](crate::rpc::Schema), from which the text is made that both sides compare; so they can't be recursive, and `usize`,
/// which is not the same everywhere, is none of them. A list of things that take no bytes does not compile:
///
/// ```compile_fail
/// twinring::interface! {
///     pub trait Endless, client EndlessClient { fn count(nothings: Vec<()>) -> u64; }
/// }
/// ```
#[macro_export]
macro_rules! interface {
    ($(#[$about:meta])* $seen:vis trait $interface:ident, client $client:ident { $($procedures:tt)* }) => {
        $crate::__interface! { @sort [$(#[$about])*] [$seen] $interface $client [] $($procedures)* }
    };
}

/// Sorts the procedures into those with an error of their own, those without, and those without an answer; then writes it all.
#[doc(hidden)]
#[macro_export]
macro_rules! __interface {
    (@sort $about:tt $seen:tt $interface:ident $client:ident [$($sorted:tt)*]
        $(#[$doc:meta])* oneway fn $name:ident($($argument:ident: $type:ty),* $(,)?); $($rest:tt)*
    ) => {
        $crate::__interface! { @sort $about $seen $interface $client
            [$($sorted)* { oneway [$(#[$doc])*] $name [$($argument: $type,)*] [()] [] }] $($rest)* }
    };
    (@sort $about:tt $seen:tt $interface:ident $client:ident [$($sorted:tt)*]
        $(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),* $(,)?) -> Result<$returns:ty, $fails:ty>; $($rest:tt)*
    ) => {
        $crate::__interface! { @sort $about $seen $interface $client
            [$($sorted)* { fallible [$(#[$doc])*] $name [$($argument: $type,)*] [$returns] [$fails] }] $($rest)* }
    };
    (@sort $about:tt $seen:tt $interface:ident $client:ident [$($sorted:tt)*]
        $(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),* $(,)?) -> $returns:ty; $($rest:tt)*
    ) => {
        $crate::__interface! { @sort $about $seen $interface $client
            [$($sorted)* { plain [$(#[$doc])*] $name [$($argument: $type,)*] [$returns] [] }] $($rest)* }
    };
    (@sort $about:tt $seen:tt $interface:ident $client:ident [$($sorted:tt)*]
        $(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),* $(,)?); $($rest:tt)*
    ) => {
        $crate::__interface! { @sort $about $seen $interface $client
            [$($sorted)* { plain [$(#[$doc])*] $name [$($argument: $type,)*] [()] [] }] $($rest)* }
    };
    (@sort [$($about:tt)*] [$seen:vis] $interface:ident $client:ident
        [$({ $kind:ident [$($doc:tt)*] $name:ident $arguments:tt $returns:tt $fails:tt })*]
    ) => {
        $($about)*
        $seen trait $interface: ::core::marker::Send + ::core::marker::Sync + 'static {
            $($crate::__interface! { @serve $kind [$($doc)*] $name $arguments $returns $fails })*
        }

        impl $crate::rpc::Interface for dyn $interface {
            const DESCRIPTION: $crate::rpc::Description = $crate::rpc::Description {
                name: ::core::stringify!($interface),
                procedures: &[$($crate::__interface! { @describe $kind $name $arguments $returns $fails }),*],
            }
            .checked();

            fn dispatch(
                &self,
                place: usize,
                arguments: &[u8],
                reply: &mut ::std::vec::Vec<u8>,
                context: &mut $crate::rpc::Context<'_>,
            ) -> ::core::result::Result<(), $crate::rpc::DecodeError> {
                $(if place == const { <dyn $interface as $crate::rpc::Interface>::DESCRIPTION.place(::core::stringify!($name)) } {
                    $crate::__interface! { @dispatch $kind $name $arguments self arguments reply context }
                    return ::core::result::Result::Ok(());
                })*
                ::core::unreachable!("the description has no place {place}")
            }
        }

        #[doc = ::core::concat!("Calls the procedures of [`", ::core::stringify!($interface), "`] at the other side.")]
        #[derive(Clone)]
        $seen struct $client<C>($crate::rpc::Stub<dyn $interface, C>);

        impl<C> ::core::fmt::Debug for $client<C> {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_tuple(::core::stringify!($client)).field(&self.0).finish()
            }
        }

        #[allow(dead_code, reason = "not every client calls every procedure")]
        impl<C: $crate::rpc::Carrier> $client<C> {
            /// Binds the interface over what carries calls.
            ///
            /// # Errors
            ///
            /// If the other side does not serve it, or another one of this name: the error says what differs.
            $seen fn bind(carrier: C) -> ::core::result::Result<Self, $crate::rpc::BindError> {
                $crate::rpc::Stub::bind(carrier).map(Self)
            }

            /// With what was bound before, to the same other side.
            #[must_use]
            $seen fn bound(carrier: C, binding: $crate::rpc::Binding<dyn $interface>) -> Self {
                Self($crate::rpc::Stub::bound(carrier, binding))
            }

            /// What this is made of.
            $seen fn stub(&mut self) -> &mut $crate::rpc::Stub<dyn $interface, C> {
                &mut self.0
            }

            $($crate::__interface! { @call $kind [$($doc)*] [$seen] $interface $name $arguments $returns $fails })*
        }
    };

    (@serve oneway [$($doc:tt)*] $name:ident [$($argument:ident: $type:ty,)*] [$returns:ty] []) => {
        $($doc)*
        fn $name(&self, context: &mut $crate::rpc::Context<'_>, $($argument: $type),*);
    };
    (@serve plain [$($doc:tt)*] $name:ident [$($argument:ident: $type:ty,)*] [$returns:ty] []) => {
        $($doc)*
        fn $name(&self, context: &mut $crate::rpc::Context<'_>, $($argument: $type),*) -> $returns;
    };
    (@serve fallible [$($doc:tt)*] $name:ident [$($argument:ident: $type:ty,)*] [$returns:ty] [$fails:ty]) => {
        $($doc)*
        ///
        /// # Errors
        ///
        /// Which the caller is told.
        fn $name(
            &self,
            context: &mut $crate::rpc::Context<'_>,
            $($argument: $type),*
        ) -> ::core::result::Result<$returns, $fails>;
    };

    (@describe $kind:ident $name:ident [$($argument:ident: $type:ty,)*] [$returns:ty] [$($fails:ty)?]) => {
        $crate::rpc::Procedure {
            name: ::core::stringify!($name),
            oneway: $crate::__interface!(@is_oneway $kind),
            arguments: &[$(<$type as $crate::rpc::Schema>::SCHEMA),*],
            returns: <$returns as $crate::rpc::Schema>::SCHEMA,
            fails: $crate::__interface!(@option $(<$fails as $crate::rpc::Schema>::SCHEMA)?),
        }
    };
    (@is_oneway oneway) => { true };
    (@is_oneway $kind:ident) => { false };
    (@option) => { ::core::option::Option::None };
    (@option $some:expr) => { ::core::option::Option::Some($some) };

    (@dispatch oneway $name:ident [$($argument:ident: $type:ty,)*] $self:ident $arguments:ident $reply:ident $context:ident) => {
        let ($($argument,)*): ($($type,)*) = $crate::rpc::decode($arguments)?;
        $self.$name($context, $($argument),*);
    };
    (@dispatch plain $name:ident [$($argument:ident: $type:ty,)*] $self:ident $arguments:ident $reply:ident $context:ident) => {
        let ($($argument,)*): ($($type,)*) = $crate::rpc::decode($arguments)?;
        $crate::rpc::write_returned($reply, &$self.$name($context, $($argument),*));
    };
    (@dispatch fallible $name:ident [$($argument:ident: $type:ty,)*] $self:ident $arguments:ident $reply:ident $context:ident) => {
        let ($($argument,)*): ($($type,)*) = $crate::rpc::decode($arguments)?;
        $crate::rpc::write_result($reply, &$self.$name($context, $($argument),*));
    };

    (@call oneway [$($doc:tt)*] [$seen:vis] $interface:ident $name:ident [$($argument:ident: $type:ty,)*] [$returns:ty] []) => {
        $($doc)*
        ///
        /// # Errors
        ///
        /// If it was not sent.
        $seen fn $name(&mut self, $($argument: $type),*) -> ::core::result::Result<(), $crate::rpc::CallError> {
            let place = const { <dyn $interface as $crate::rpc::Interface>::DESCRIPTION.place(::core::stringify!($name)) };
            self.0.send(place, &($($argument,)*))
        }
    };
    (@call plain [$($doc:tt)*] [$seen:vis] $interface:ident $name:ident [$($argument:ident: $type:ty,)*] [$returns:ty] []) => {
        $($doc)*
        ///
        /// # Errors
        ///
        /// See [`CallError`]($crate::rpc::CallError).
        $seen fn $name(&mut self, $($argument: $type),*) -> ::core::result::Result<$returns, $crate::rpc::CallError> {
            let place = const { <dyn $interface as $crate::rpc::Interface>::DESCRIPTION.place(::core::stringify!($name)) };
            self.0.call(place, &($($argument,)*))
        }
    };
    (@call fallible [$($doc:tt)*] [$seen:vis] $interface:ident $name:ident [$($argument:ident: $type:ty,)*] [$returns:ty] [$fails:ty]) => {
        $($doc)*
        ///
        /// # Errors
        ///
        /// The procedure's own, among others: see [`CallError`]($crate::rpc::CallError).
        $seen fn $name(
            &mut self,
            $($argument: $type),*
        ) -> ::core::result::Result<$returns, $crate::rpc::CallError<$fails>> {
            let place = const { <dyn $interface as $crate::rpc::Interface>::DESCRIPTION.place(::core::stringify!($name)) };
            self.0.call_fallible(place, &($($argument,)*))
        }
    };
}
