//! [`ready`]: which shards may be read.

use std::collections::HashSet;

/// A shard that the stream has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shard {
    pub(super) id: String,
    /// The one that it continues. The stream may have forgotten it.
    pub(super) parent: Option<String>,
}

/// Those that are not begun and whose parent is done, or is forgotten: a resource's later changes must not overtake its
/// earlier ones.
pub(super) fn ready(listed: &[Shard], begun: &HashSet<String>, done: &HashSet<String>) -> Vec<String> {
    let is_open = |id: &String| !done.contains(id) && listed.iter().any(|shard| shard.id == *id);
    let may_begin =
        |shard: &&Shard| !begun.contains(&shard.id) && !shard.parent.as_ref().is_some_and(is_open);
    listed.iter().filter(may_begin).map(|shard| shard.id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(id: &str, parent: Option<&str>) -> Shard {
        Shard { id: id.to_owned(), parent: parent.map(str::to_owned) }
    }

    fn set(ids: &[&str]) -> HashSet<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn a_shard_waits_for_its_parent() {
        let listed = [shard("b", Some("a")), shard("a", None), shard("c", Some("b")), shard("d", Some("b"))];
        assert_eq!(ready(&listed, &set(&[]), &set(&[])), ["a"]);
        assert_eq!(ready(&listed, &set(&["a"]), &set(&[])), [""; 0]);
        assert_eq!(ready(&listed, &set(&["a"]), &set(&["a"])), ["b"]);
        assert_eq!(ready(&listed, &set(&["a", "b"]), &set(&["a", "b"])), ["c", "d"]);
    }

    #[test]
    fn a_parent_that_is_forgotten_is_not_waited_for() {
        assert_eq!(ready(&[shard("b", Some("a"))], &set(&[]), &set(&[])), ["b"]);
    }
}
