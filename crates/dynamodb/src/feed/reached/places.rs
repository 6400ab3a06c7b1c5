//! [`Places`]: how far the segments of a table are handled.

use std::collections::VecDeque;

use aws_event_sourcing_core::ResourceId;

/// Where reading goes on in a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Place {
    Start,
    /// Behind a commit: its resource, and its first number.
    Behind(ResourceId, u64),
    /// All of it is read.
    End,
}

/// How far the segments of a table are handled.
#[derive(Debug)]
pub(in super::super) struct Places {
    saved: Vec<Place>,
    /// How far segments are read behind what is saved: positions, segments and places.
    noted: VecDeque<(u64, usize, Place)>,
}

impl Places {
    pub(in super::super) fn new(saved: Vec<Place>) -> Self {
        Self { saved, noted: VecDeque::new() }
    }

    pub(super) fn note(&mut self, position: u64, segment: usize, place: Place) {
        self.noted.push_back((position, segment, place));
    }

    /// Where reading goes on when everything up to a position is handled; none where that is what is saved.
    pub(super) fn at(&self, position: u64) -> Option<Vec<Place>> {
        let count = self.count(position);
        (count > 0).then(|| {
            let mut places = self.saved.clone();
            for (_, segment, place) in self.noted.range(..count) {
                places[*segment].clone_from(place);
            }
            places
        })
    }

    pub(super) fn saved(&mut self, position: u64) {
        let count = self.count(position);
        for (_, segment, place) in self.noted.drain(..count) {
            self.saved[segment] = place;
        }
    }

    fn count(&self, position: u64) -> usize {
        self.noted.partition_point(|(noted, ..)| *noted <= position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behind(id: &str, number: u64) -> Place {
        Place::Behind(id.into(), number)
    }

    #[test]
    fn each_segment_goes_on_where_it_is_handled() {
        let mut places = Places::new(vec![Place::Start, Place::End, behind("a", 3)]);
        places.note(5, 0, behind("b", 1));
        places.note(5, 2, behind("a", 4));
        places.note(9, 0, behind("c", 7));
        places.note(9, 2, Place::End);
        assert_eq!(places.at(4), None);
        assert_eq!(places.at(8), Some(vec![behind("b", 1), Place::End, behind("a", 4)]));
        places.saved(8);
        assert_eq!(places.at(8), None);
        assert_eq!(places.at(9), Some(vec![behind("c", 7), Place::End, Place::End]));
    }
}
