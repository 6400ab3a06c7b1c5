//! [`Window`]: which of the deliveries of a part are under way, and up to where all are done.

use std::collections::BTreeSet;

/// The positions between the last one that is done with all before it, and the last one that was taken.
#[derive(Debug, Default)]
pub(super) struct Window {
    under_way: BTreeSet<u64>,
    taken: u64,
}

impl Window {
    /// A delivery is under way.
    pub(super) fn begin(&mut self, position: u64) {
        self.under_way.insert(position);
        self.reach(position);
    }

    /// Nothing else is there up to this position.
    pub(super) fn reach(&mut self, position: u64) {
        self.taken = self.taken.max(position);
    }

    /// A delivery is done.
    pub(super) fn end(&mut self, position: u64) {
        self.under_way.remove(&position);
    }

    /// How many are under way.
    pub(super) fn len(&self) -> usize {
        self.under_way.len()
    }

    /// The position up to which everything is done.
    pub(super) fn done(&self) -> u64 {
        self.under_way.first().map_or(self.taken, |first| first - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_ends_before_the_first_that_is_not() {
        let mut window = Window::default();
        assert_eq!(window.done(), 0);
        for position in [3, 5, 9] {
            window.begin(position);
        }
        window.reach(12);
        assert_eq!(window.done(), 2);
        window.end(5);
        assert_eq!((window.done(), window.len()), (2, 2));
        window.end(3);
        assert_eq!(window.done(), 8);
        window.end(9);
        assert_eq!((window.done(), window.len()), (12, 0));
    }
}
