//! [`Pages`]: a stream of commits, read page by page, one page ahead.
//!
//! Each page is a query of its own. Between two of them a stream holds no connection, no thread and no transaction,
//! so a slow consumer is in nobody's way:
//!
//! ```text
//! reader      ▓▓▓▓ 2 ▓▓▓▓                    ▓▓▓▓ 3 ▓▓▓▓
//! consumer    ░░░░░░░░░░ 1 ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░ 2 ░░░░░░░░░░░░░░░
//! ```
//!
//! When the consumer is the faster one, the reader finds it waiting and goes on with the next page at once. To have a
//! thread woken for each page would take about as long as reading half of one:
//!
//! ```text
//! reader      ▓▓▓▓ 2 ▓▓▓▓▓▓▓▓▓▓▓ 3 ▓▓▓▓▓▓▓▓▓▓▓ 4 ▓▓▓▓
//! consumer    ░░ 1 ░░          ░░ 2 ░░          ░░ 3 ░░
//! ```

use std::{
    mem,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use aws_event_sourcing_core::{Commit, ResourceKey, StoreError};
use futures_core::Stream;
use rusqlite::Connection;
use tokio::sync::mpsc;

use crate::{
    commits::Commits,
    error::Error,
    rows::{PageSize, Rows},
    store::SqliteStore,
};

/// Pages grow from the first, which is to arrive soon, to the largest, which are read at the least cost each.
const FIRST_PAGE: PageSize = PageSize { rows: 128, bytes: 32 << 10 };
const LARGEST_PAGE: PageSize = PageSize { rows: 1024, bytes: 256 << 10 };

/// Pages that a reader goes on for before it lets others have its connection.
const PAGES_AT_ONCE: usize = 16;

/// Pages that are under way at the most: the one that a consumer is about to take, and the one ahead of it.
const UNDER_WAY: usize = 2;

/// A place among stored commits from which to read on.
pub(crate) trait Place: Sized + Send + Unpin + 'static {
    /// Reads what follows, a page of it, and tells what is behind that.
    fn read(self, connection: &Connection, size: PageSize, rows: &mut Rows) -> Rest<Self>;
}

/// What is behind a page.
pub(crate) enum Rest<P> {
    /// There may be more from there on.
    From(P),
    /// There is no more.
    Nothing,
    /// There is something that cannot be read.
    Broken(Error),
}

/// A page on its way from the reader, and what is behind it.
type Delivery<P> = Result<(Rows, Next<P>), Error>;

enum Next<P> {
    /// Not asked for yet.
    Rest(Rest<P>),
    /// Being read.
    OnItsWay,
}

/// Commits from a place on.
pub(crate) struct Pages<P> {
    store: SqliteStore,
    page: Commits,
    next: Next<P>,
    deliveries: mpsc::Receiver<Delivery<P>>,
    left: Left,
}

/// Rows that a consumer has used up and left for the reader, because it waits for more.
#[derive(Clone, Default)]
struct Left(Arc<Mutex<Option<Rows>>>);

impl Left {
    fn leave(&self, rows: Rows) {
        self.replace(Some(rows));
    }

    fn take(&self) -> Option<Rows> {
        self.replace(None)
    }

    fn replace(&self, rows: Option<Rows>) -> Option<Rows> {
        mem::replace(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner), rows)
    }
}

impl<P: Place> Pages<P> {
    /// Commits of that resource, or of that type, from a place on.
    pub(crate) fn new(store: SqliteStore, resource: ResourceKey, from: Rest<P>) -> Self {
        let (page, next, deliveries) = (Commits::new(resource), Next::Rest(from), mpsc::channel(UNDER_WAY).1);
        Self { store, page, next, deliveries, left: Left::default() }
    }

    /// Gives this error and nothing more.
    fn break_off(&mut self, error: Error) {
        self.page.turn_page(Rows::default());
        self.next = Next::Rest(Rest::Broken(error));
    }

    /// Begins to read a page, into rows that have been used up.
    fn read(&mut self, from: P, rows: Rows, size: PageSize) {
        let (reader, deliveries) = mpsc::channel(UNDER_WAY);
        self.deliveries = deliveries;
        self.next = Next::OnItsWay;
        let left = self.left.clone();
        self.store.readers().start(move |connection| match connection {
            Ok(connection) => read(connection, from, rows, size, &left, &reader),
            // Nobody takes it when the consumer has gone away.
            Err(error) => drop(reader.try_send(Err(error))),
        });
    }
}

/// Reads a page, and goes on with the next if the consumer already waits for more than this one.
fn read<P: Place>(
    connection: &Connection,
    mut from: P,
    mut rows: Rows,
    mut size: PageSize,
    left: &Left,
    consumer: &mpsc::Sender<Delivery<P>>,
) {
    for page in 1.. {
        if consumer.is_closed() {
            return;
        }
        rows.forget_all();
        let rest = from.read(connection, size, &mut rows);
        let waits = if page < PAGES_AT_ONCE { left.take() } else { None };
        let (next, go_on) = match (rest, waits) {
            (Rest::From(place), Some(used_up)) => (Next::OnItsWay, Some((place, used_up))),
            (rest, _) => (Next::Rest(rest), None),
        };
        // There is room: no more than this is under way. Nobody takes it when the consumer has gone away.
        drop(consumer.try_send(Ok((rows, next))));
        match go_on {
            Some(next) => (from, rows) = next,
            None => return,
        }
        size = LARGEST_PAGE;
    }
}

impl<P: Place> Stream for Pages<P> {
    type Item = Result<Commit, StoreError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match self.page.next() {
                Some(Ok(commit)) => return Poll::Ready(Some(Ok(commit))),
                // One that cannot be read is in nobody's way.
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                None => {}
            }
            match mem::replace(&mut self.next, Next::Rest(Rest::Nothing)) {
                Next::Rest(Rest::From(place)) => self.read(place, Rows::default(), FIRST_PAGE),
                Next::Rest(Rest::Broken(error)) => {
                    let error = self.store.readers().reason(error);
                    return Poll::Ready(Some(Err(error.into())));
                }
                Next::Rest(Rest::Nothing) => return Poll::Ready(None),
                Next::OnItsWay => {
                    let used_up = self.page.turn_page(Rows::default());
                    self.left.leave(used_up);
                    match self.deliveries.poll_recv(context) {
                        Poll::Pending => {
                            self.next = Next::OnItsWay;
                            return Poll::Pending;
                        }
                        Poll::Ready(Some(Ok((rows, next)))) => {
                            self.page.turn_page(rows);
                            let used_up = self.left.take();
                            match next {
                                // Read ahead.
                                Next::Rest(Rest::From(place)) => {
                                    self.read(place, used_up.unwrap_or_default(), LARGEST_PAGE);
                                }
                                next => self.next = next,
                            }
                        }
                        Poll::Ready(Some(Err(error))) => self.break_off(error),
                        Poll::Ready(None) => {
                            let interrupted = self.store.readers().interrupted();
                            self.break_off(interrupted);
                        }
                    }
                }
            }
        }
    }
}
