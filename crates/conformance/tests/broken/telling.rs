//! Flaws of a store that comes to something that it cannot read.

use std::future::ready;

use aws_event_sourcing_core::{CommitStream, ResourceKey, StoreError, StoreErrorKind, Unreadable};
use futures_util::StreamExt as _;

use crate::flaw::Flaw;

/// Ends there, as if nothing came behind it.
#[derive(Default)]
pub(crate) struct EndsAtWhatItCannotRead;

impl Flaw for EndsAtWhatItCannotRead {
    fn tell(&self, told: CommitStream) -> CommitStream {
        let mut is_over = false;
        let until = told.take_while(move |read| {
            let goes_on = !is_over;
            is_over = read.is_err();
            ready(goes_on)
        });
        until.boxed()
    }
}

/// Passes it over in silence.
#[derive(Default)]
pub(crate) struct LeavesOutWhatItCannotRead;

impl Flaw for LeavesOutWhatItCannotRead {
    fn tell(&self, told: CommitStream) -> CommitStream {
        told.filter(|read| ready(read.is_ok())).boxed()
    }
}

/// Does not say whose it is.
#[derive(Default)]
pub(crate) struct NamesNobody;

impl Flaw for NamesNobody {
    fn tell(&self, told: CommitStream) -> CommitStream {
        told.map(|read| read.map_err(|_| StoreError::new(StoreErrorKind::Undecodable, "somewhere"))).boxed()
    }
}

/// Says that it is the one before's.
#[derive(Default)]
pub(crate) struct NamesTheOneBefore;

impl Flaw for NamesTheOneBefore {
    fn tell(&self, told: CommitStream) -> CommitStream {
        let (mut before, mut current) = (None::<ResourceKey>, None::<ResourceKey>);
        told.map(move |read| {
            if let Ok(commit) = &read
                && current.as_ref() != Some(&commit.resource)
            {
                before = current.replace(commit.resource.clone());
            }
            read.map_err(|error| match &before {
                Some(before) => Unreadable::new(before.clone(), Some(4), None, "somebody was here").into(),
                None => error,
            })
        })
        .boxed()
    }
}

/// Tells of it when all else is told.
#[derive(Default)]
pub(crate) struct TellsOfItInTheEnd;

impl Flaw for TellsOfItInTheEnd {
    fn tell(&self, told: CommitStream) -> CommitStream {
        let all = async {
            let (whole, errors): (Vec<_>, Vec<_>) =
                told.collect::<Vec<_>>().await.into_iter().partition(Result::is_ok);
            futures_util::stream::iter(whole.into_iter().chain(errors))
        };
        futures_util::stream::once(all).flatten().boxed()
    }
}
