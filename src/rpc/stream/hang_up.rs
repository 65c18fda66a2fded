//! Sockets that end when they are dropped.

use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use crate::os::credentials::{Credentials, of_peer};
use crate::rpc::context::NOBODY;

/// The writing half of a socket, which ends both directions when it is dropped: a socket that somebody still reads would
/// otherwise stay open.
#[derive(Debug)]
pub struct HangsUp<S: Socket>(S);

/// A socket whose two directions are two handles to it.
pub trait Socket: io::Read + Write + Send + Sized + 'static {
    /// Another handle.
    ///
    /// # Errors
    ///
    /// If there are too many descriptors.
    fn another(&self) -> io::Result<Self>;

    /// Ends both directions.
    fn hang_up(&self);

    /// Who is at the other end, as far as the kernel tells.
    fn peer(&self) -> Credentials {
        NOBODY
    }

    /// What makes it fit for small messages.
    ///
    /// # Errors
    ///
    /// If the socket refuses.
    fn prepare(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Socket for TcpStream {
    fn another(&self) -> io::Result<Self> {
        self.try_clone()
    }

    fn hang_up(&self) {
        // It fails if there is no connection any more.
        let _ = self.shutdown(Shutdown::Both);
    }

    fn prepare(&self) -> io::Result<()> {
        self.set_nodelay(true)
    }
}

impl Socket for UnixStream {
    fn peer(&self) -> Credentials {
        of_peer(self.as_fd()).unwrap_or(NOBODY)
    }

    fn another(&self) -> io::Result<Self> {
        self.try_clone()
    }

    fn hang_up(&self) {
        let _ = self.shutdown(Shutdown::Both);
    }
}

impl<S: Socket> HangsUp<S> {
    /// The two halves of a socket: what reads, and what writes.
    ///
    /// # Errors
    ///
    /// If there are too many descriptors, or the socket refuses to be set up.
    pub fn halves(socket: S) -> io::Result<(S, Self)> {
        socket.prepare()?;
        Ok((socket.another()?, Self(socket)))
    }
}

impl<S: Socket> Write for HangsUp<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<S: Socket> Drop for HangsUp<S> {
    fn drop(&mut self) {
        self.0.hang_up();
    }
}
