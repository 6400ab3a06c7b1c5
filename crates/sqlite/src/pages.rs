//! [`Pages`]: a stream of commits, read page by page, one page ahead.

use std::{
    pin::Pin,
    task::{Context, Poll},
    vec,
};

use aws_event_sourcing_core::{Commit, StoreError};
use futures_core::Stream;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::{error::Error, rows::PageSize, store::SqliteStore};

/// Pages grow from the first, which is to arrive soon, to the largest, which are read at the least cost each.
const FIRST_PAGE: PageSize = PageSize { rows: 128, bytes: 32 << 10 };
const LARGEST_PAGE: PageSize = PageSize { rows: 1024, bytes: 256 << 10 };

/// A place among stored commits from which to read on.
pub(crate) trait Place: Sized + Send + 'static {
    /// Reads the commits that follow, as many as make a page.
    fn read(self, connection: &Connection, size: PageSize) -> Page<Self>;
}

/// Some commits, and what is behind them.
pub(crate) struct Page<P> {
    commits: Vec<Commit>,
    rest: Rest<P>,
}

/// What is behind a page.
enum Rest<P> {
    /// There may be more from there on.
    From(P),
    /// There is no more.
    Nothing,
    /// There is something that cannot be read.
    Broken(Error),
}

impl<P> Page<P> {
    /// These commits, and more behind that place.
    pub(crate) fn with_more(commits: Vec<Commit>, from: P) -> Self {
        Self { commits, rest: Rest::From(from) }
    }

    /// These commits, and no more.
    pub(crate) fn last(commits: Vec<Commit>) -> Self {
        Self { commits, rest: Rest::Nothing }
    }

    /// What could be read before something could not. The last commit may have lost its end with that, and is not
    /// given.
    pub(crate) fn broken(mut commits: Vec<Commit>, error: Error) -> Self {
        commits.pop();
        Self { commits, rest: Rest::Broken(error) }
    }
}

/// Commits from a place on.
///
/// While the consumer has a page in hand, the next one is being read, and none beyond that. Between pages it holds no
/// connection and no transaction: each page is a query of its own, and a slow consumer is in nobody's way.
pub(crate) struct Pages<P> {
    store: SqliteStore,
    page: vec::IntoIter<Commit>,
    next: Next<P>,
    next_size: PageSize,
}

enum Next<P> {
    /// Not asked for yet.
    Rest(Rest<P>),
    /// Being read.
    Ahead(oneshot::Receiver<Result<Page<P>, Error>>),
}

impl<P: Place> Pages<P> {
    pub(crate) fn new(store: SqliteStore, from: P) -> Self {
        Self::with(store, Rest::From(from))
    }

    /// No commits.
    pub(crate) fn none(store: SqliteStore) -> Self {
        Self::with(store, Rest::Nothing)
    }

    fn with(store: SqliteStore, rest: Rest<P>) -> Self {
        Self { store, page: Vec::new().into_iter(), next: Next::Rest(rest), next_size: FIRST_PAGE }
    }

    fn read_ahead(&mut self, from: P) {
        let size = std::mem::replace(&mut self.next_size, LARGEST_PAGE);
        self.next =
            Next::Ahead(self.store.readers().start(move |connection| Ok(from.read(connection, size))));
    }
}

impl<P: Place + Unpin> Stream for Pages<P> {
    type Item = Result<Commit, StoreError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(commit) = self.page.next() {
                return Poll::Ready(Some(Ok(commit)));
            }
            let page = match std::mem::replace(&mut self.next, Next::Rest(Rest::Nothing)) {
                Next::Rest(Rest::From(place)) => {
                    self.read_ahead(place);
                    continue;
                }
                Next::Rest(Rest::Broken(error)) => Err(error),
                Next::Rest(Rest::Nothing) => return Poll::Ready(None),
                Next::Ahead(mut page) => match Pin::new(&mut page).poll(context) {
                    Poll::Ready(Ok(page)) => page,
                    Poll::Ready(Err(_)) => Err(self.store.readers().interrupted()),
                    Poll::Pending => {
                        self.next = Next::Ahead(page);
                        return Poll::Pending;
                    }
                },
            };
            match page {
                Ok(page) => {
                    self.page = page.commits.into_iter();
                    match page.rest {
                        Rest::From(place) => self.read_ahead(place),
                        rest => self.next = Next::Rest(rest),
                    }
                }
                Err(error) => return Poll::Ready(Some(Err(error.into()))),
            }
        }
    }
}
