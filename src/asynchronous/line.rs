//! What the handles of a session and its driver share.

use std::sync::{Arc, OnceLock};

use tokio::sync::{AcquireError, Mutex, Notify, OwnedSemaphorePermit, Semaphore, TryAcquireError, watch};

use crate::channel::End;
use crate::session::{CallError, Halt, NotBegun, NotifyError, Refused, Session, SessionOptions, Ticket};

/// A session that a task drives, and what tasks wait for.
pub(super) struct Line {
    pub(super) session: Session,
    pub(super) options: SessionOptions,
    /// Has the driver look around.
    pub(super) driver: Arc<Notify>,
    /// A permit for each call that may be in flight: none before the other side has said how many, closed at the end.
    places: Arc<Semaphore>,
    /// Held by who sends, also while it waits for room: the others queue up behind.
    turn: Mutex<()>,
    /// There may be room.
    room: Notify,
    /// The last handle is gone, or said so.
    closing: OnceLock<()>,
    ended: watch::Sender<Option<End>>,
}

impl Line {
    pub(super) fn new(session: Session, options: SessionOptions, driver: Arc<Notify>) -> Self {
        let places = Arc::new(Semaphore::new(0));
        let (turn, room, closing, ended) = (Mutex::new(()), Notify::new(), OnceLock::new(), watch::Sender::new(None));
        Self { session, options, driver, places, turn, room, closing, ended }
    }

    /// A place among the calls in flight.
    pub(super) async fn place(&self) -> Result<OwnedSemaphorePermit, CallError> {
        let over = || CallError::NotSent(Halt::Ended(self.end()));
        let places = Arc::clone(&self.places);
        if self.options.waits_for_turn() || !self.session.is_greeted() {
            return places.acquire_owned().await.map_err(|_: AcquireError| over());
        }
        places.try_acquire_owned().map_err(|error| match error {
            TryAcquireError::NoPermits => CallError::Busy,
            TryAcquireError::Closed => over(),
        })
    }

    /// Sends a request, once there is room.
    pub(super) async fn begin(&self, selector: u32, request: &[u8]) -> Result<Ticket, CallError> {
        self.post(|session| session.try_begin(selector, request)).await.map_err(|refused| match refused {
            Refused::TooLarge { length, largest } => CallError::TooLarge { length, largest },
            Refused::Full => CallError::NotSent(Halt::Congested),
            Refused::Ended(end) => CallError::NotSent(Halt::Ended(end)),
        })
    }

    /// Sends an event, once there is room.
    pub(super) async fn notify(&self, selector: u32, event: &[u8]) -> Result<(), NotifyError> {
        let posted = self.post(|session| match session.is_greeted() {
            true => session.post(selector, event, 0).map_err(NotBegun::Refused),
            false => Err(NotBegun::NotGreeted),
        });
        posted.await.map_err(|refused| match refused {
            Refused::TooLarge { length, largest } => NotifyError::TooLarge { length, largest },
            Refused::Full => NotifyError::NotSent(Halt::Congested),
            Refused::Ended(end) => NotifyError::NotSent(Halt::Ended(end)),
        })
    }

    /// Has `try_post` send something, again and again until there is room. Dropped while it waits, it has sent nothing.
    async fn post<T>(&self, try_post: impl Fn(&Session) -> Result<T, NotBegun>) -> Result<T, Refused> {
        let _turn = self.turn.lock().await;
        loop {
            if let Some(end) = *self.ended.borrow() {
                return Err(Refused::Ended(end));
            }
            match try_post(&self.session) {
                Ok(posted) => return Ok(posted),
                Err(NotBegun::NotGreeted | NotBegun::Busy | NotBegun::Refused(Refused::Full)) => {
                    self.room.notified().await;
                }
                Err(NotBegun::Refused(refused)) => return Err(refused),
            }
        }
    }

    /// There may be room.
    pub(super) fn make_room(&self) {
        self.room.notify_one();
    }

    /// The other side has said how many calls it accepts.
    pub(super) fn open(&self) {
        self.places.add_permits(self.session.places());
        self.make_room();
    }

    /// Has the driver leave in order, once it has sent what waits.
    pub(super) fn close(&self) {
        // Whoever said so before said the same.
        let _ = self.closing.set(());
        self.driver.notify_one();
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.get().is_some()
    }

    /// Nothing will be sent or received any more: everybody who waits is told. The first end counts.
    pub(super) fn finish(&self, end: End) {
        if !self.ended.send_if_modified(|ended| ended.is_none() && ended.replace(end).is_none()) {
            return;
        }
        self.session.leave();
        self.session.end_for_tasks(self.end());
        self.places.close();
        self.make_room();
    }

    fn end(&self) -> End {
        self.ended.borrow().unwrap_or(End::Disconnected)
    }

    /// How it ended, once it has.
    pub(super) async fn ended(&self) -> End {
        let mut ended = self.ended.subscribe();
        let found = ended.wait_for(Option::is_some).await.map(|end| *end);
        // The sender is borrowed, so it is there.
        found.ok().flatten().unwrap_or(End::Disconnected)
    }
}
