//! [`Shard`]: which part of the listing index a resource is in.
//!
//! All resources of a table are listed by time, and what is created now is next to what was created just now. Under
//! one partition key that would be one hot partition, about 1,000 creates a second. So the index has as many keys as
//! there are shards, each resource is in the one that its id hashes to, and a list merges them.

use std::fmt;

use aws_event_sourcing_core::ResourceId;

/// A part of the listing index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shard(u8);

impl Shard {
    /// How many there are: 8 take 8,000 creates a second, and a page of a list needs 8 small queries side by side.
    /// Part of the stored form: never fewer.
    const COUNT: u8 = 8;

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(Self)
    }

    /// The shard of a resource: the 32-bit FNV-1a hash of its id, its two halves folded into one by XOR, modulo the
    /// number of shards. Part of the stored form: never changes.
    pub(crate) fn of(id: &ResourceId) -> Self {
        let hash = id
            .as_str()
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        Self(((hash >> 16 ^ hash) % u32::from(Self::COUNT)) as u8)
    }
}

/// As it is stored.
impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_stays_in_its_shard() {
        for (id, shard) in
            [("", "1"), ("a", "0"), ("foobar", "4"), ("4f4b2c1e-0c53-4f1e-9d0d-2f6a3e1b7c55", "6")]
        {
            assert_eq!(Shard::of(&id.into()).to_string(), shard, "{id}");
        }
    }

    #[test]
    fn resources_are_spread_evenly() {
        let mut resources = [0; Shard::COUNT as usize];
        for id in 0..8_000 {
            resources[usize::from(Shard::of(&format!("order-{id}").into()).0)] += 1;
        }
        assert!(resources.iter().all(|count| (900..1_100).contains(count)), "{resources:?}");
    }
}
