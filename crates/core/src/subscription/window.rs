//! [`Window`]: which of the deliveries of a part are under way, and up to where all are done.

use std::collections::VecDeque;

/// So many that are done may be kept, beside as many as are under way.
const SPARE: usize = 1_024;

/// The positions between the last one that is done with all before it, and the last one that was taken.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// By their positions. The first one is under way, and not many are done.
    deliveries: VecDeque<(u64, State)>,
    under_way: usize,
    taken: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    UnderWay,
    Done,
}

impl Window {
    /// Deliveries are under way, in any order, which are behind all that were taken before.
    pub(super) fn begin(&mut self, positions: impl Iterator<Item = u64>) {
        let taken = self.deliveries.len();
        self.deliveries.extend(positions.map(|position| (position, State::UnderWay)));
        let added = &mut self.deliveries.make_contiguous()[taken..];
        added.sort_unstable_by_key(|(position, _)| *position);
        self.under_way += added.len();
        if let Some((last, _)) = self.deliveries.back() {
            self.taken = self.taken.max(*last);
        }
    }

    /// Nothing else is there up to this position.
    pub(super) fn reach(&mut self, position: u64) {
        self.taken = self.taken.max(position);
    }

    /// A delivery is done.
    pub(super) fn end(&mut self, position: u64) {
        if let Ok(index) = self.deliveries.binary_search_by_key(&position, |(position, _)| *position)
            && self.deliveries[index].1 == State::UnderWay
        {
            self.deliveries[index].1 = State::Done;
            self.under_way -= 1;
        }
        while self.deliveries.front().is_some_and(|(_, state)| *state == State::Done) {
            self.deliveries.pop_front();
        }
        // One may be under way for long, while ever more behind it are done.
        if self.deliveries.len() > 2 * self.under_way + SPARE {
            self.deliveries.retain(|(_, state)| *state == State::UnderWay);
        }
    }

    /// How many are under way.
    pub(super) fn len(&self) -> usize {
        self.under_way
    }

    /// The position up to which everything is done.
    pub(super) fn done(&self) -> u64 {
        self.deliveries.front().map_or(self.taken, |(first, _)| first - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_ends_before_the_first_that_is_not() {
        let mut window = Window::default();
        assert_eq!(window.done(), 0);
        window.begin([5, 3].into_iter());
        window.begin([9].into_iter());
        window.reach(12);
        assert_eq!(window.done(), 2);
        window.end(5);
        assert_eq!((window.done(), window.len()), (2, 2));
        window.end(3);
        assert_eq!(window.done(), 8);
        window.end(9);
        assert_eq!((window.done(), window.len()), (12, 0));
    }

    #[test]
    fn what_is_done_behind_one_that_is_under_way_takes_no_room() {
        let mut window = Window::default();
        window.begin([1].into_iter());
        for position in 2..100_000 {
            window.begin([position].into_iter());
            window.end(position);
            assert!(window.deliveries.len() <= SPARE + 3);
        }
        assert_eq!((window.done(), window.len()), (0, 1));
        window.end(1);
        assert_eq!(window.done(), 99_999);
    }
}
