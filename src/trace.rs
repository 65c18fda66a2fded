//! Telling of what happens seldom and matters: connections made, refused, ended, and lies.
//!
//! With the feature `tracing` these are events of the crate of that name, with the target `twinring`. Without it, nothing is left
//! of them. There is none on the way of a message.

/// Tells of something, at a level: `tell!(info, peer, "connected")`.
macro_rules! tell {
    ($level:ident, $($told:tt)+) => {
        #[cfg(feature = "tracing")]
        ::tracing::$level!(target: "twinring", $($told)+);
    };
}

pub(crate) use tell;
