//! [`ResourceRoutes`]: everything that can be read of the resources of one type, as a router.

mod events;
mod find;
mod id;
mod list;
mod page;

use std::{fmt, sync::Arc};

use aws_event_sourcing_core::{Aggregate, Repository, Resource};
use axum::{Router, routing::get};
use serde::Serialize;

use crate::{Links, Problem};

/// `GET /`, `GET /{id}` and `GET /{id}/events` for the resources of a repository. See [`ResourceRoutes`].
pub fn resource_routes<A: Aggregate + Serialize>(repository: Repository<A>) -> Router {
    ResourceRoutes::new(repository).into_router()
}

/// Routes that read the resources of a repository; each answers `HEAD` too.
///
/// **`GET /`** is a JSON array of all resources, in no particular order, written while the store is scanned. When that
/// fails half-way, the connection is cut.
///
/// **`GET /?limit=&after=`** is a page: the oldest resources behind a cursor. `limit` is 100 unless it is given, and
/// 1,000 where it is more. The header `Link` with `rel="next"` has the next page's address, cursor and all; without it
/// this was the last. A page is complete or an error.
///
/// **`GET /{id}`** is a resource, with its version as `ETag`; 412 unless `If-Match` has that, when it is there, and 304 when
/// `If-None-Match` has it. `?version=3` is the resource as its third event left it. `?at=2026-11-23T09:30:00Z` is the resource
/// as it was [at that time](Repository::find_one_at_time), by RFC 3339 and with any offset; `Content-Location` has the address
/// of that version, which is what it is for good. Not both.
///
/// **`GET /{id}/events`** is a JSON array of its events, `{"number", "type", "data", "at", "commit"}`, as they are
/// stored. `data` is absent when the event has none. `?after=3` begins behind the third. All of them are one answer, written
/// while they are read, whatever their number; on AWS Lambda an answer has [6 MB](https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)
/// at the most. **`?limit=100`** is a page of so many, with a `Link` to the next as above; 1,000 at the most, and fewer where
/// they are large: a page that has half a megabyte is full.
///
/// A parameter that is none of these is ignored: something in front may have added it, a token say.
///
/// # What cannot be read
///
/// A rolling deployment: a newer version of the service has stored an event of a type that this one does not know. That
/// resource, and no other one, cannot be read, and so it is with one whose history somebody has damaged.
///
/// - Both lists have `{"id": …, "unreadable": {"number": …, "type": …}}` in its place: the first event that cannot be read,
///   as far as it is known. The log tells of each once.
/// - `GET /{id}` and commands are answered with 500, a [problem](Problem) of type `unreadable` that says the same.
///   `?version=` goes up to the version before.
/// - `GET /{id}/events` shows all events; those that this code cannot read have `unreadable`, with what is stored where that
///   is known. Where events are missing, it is in the place of the first of them.
///
/// # Cost
///
/// On DynamoDB, in requests and read units, for histories below 4 KB:
///
/// | | requests | read units |
/// |---|---|---|
/// | `GET /` | 1 `Scan` for each MB of each of 4 segments | the size of all history in 4 KB |
/// | `GET /?limit=100` | 8 `Query` of the list, and 1 for each resource, 16 at a time: 108 | about 4, and 1 for each resource: 104 |
/// | `GET /{id}` | 1 `Query` | 1 |
/// | `GET /{id}/events` | 1 `Query` for each MB | the size of the history in 4 KB |
/// | `GET /{id}/events?limit=&after=` | 1 `Query` as for `GET /{id}`, and 1 for the page | 1, and the size of the page in 4 KB |
///
/// A resource that is in the cache costs a page as much: the page shows what is true now, and asks for what came after. While
/// all history together is small, `GET /` is the cheaper list: 4 requests and 25 units for 100 resources of 1 KB. What is
/// long and listed all the time is better kept in a table of its own by a subscription, at one request for a whole page.
///
/// A list has no `ETag`: anything but `*` in `If-Match` is 412.
///
/// ```
/// # use aws_event_sourcing_core::{Aggregate, Repository, Resource};
/// # use aws_event_sourcing_http::ResourceRoutes;
/// # use axum::Router;
/// # use serde::Serialize;
/// # trait Deleted { fn is_deleted(&self) -> bool; }
/// # fn api<A: Aggregate + Serialize + Deleted>(deploys: Repository<A>) -> Router {
/// #[derive(Serialize)]
/// struct View<A: Aggregate + Serialize> {
///     #[serde(flatten)]
///     deploy: Resource<A>,
///     events: String,
/// }
///
/// let reading = ResourceRoutes::new(deploys)
///     .list_only(|deploy| !deploy.is_deleted())
///     .represent(|deploy, links| View { deploy: deploy.clone(), events: links.events(deploy.id()) })
///     .into_router();
/// Router::new().nest("/deploys", reading)
/// # }
/// ```
///
/// Routes of your own may be merged in. They must call the id `{id}` as well, as in `/{id}/restock`.
#[must_use = "call `into_router`"]
pub struct ResourceRoutes<A: Aggregate> {
    repository: Repository<A>,
    listed: Filter<A>,
    view: View<A>,
}

type Filter<A> = Arc<dyn Fn(&Resource<A>) -> bool + Send + Sync>;

/// A resource as JSON text.
type View<A> = Arc<dyn Fn(&Resource<A>, &Links) -> serde_json::Result<Vec<u8>> + Send + Sync>;

impl<A: Aggregate> ResourceRoutes<A> {
    /// Shows all resources, each as it serializes: `id`, `version` and its state.
    pub fn new(repository: Repository<A>) -> Self
    where
        A: Serialize,
    {
        Self {
            repository,
            listed: Arc::new(|_| true),
            view: Arc::new(|resource, _| serde_json::to_vec(resource)),
        }
    }

    /// Leaves the others out of `GET /`. Whoever knows the id of one still finds it and its events.
    ///
    /// A page has the resources of a fixed stretch of time, so it comes out shorter than its limit, or empty, where
    /// some are left out; there is more as long as it has a `Link` to the next.
    pub fn list_only(self, listed: impl Fn(&Resource<A>) -> bool + Send + Sync + 'static) -> Self {
        Self { listed: Arc::new(listed), ..self }
    }

    /// Shows each resource as what this makes of it.
    pub fn represent<T: Serialize>(
        self,
        view: impl Fn(&Resource<A>, &Links) -> T + Send + Sync + 'static,
    ) -> Self {
        Self { view: Arc::new(move |resource, links| serde_json::to_vec(&view(resource, links))), ..self }
    }

    /// The routes, to be nested under the path of the collection.
    pub fn into_router(self) -> Router {
        Router::new()
            .route("/", get(list::list))
            .route("/{id}", get(find::find))
            .route("/{id}/events", get(events::events))
            .with_state(self)
    }

    fn show(&self, resource: &Resource<A>, links: &Links) -> Result<Vec<u8>, Problem> {
        (self.view)(resource, links).map_err(Problem::internal)
    }
}

impl<A: Aggregate> Clone for ResourceRoutes<A> {
    fn clone(&self) -> Self {
        Self { repository: self.repository.clone(), listed: self.listed.clone(), view: self.view.clone() }
    }
}

impl<A: Aggregate> fmt::Debug for ResourceRoutes<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceRoutes").field("repository", &self.repository).finish_non_exhaustive()
    }
}
