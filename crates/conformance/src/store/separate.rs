//! Law 11, **separate**: resources of different types have nothing to do with each other, whatever their ids.

use aws_event_sourcing_core::{Commit, ResourceKey};

use crate::{
    Subject,
    compare::assert_same,
    observe::{assert_history, grow, plan, scan, store, walk},
    sample,
};

/// The same id under two types is two resources: each has its own history, its own numbers and its own place in a
/// list.
pub async fn one_id_under_two_types_is_two_resources(subject: &Subject) {
    let handle = subject.open().await;
    let types = [subject.resource_type("separate").await, subject.resource_type("separate").await];
    let [one, other] = types.clone().map(|resource_type| ResourceKey::new(resource_type, "the same"));
    let written = grow(&handle, &one, [1, 2, 1, 1]).await;
    assert_history(&handle, &other, &[]).await;
    let others = grow(&handle, &other, [2, 1]).await;
    grow(&handle, &ResourceKey::new(types[1].clone(), "of this type only"), [1]).await;
    assert_history(&handle, &one, &written).await;
    assert_history(&handle, &other, &others).await;
}

/// A scan gives the resources of its type and no others.
pub async fn a_scan_is_of_one_type(subject: &Subject) {
    let handle = subject.open().await;
    let types = [subject.resource_type("scan-of").await, subject.resource_type("scan-of").await];
    let [one, other] = types.clone().map(|resource_type| ResourceKey::new(resource_type, "the same"));
    let written = grow(&handle, &one, [1, 2, 1, 1]).await;
    assert_same("the scan of a type without resources", &[], &scan(&handle, &types[1]).await.concat());
    let others = grow(&handle, &other, [2, 1]).await;
    assert_same("the scan of one type", &written, &scan(&handle, &types[0]).await.concat());
    assert_same("the scan of the other", &others, &scan(&handle, &types[1]).await.concat());
}

/// A list gives the resources of its type and no others.
pub async fn a_list_is_of_one_type(subject: &Subject) {
    let handle = subject.open().await;
    let types = [subject.resource_type("list-of").await, subject.resource_type("list-of").await];
    let [mut one, mut other] = [Vec::new(), Vec::new()];
    for index in 0..12 {
        let (resource_type, ids) =
            if index % 3 == 0 { (&types[0], &mut one) } else { (&types[1], &mut other) };
        let resource = sample::resource(resource_type);
        store(&handle, &Commit { at: sample::time(index), ..sample::commit(&resource, 1, 1) }).await;
        ids.push(resource.id);
    }
    for limit in [1, 3, 100] {
        assert_eq!(walk(&handle, &types[0], limit).await, one, "the list of one type in pages of {limit}");
        assert_eq!(walk(&handle, &types[1], limit).await, other, "the list of the other in pages of {limit}");
    }
}

/// A type and an id are not glued together: `a` and `b-c` is not `a-b` and `c`, and no type is the beginning of
/// another.
pub async fn types_and_ids_are_not_glued_together(subject: &Subject) {
    let handle = subject.open().await;
    let short = subject.resource_type("glued").await;
    let long = subject.prepared(format!("{short}-more")).await;
    let keys = [
        ResourceKey::new(short.clone(), "more-1"),
        ResourceKey::new(short.clone(), "-more-1"),
        ResourceKey::new(short.clone(), "1"),
        ResourceKey::new(short.clone(), &*long),
        ResourceKey::new(long.clone(), "1"),
        ResourceKey::new(long.clone(), "-1"),
        ResourceKey::new(long.clone(), "more-1"),
        ResourceKey::new(long.clone(), &*short),
    ];
    let mut histories = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        let written = plan(key, [index % 2 + 1, 1, 2]);
        for commit in &written {
            store(&handle, commit).await;
        }
        histories.push(written);
    }
    for (key, written) in keys.iter().zip(&histories) {
        assert_history(&handle, key, written).await;
    }
    for resource_type in [&short, &long] {
        let mut expected: Vec<_> = keys.iter().filter(|key| key.resource_type == *resource_type).collect();
        expected.sort();
        let listed = walk(&handle, resource_type, 2).await;
        assert!(
            listed.iter().eq(expected.iter().map(|key| &key.id)),
            "the list of {resource_type}: {listed:?}"
        );
        assert_eq!(scan(&handle, resource_type).await.concat().len(), 12, "the scan of {resource_type}");
    }
}
