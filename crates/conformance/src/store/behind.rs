//! Law 13, **behind**: a commit that names the one it follows is appended behind that one only.

use aws_event_sourcing_core::{AppendError, Commit, CommitId, ResourceKey, limits::MAX_COMMIT_ID_BYTES};

use crate::{
    Subject,
    compare::name,
    observe::{assert_history, explain, follow_one_another, grow, plan, read, scan, store},
    sample,
    subject::Store,
};

/// Commits that follow one another are appended one behind the other, by whichever handle.
pub async fn a_commit_is_appended_behind_the_one_that_it_follows(subject: &Subject) {
    let handles = [subject.open().await, subject.open().await];
    let resource = sample::resource(&subject.resource_type("behind").await);
    let mut written = plan(&resource, (0..30).map(|index| index % 3 + 1));
    follow_one_another(&mut written);
    for (index, commit) in written.iter().enumerate() {
        store(&handles[index % 2], commit).await;
    }
    assert_history(&handles[0], &resource, &written).await;
}

/// What a commit follows comes back: readers find out by it what a store that [writes blindly](Subject::writing_blindly)
/// could not. Not asked of others.
pub async fn what_a_commit_follows_comes_back(subject: &Subject) {
    if !subject.writes_blindly() {
        return;
    }
    let handle = subject.open().await;
    let resource_type = subject.resource_type("follows").await;
    let resource = sample::resource(&resource_type);
    let mut written = plan(&resource, [1, 2, 1, 1, 3, 1]);
    written[3].id = sample::long("é", MAX_COMMIT_ID_BYTES).into();
    follow_one_another(&mut written);
    written[5].follows = None;
    for commit in &written {
        store(&handle, commit).await;
    }
    let follows =
        |commits: &[Commit]| -> Vec<_> { commits.iter().map(|commit| commit.follows.clone()).collect() };
    assert_eq!(
        follows(&read(&handle, &resource, 0).await),
        follows(&written),
        "what commits follow, as read"
    );
    let scanned = scan(&handle, &resource_type).await.concat();
    assert_eq!(follows(&scanned), follows(&written), "what commits follow, as scanned");
}

/// Behind another commit than the one that it follows, and behind none, a commit has lost a race, and nothing of it is
/// there. Not asked of a store that [writes blindly](Subject::writing_blindly).
pub async fn nothing_is_appended_behind_a_commit_that_is_not_there(subject: &Subject) {
    if subject.writes_blindly() {
        return;
    }
    let handle = subject.open().await;
    let resource_type = subject.resource_type("not-behind").await;
    let (resource, other) = (sample::resource(&resource_type), sample::resource(&resource_type));
    let mut written = grow(&handle, &resource, [1, 2, 1]).await;
    let (before, last) = (written[1].id.clone(), written[2].id.clone());

    be_behind_nothing(&handle, &resource, 5, 1, "nobody-has-this-id".into()).await;
    be_behind_nothing(&handle, &resource, 5, 3, before).await;
    be_behind_nothing(&handle, &resource, 6, 1, last.clone()).await;
    be_behind_nothing(&handle, &other, 1, 1, last.clone()).await;
    be_behind_nothing(&handle, &other, 5, 2, last.clone()).await;
    assert_history(&handle, &resource, &written).await;
    assert_history(&handle, &other, &[]).await;

    let next = Commit { follows: Some(last), ..sample::commit(&resource, 5, 2) };
    store(&handle, &next).await;
    written.push(next);
    assert_history(&handle, &resource, &written).await;
}

async fn be_behind_nothing(
    handle: &Store,
    resource: &ResourceKey,
    number: u64,
    events: usize,
    follows: CommitId,
) {
    let commit = Commit { follows: Some(follows), ..sample::commit(resource, number, events) };
    match handle.append(&commit).await {
        Ok(appended) => panic!("{} follows what is not there, and was accepted: {appended:?}", name(&commit)),
        Err(AppendError::Conflict(None)) => {}
        Err(AppendError::Conflict(Some(in_the_way))) => {
            panic!("{} has nothing in its way, and not {}", name(&commit), name(&in_the_way))
        }
        Err(AppendError::Store(error)) => {
            panic!("{} should meet a conflict: {}", name(&commit), explain(&error))
        }
    }
}
