//! `Walk`: a place in a walk over the entries of several tables.
//!
//! A walk goes over the tables, and in each over the segments that it has when the walk comes to it. A segment is shown
//! together with those that were split off it meanwhile, in one step: so an entry that stays is seen exactly once,
//! however the table grows, and no step shows more than some thousand entries. The caller holds the table's lock for one
//! step and none in between.
//!
//! Cost: a step looks at the numbers of all segments of a table, some nanoseconds for each.

use super::Ref;
use super::table::{BUCKETS, Home, Slot, Table};

/// A place in a walk; see the module's text.
#[derive(Clone, Copy, Default)]
pub(crate) struct Walk {
    table: usize,
    /// Segments of the table when the walk came to it; 0 before that.
    segments: u32,
    segment: u32,
}

impl Walk {
    /// The number of the table that is next.
    pub(crate) fn table(&self) -> usize {
        self.table
    }

    /// Shows what is at this place of that table, and moves on.
    pub(crate) fn step(&mut self, table: &Table, mut show: impl FnMut(Slot, Ref)) {
        if self.segments == 0 {
            self.segments = table.segments();
        }
        for segment in 0..table.segments() {
            if origin(segment, self.segments) == self.segment {
                for bucket in 0..BUCKETS as u32 {
                    table.visit_bucket(Home { segment, bucket }, &mut show);
                }
            }
        }
        self.segment += 1;
        if self.segment >= self.segments {
            *self = Walk {
                table: self.table + 1,
                ..Walk::default()
            };
        }
    }
}

/// Where the entries of a segment were when there were only so many segments.
fn origin(segment: u32, segments: u32) -> u32 {
    let mask = segments.next_power_of_two() - 1;
    let full = segment & mask;
    if full < segments {
        full
    } else {
        full & (mask >> 1)
    }
}
