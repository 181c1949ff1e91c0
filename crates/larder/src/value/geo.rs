//! Places on the Earth: their cells, which are scores of a sorted set, their distances, and which cells a search looks at.
//!
//! A cell is named by 26 bits of latitude and 26 of longitude, interleaved, longitude first: neighbours on the ground are
//! mostly neighbours in the order of the scores, and the cells that share their first bits are one larger cell, and one
//! range of scores. A search takes the larger cell around its centre, at a size that the area does not reach beyond the
//! eight around it, and looks at the ranges of those nine that the area touches.
//!
//! Cells, distances and cover are a server's, so that the same members are found, and scores may come from one.

use std::ops::Range;

/// Bits of each of the two coordinates.
const BITS: u32 = 26;
/// What cells can name: a Mercator map's square.
const MAX_LATITUDE: f64 = 85.051_128_78;
const MAX_LONGITUDE: f64 = 180.0;
/// Metres.
const EARTH_RADIUS: f64 = 6_372_797.560_856;
/// Half of the map's side, in metres.
const HALF_MAP: f64 = 20_037_726.37;
/// Letters of a geohash, five bits each.
const LETTERS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
const GEOHASH_LEN: usize = 11;

/// A place: degrees east of Greenwich, and north of the equator.
///
/// ```
/// let palermo = larder::Position { longitude: 13.361389, latitude: 38.115556 };
/// let catania = larder::Position { longitude: 15.087269, latitude: 37.502669 };
/// assert_eq!(palermo.distance_to(catania).round(), 166_274.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// From -180 to 180.
    pub longitude: f64,
    /// From -85.05112878 to 85.05112878.
    pub latitude: f64,
}

impl Position {
    /// Metres along the surface of the Earth, taken as a ball: off by half a percent at most.
    ///
    /// ```
    /// let here = larder::Position { longitude: 8.5, latitude: 47.4 };
    /// assert_eq!(here.distance_to(here), 0.0);
    /// ```
    #[must_use]
    pub fn distance_to(self, other: Self) -> f64 {
        let (from, to) = (self.latitude.to_radians(), other.latitude.to_radians());
        let east = ((other.longitude.to_radians() - self.longitude.to_radians()) / 2.0).sin();
        if east == 0.0 {
            return EARTH_RADIUS * (to - from).abs();
        }
        let north = ((to - from) / 2.0).sin();
        let square = north * north + from.cos() * to.cos() * east * east;
        2.0 * EARTH_RADIUS * square.sqrt().asin()
    }

    /// Whether cells can name it.
    pub(crate) fn is_valid(self) -> bool {
        (-MAX_LONGITUDE..=MAX_LONGITUDE).contains(&self.longitude)
            && (-MAX_LATITUDE..=MAX_LATITUDE).contains(&self.latitude)
    }

    /// The score of the cell that it is in.
    pub(crate) fn score(self) -> f64 {
        Cell::of(self, BITS).name as f64
    }

    /// The middle of the cell with this score; `None` where the score names no cell.
    pub(crate) fn of_score(score: f64) -> Option<Self> {
        let cell = (0.0..(1_u64 << (2 * BITS)) as f64).contains(&score);
        cell.then(|| Cell::new(score as u64, BITS).middle())
    }

    /// The usual geohash, of 11 letters; its last bits are zero, since a cell has no more.
    pub(crate) fn geohash(self) -> String {
        let name = interleaved(
            part(self.latitude, 90.0, BITS),
            part(self.longitude, MAX_LONGITUDE, BITS),
        );
        let letter = |at: usize| {
            let shift = (2 * BITS as usize).checked_sub(5 * (at + 1));
            let bits = shift.map_or(0, |shift| name >> shift & 0x1f);
            char::from(LETTERS[bits as usize])
        };
        (0..GEOHASH_LEN).map(letter).collect()
    }
}

/// Where a coordinate is between its bounds, in so many bits.
fn part(at: f64, bound: f64, bits: u32) -> u32 {
    ((at + bound) / (2.0 * bound) * f64::from(1_u32 << bits)) as u32
}

/// The bits of two numbers by turns, the first one's lowest bit the lowest.
fn interleaved(low: u32, high: u32) -> u64 {
    spread(low) | spread(high) << 1
}

/// A number's bits, each with a zero above it.
fn spread(number: u32) -> u64 {
    const STEPS: [(u32, u64); 5] = [
        (16, 0x0000_ffff_0000_ffff),
        (8, 0x00ff_00ff_00ff_00ff),
        (4, 0x0f0f_0f0f_0f0f_0f0f),
        (2, 0x3333_3333_3333_3333),
        (1, 0x5555_5555_5555_5555),
    ];
    let mut bits = u64::from(number);
    for (shift, mask) in STEPS {
        bits = (bits | bits << shift) & mask;
    }
    bits
}

/// Every other bit of a number, from the lowest.
fn gathered(bits: u64) -> u32 {
    const STEPS: [(u32, u64); 5] = [
        (1, 0x3333_3333_3333_3333),
        (2, 0x0f0f_0f0f_0f0f_0f0f),
        (4, 0x00ff_00ff_00ff_00ff),
        (8, 0x0000_ffff_0000_ffff),
        (16, 0x0000_0000_ffff_ffff),
    ];
    let mut bits = bits & 0x5555_5555_5555_5555;
    for (shift, mask) in STEPS {
        bits = (bits | bits >> shift) & mask;
    }
    bits as u32
}

/// A cell: its name in `bits` bits of each coordinate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    name: u64,
    bits: u32,
}

/// The bounds of a cell or an area, in degrees.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    west: f64,
    east: f64,
    south: f64,
    north: f64,
}

impl Cell {
    fn new(name: u64, bits: u32) -> Self {
        Cell { name, bits }
    }

    fn of(position: Position, bits: u32) -> Self {
        let last = (1 << bits) - 1;
        let latitude = part(position.latitude, MAX_LATITUDE, bits);
        let longitude = part(position.longitude, MAX_LONGITUDE, bits);
        // The map's outer edge belongs to the last cell.
        Cell::new(interleaved(latitude.min(last), longitude.min(last)), bits)
    }

    fn bounds(self) -> Bounds {
        let share = |number: u32| f64::from(number) / f64::from(1_u32 << self.bits);
        let edge = |number: u32, bound: f64| -bound + share(number) * 2.0 * bound;
        let (latitude, longitude) = (gathered(self.name), gathered(self.name >> 1));
        Bounds {
            west: edge(longitude, MAX_LONGITUDE),
            east: edge(longitude + 1, MAX_LONGITUDE),
            south: edge(latitude, MAX_LATITUDE),
            north: edge(latitude + 1, MAX_LATITUDE),
        }
    }

    fn middle(self) -> Position {
        let Bounds {
            west,
            east,
            south,
            north,
        } = self.bounds();
        Position {
            longitude: f64::midpoint(west, east).clamp(-MAX_LONGITUDE, MAX_LONGITUDE),
            latitude: f64::midpoint(south, north).clamp(-MAX_LATITUDE, MAX_LATITUDE),
        }
    }

    /// The cell so many to the east and to the north; behind the map's edge comes its other side.
    fn neighbour(self, (east, north): (i32, i32)) -> Self {
        let moved = |number: u32, by: i32| number.wrapping_add_signed(by) & ((1 << self.bits) - 1);
        let latitude = moved(gathered(self.name), north);
        let longitude = moved(gathered(self.name >> 1), east);
        Cell::new(interleaved(latitude, longitude), self.bits)
    }

    /// The scores of what is inside.
    fn scores(self) -> Range<f64> {
        let shift = 2 * (BITS - self.bits);
        (self.name << shift) as f64..((self.name + 1) << shift) as f64
    }
}

/// The part of the Earth that a search is about, around its centre; in metres.
///
/// ```
/// use larder::{GeoArea, Position};
///
/// let store = larder::Store::new();
/// let cities = store.geo::<String>("cities");
/// cities.add("Palermo", Position { longitude: 13.361389, latitude: 38.115556 })?;
/// let near = larder::GeoSearch::around_member("Palermo", GeoArea::Circle { radius: 1.0 });
/// assert_eq!(cities.search(&near)?.len(), 1);
/// # Ok::<(), larder::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum GeoArea {
    /// What is no further away than this.
    #[doc(alias = "BYRADIUS")]
    Circle {
        /// From the centre.
        radius: f64,
    },
    /// What is no further to the east, west, north or south than half of these.
    #[doc(alias = "BYBOX")]
    Rectangle {
        /// From west to east.
        width: f64,
        /// From south to north.
        height: f64,
    },
}

/// The neighbours of a cell in the order in which they are looked at, the cell first.
const AROUND: [(i32, i32); 9] = [
    (0, 0),
    (0, 1),
    (0, -1),
    (1, 0),
    (-1, 0),
    (1, 1),
    (-1, 1),
    (1, -1),
    (-1, -1),
];

impl GeoArea {
    /// Whether it has a size.
    pub(crate) fn is_valid(self) -> bool {
        match self {
            GeoArea::Circle { radius } => radius >= 0.0,
            GeoArea::Rectangle { width, height } => width >= 0.0 && height >= 0.0,
        }
    }

    /// How far the place is from the centre, if it is inside.
    pub(crate) fn distance(self, centre: Position, place: Position) -> Option<f64> {
        match self {
            GeoArea::Circle { radius } => {
                let distance = centre.distance_to(place);
                (distance <= radius).then_some(distance)
            }
            GeoArea::Rectangle { width, height } => {
                let (from, to) = (centre.latitude.to_radians(), place.latitude.to_radians());
                let level = Position {
                    longitude: centre.longitude,
                    ..place
                };
                let outside = EARTH_RADIUS * (to - from).abs() > height / 2.0
                    || place.distance_to(level) > width / 2.0;
                (!outside).then(|| centre.distance_to(place))
            }
        }
    }

    /// Metres from the centre to the furthest point.
    fn reach(self) -> f64 {
        match self {
            GeoArea::Circle { radius } => radius,
            GeoArea::Rectangle { width, height } => (width / 2.0).hypot(height / 2.0),
        }
    }

    fn bounds(self, centre: Position) -> Bounds {
        let (half_width, half_height) = match self {
            GeoArea::Circle { radius } => (radius, radius),
            GeoArea::Rectangle { width, height } => (width / 2.0, height / 2.0),
        };
        let north = (half_height / EARTH_RADIUS).to_degrees();
        // The area is widest, in degrees, on its side towards the pole.
        let edge = if centre.latitude < 0.0 {
            centre.latitude - north
        } else {
            centre.latitude + north
        };
        let east = (half_width / EARTH_RADIUS / edge.to_radians().cos()).to_degrees();
        Bounds {
            west: centre.longitude - east,
            east: centre.longitude + east,
            south: centre.latitude - north,
            north: centre.latitude + north,
        }
    }

    /// The ranges of scores to look at.
    pub(crate) fn cover(self, centre: Position) -> Vec<Range<f64>> {
        let bounds = self.bounds(centre);
        let mut cell = Cell::of(centre, bits_for(self.reach(), centre.latitude));
        if bounds.holds_a_pole() {
            // All longitudes are near there: the whole map, in four cells.
            cell = Cell::of(centre, 1);
        } else if cell.bits > 1 && !cell.is_passed_by(bounds) {
            cell = Cell::of(centre, cell.bits - 1);
        }
        let inner = cell.bounds();
        // On a map of four cells all may be needed.
        let needed = |(east, north): (i32, i32)| {
            cell.bits < 2
                || !(north < 0 && inner.south < bounds.south
                    || north > 0 && inner.north > bounds.north
                    || east < 0 && inner.west < bounds.west
                    || east > 0 && inner.east > bounds.east)
        };
        let mut cells: Vec<Cell> = Vec::new();
        for step in AROUND {
            let next = cell.neighbour(step);
            if needed(step) && !cells.contains(&next) {
                cells.push(next);
            }
        }
        cells.into_iter().map(Cell::scores).collect()
    }
}

impl Bounds {
    /// Whether the area reaches beyond a pole, where its longitudes turn round.
    fn holds_a_pole(self) -> bool {
        self.south <= -90.0 || self.north >= 90.0
    }
}

impl Cell {
    /// Whether the bounds end within the cells around this one.
    fn is_passed_by(self, bounds: Bounds) -> bool {
        let around = |step| self.neighbour(step).bounds();
        around((0, 1)).north >= bounds.north
            && around((0, -1)).south <= bounds.south
            && around((1, 0)).east >= bounds.east
            && around((-1, 0)).west <= bounds.west
    }
}

/// How finely the map is to be divided for cells that are as large as the reach; towards the poles they are narrower.
fn bits_for(reach: f64, latitude: f64) -> u32 {
    if reach == 0.0 {
        return BITS;
    }
    let halvings = (HALF_MAP / reach).log2().ceil().max(0.0) as i32;
    let narrower = i32::from(latitude.abs() > 66.0) + i32::from(latitude.abs() > 80.0);
    let bits = (halvings - 1 - narrower).clamp(1, BITS as i32);
    bits.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn position() -> impl Strategy<Value = Position> {
        (-180.0..=180.0, -85.0..=85.0).prop_map(|(longitude, latitude)| Position {
            longitude,
            latitude,
        })
    }

    proptest! {
        #[test]
        fn bits_that_are_spread_gather_again(number in any::<u32>()) {
            prop_assert_eq!(gathered(spread(number)), number);
        }

        #[test]
        fn a_place_is_within_a_metre_of_the_middle_of_its_cell(place in position()) {
            let middle = Position::of_score(place.score()).expect("a cell has a middle");
            prop_assert!(place.distance_to(middle) < 1.0);
            prop_assert_eq!(middle.score(), place.score());
        }

        #[test]
        fn what_is_inside_an_area_is_in_its_cover(
            centre in (-180.0..=180.0, -85.0..=85.0),
            offset in (-1.0..=1.0, -1.0..=1.0),
            // Metres, by their powers.
            reach in (-1.0..7.4).prop_map(|power| 10_f64.powf(power)),
            stretch in 1.0..20.0,
            tall in any::<bool>(),
        ) {
            let centre = Position { longitude: centre.0, latitude: centre.1 };
            let degrees = f64::to_degrees(reach / EARTH_RADIUS);
            // Around the globe where it comes to that.
            let place = Position {
                longitude: f64::rem_euclid(centre.longitude + offset.0 * degrees * stretch + 540.0, 360.0) - 180.0,
                latitude: f64::clamp(centre.latitude + offset.1 * degrees, -85.0, 85.0),
            };
            let area = if tall {
                GeoArea::Rectangle { width: reach, height: reach * 2.0 }
            } else {
                GeoArea::Circle { radius: reach }
            };
            if area.distance(centre, place).is_some() {
                let score = place.score();
                prop_assert!(area.cover(centre).iter().any(|range| range.contains(&score)));
            }
        }
    }

    #[test]
    fn known_places_have_known_names() {
        let palermo = Position {
            longitude: 13.361_389,
            latitude: 38.115_556,
        };
        assert_eq!(palermo.score(), 3_479_099_956_230_698.0);
        assert_eq!(palermo.geohash(), "sqc8b49rny0");
    }

    #[test]
    fn a_score_that_names_no_cell_is_no_place() {
        for score in [-1.0, f64::INFINITY, f64::NEG_INFINITY, (1_u64 << 52) as f64] {
            assert_eq!(Position::of_score(score), None);
        }
    }
}
