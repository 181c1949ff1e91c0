//! Places in sorted sets: GEOADD, GEOSEARCH and what is like them.

use larder::{AddRule, Center, Geo, GeoArea, GeoFound, GeoSearch, InTx, KeyType, Position};

use crate::args::{Args, Outcome, float, int, is};
use crate::db::{Db, on};
use crate::fault::Fault;
use crate::reply::Reply;

type Bytes = Vec<u8>;

const NO_MEMBER: Fault = Fault::fixed("ERR could not decode requested zset member");

fn geo<'d>(db: Db<'d>, key: &[u8]) -> Geo<'d, Bytes, InTx<'d>> {
    db.geo(key)
}

/// Metres in a unit, by its name.
fn unit(word: &[u8]) -> Result<f64, Fault> {
    let units = [("M", 1.0), ("KM", 1000.0), ("FT", 0.3048), ("MI", 1609.34)];
    let found = units.into_iter().find(|(name, _)| is(word, name));
    let fault = Fault::fixed("ERR unsupported unit provided. please use M, KM, FT, MI");
    found.map(|(_, metres)| metres).ok_or(fault)
}

/// A longitude and a latitude.
fn position(args: &mut Args<'_>) -> Result<Position, Fault> {
    let (longitude, latitude) = (args.float()?, args.float()?);
    let position = Position {
        longitude,
        latitude,
    };
    if longitude.abs() > 180.0 || latitude.abs() > 85.051_128_78 {
        return Err(Fault::new(format!(
            "ERR invalid longitude,latitude pair {longitude:.6},{latitude:.6}"
        )));
    }
    Ok(position)
}

/// A length in metres' multiples, with the text for one that is none.
fn length(word: &[u8], otherwise: &'static str) -> Result<f64, Fault> {
    float(word).ok_or(Fault::fixed(otherwise))
}

/// A distance with four digits, as servers print it.
fn distance(metres: f64) -> Reply {
    Reply::bulk(format!("{metres:.4}"))
}

fn coordinates(position: Position) -> Reply {
    let Position {
        longitude,
        latitude,
    } = position;
    Reply::Array(vec![Reply::Double(longitude), Reply::Double(latitude)])
}

pub(crate) fn add(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let geo = geo(db, args.take()?);
    let (mut nx, mut xx, mut changes) = (false, false, false);
    loop {
        if args.accept("NX") {
            nx = true;
        } else if args.accept("XX") {
            xx = true;
        } else if args.accept("CH") {
            changes = true;
        } else {
            break;
        }
    }
    if !args.left().is_multiple_of(3) || nx && xx {
        return Err(Fault::SYNTAX);
    }
    let mut members = Vec::with_capacity(args.left() / 3);
    while !args.is_empty() {
        let position = position(&mut args)?;
        members.push((args.take()?, position));
    }
    let rule = match (nx, xx) {
        (true, _) => AddRule::IfAbsent,
        (_, true) => AddRule::IfPresent,
        _ => AddRule::Always,
    };
    let count = geo.add_with(rule, members)?;
    Ok(Reply::count(
        count.added + if changes { count.changed } else { 0 },
    ))
}

pub(crate) fn positions(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let places = geo(db, args.take()?).positions(args.rest())?;
    let place = |place: Option<Position>| place.map_or(Reply::NullArray, coordinates);
    Ok(Reply::Array(places.into_iter().map(place).collect()))
}

pub(crate) fn hashes(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let hashes = geo(db, args.take()?).geohashes(args.rest())?;
    let hash = |hash: Option<String>| hash.map_or(Reply::Null, Reply::bulk);
    Ok(Reply::Array(hashes.into_iter().map(hash).collect()))
}

pub(crate) fn dist(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let geo = geo(db, args.take()?);
    let (from, to) = (args.take()?, args.take()?);
    if args.left() > 1 {
        return Err(Fault::SYNTAX);
    }
    let metres = args.take().map_or(Ok(1.0), unit)?;
    let between = geo.distance(from, to)?;
    Ok(between.map_or(Reply::Null, |between| distance(between / metres)))
}

/// Where a search stores what it finds.
enum Destination<'a> {
    Places(&'a [u8]),
    Distances(&'a [u8]),
}

/// What a search may be given.
#[derive(Default)]
struct Words<'a> {
    center: Option<Center>,
    /// The member that the search is around is not there.
    is_lost: bool,
    area: Option<GeoArea>,
    /// Metres of a unit of the area.
    metres: f64,
    coordinates: bool,
    distances: bool,
    cells: bool,
    any: bool,
    count: Option<usize>,
    /// The nearest first, or the farthest.
    nearest: Option<bool>,
    destination: Option<Destination<'a>>,
}

/// Which command is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// GEOSEARCH and GEOSEARCHSTORE.
    Search,
    /// GEORADIUS and GEORADIUSBYMEMBER.
    Radius,
    /// The two of them that only read.
    RadiusReadOnly,
}

impl<'a> Words<'a> {
    /// Around a member, which is looked up at once: the first thing that is wrong is told.
    fn around(
        &mut self,
        set: &Geo<'_, Bytes, InTx<'_>>,
        there: bool,
        member: &[u8],
    ) -> Result<(), Fault> {
        if !there {
            self.is_lost = true;
            return Ok(());
        }
        let place = set.position(member)?.ok_or(NO_MEMBER)?;
        self.center = Some(place.into());
        Ok(())
    }

    /// RADIUS and its unit.
    fn circle(&mut self, args: &mut Args<'_>) -> Result<(), Fault> {
        let radius = length(args.take()?, "ERR need numeric radius")?;
        if radius < 0.0 {
            return Err(Fault::fixed("ERR radius cannot be negative"));
        }
        self.metres = unit(args.take()?)?;
        self.area = Some(GeoArea::Circle {
            radius: radius * self.metres,
        });
        Ok(())
    }

    /// Width, height and their unit.
    fn rectangle(&mut self, args: &mut Args<'_>) -> Result<(), Fault> {
        let width = length(args.take()?, "ERR need numeric width")?;
        let height = length(args.take()?, "ERR need numeric height")?;
        if width < 0.0 || height < 0.0 {
            return Err(Fault::fixed("ERR height or width cannot be negative"));
        }
        self.metres = unit(args.take()?)?;
        self.area = Some(GeoArea::Rectangle {
            width: width * self.metres,
            height: height * self.metres,
        });
        Ok(())
    }

    /// The words that may stand in any order.
    fn options(
        &mut self,
        args: &mut Args<'a>,
        form: Form,
        set: &Geo<'_, Bytes, InTx<'_>>,
        there: bool,
    ) -> Result<(), Fault> {
        while let Some(word) = args.peek() {
            if self.plain(args) || form == Form::Search && self.of_search(args, set, there)? {
                continue;
            }
            let behind = args.left() > 1;
            if is(word, "COUNT") && behind {
                args.take()?;
                self.count = Some(count(args.take()?)?);
            } else if form == Form::Radius && is(word, "STORE") && behind {
                args.take()?;
                self.destination = Some(Destination::Places(args.take()?));
            } else if form == Form::Radius && is(word, "STOREDIST") && behind {
                args.take()?;
                self.destination = Some(Destination::Distances(args.take()?));
            } else if let (Form::Search, Some(Destination::Places(to)), true) =
                (form, &self.destination, is(word, "STOREDIST"))
            {
                args.take()?;
                self.destination = Some(Destination::Distances(to));
            } else {
                return Err(Fault::SYNTAX);
            }
        }
        Ok(())
    }

    /// A word that stands alone.
    fn plain(&mut self, args: &mut Args<'_>) -> bool {
        let flags = [
            ("WITHDIST", &mut self.distances),
            ("WITHHASH", &mut self.cells),
            ("WITHCOORD", &mut self.coordinates),
            ("ANY", &mut self.any),
        ];
        for (name, flag) in flags {
            if args.accept(name) {
                *flag = true;
                return true;
            }
        }
        let orders = [("ASC", true), ("DESC", false)];
        let order = orders.into_iter().find(|(name, _)| args.accept(name));
        self.nearest = order.map(|(_, nearest)| nearest).or(self.nearest);
        order.is_some()
    }

    /// FROMMEMBER, FROMLONLAT, BYRADIUS and BYBOX, each once.
    fn of_search(
        &mut self,
        args: &mut Args<'_>,
        set: &Geo<'_, Bytes, InTx<'_>>,
        there: bool,
    ) -> Result<bool, Fault> {
        let word = args.peek().unwrap_or_default();
        let behind = args.left() - 1;
        let centred = self.center.is_some() || self.is_lost;
        if is(word, "FROMMEMBER") && behind >= 1 && !centred {
            args.take()?;
            self.around(set, there, args.take()?)?;
        } else if is(word, "FROMLONLAT") && behind >= 2 && !centred {
            args.take()?;
            self.center = Some(position(args)?.into());
        } else if is(word, "BYRADIUS") && behind >= 2 && self.area.is_none() {
            args.take()?;
            self.circle(args)?;
        } else if is(word, "BYBOX") && behind >= 3 && self.area.is_none() {
            args.take()?;
            self.rectangle(args)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// What does not go together.
    fn check(&self, form: Form, name: &str) -> Result<(), Fault> {
        if self.destination.is_some() && (self.coordinates || self.distances || self.cells) {
            let what = match form {
                Form::Search => "GEOSEARCHSTORE",
                _ => "STORE option in GEORADIUS",
            };
            return Err(Fault::new(format!(
                "ERR {what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
            )));
        }
        let one_of = |these: &str| {
            Fault::new(format!(
                "ERR exactly one of {these} can be specified for {name}"
            ))
        };
        if self.center.is_none() && !self.is_lost {
            return Err(one_of("FROMMEMBER or FROMLONLAT"));
        }
        if self.area.is_none() {
            return Err(one_of("BYRADIUS and BYBOX"));
        }
        if self.any && self.count.is_none() {
            return Err(Fault::fixed("ERR the ANY argument requires COUNT argument"));
        }
        Ok(())
    }

    /// The search, unless there can be nothing to find.
    fn search(&self) -> Option<GeoSearch> {
        let mut search = GeoSearch::around(self.center.clone()?, self.area?);
        search = match self.nearest {
            None => search,
            Some(true) => search.nearest_first(),
            Some(false) => search.farthest_first(),
        };
        Some(match self.count {
            None => search,
            Some(count) if self.any => search.take_any(count),
            Some(count) => search.take(count),
        })
    }

    fn row(&self, found: GeoFound<Bytes>) -> Reply {
        let member = Reply::Bulk(found.member);
        if !(self.distances || self.cells || self.coordinates) {
            return member;
        }
        let mut row = vec![member];
        if self.distances {
            row.push(distance(found.distance / self.metres));
        }
        if self.cells {
            row.push(Reply::Int(i64::try_from(found.cell).unwrap_or(i64::MAX)));
        }
        if self.coordinates {
            row.push(coordinates(found.position));
        }
        Reply::Array(row)
    }

    /// Runs the search on a key, and answers, or stores what is found.
    fn run(&self, db: Db<'_>, key: &[u8], set: &Geo<'_, Bytes, InTx<'_>>) -> Outcome {
        let search = self.search();
        let Some(destination) = &self.destination else {
            let found = search.map_or(Ok(Vec::new()), |search| set.search(&search))?;
            let rows = found.into_iter().map(|found| self.row(found));
            return Ok(Reply::Array(rows.collect()));
        };
        let to = match destination {
            Destination::Places(to) | Destination::Distances(to) => *to,
        };
        let Some(search) = search else {
            on!(db, |d| d.remove(to));
            return Ok(Reply::count(0));
        };
        let to = geo(db, to);
        Ok(Reply::count(match destination {
            Destination::Places(_) => to.store_search_of(key, &search),
            Destination::Distances(_) => to.store_distances_of(key, &search, self.metres),
        }?))
    }
}

fn count(word: &[u8]) -> Result<usize, Fault> {
    let count = int(word)?;
    if count <= 0 {
        return Err(Fault::fixed("ERR COUNT must be > 0"));
    }
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Whether there are places; a value of another type is told before anything else.
fn is_there(db: Db<'_>, key: &[u8]) -> Result<bool, Fault> {
    match on!(db, |d| d.key_type(key)) {
        None => Ok(false),
        Some(KeyType::SortedSet) => Ok(true),
        Some(_) => Err(larder::Error::WrongType.into()),
    }
}

/// GEOSEARCH.
pub(crate) fn search(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let key = args.take()?;
    searched(db, key, args, Words::default())
}

pub(crate) fn search_store(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (to, key) = (args.take()?, args.take()?);
    let words = Words {
        destination: Some(Destination::Places(to)),
        ..Words::default()
    };
    searched(db, key, args, words)
}

fn searched<'a>(db: Db<'_>, key: &[u8], mut args: Args<'a>, mut words: Words<'a>) -> Outcome {
    let set = geo(db, key);
    let there = is_there(db, key)?;
    words.options(&mut args, Form::Search, &set, there)?;
    let name = String::from_utf8_lossy(args.words()[0]).into_owned();
    words.check(Form::Search, &name)?;
    words.run(db, key, &set)
}

/// GEORADIUS, GEORADIUSBYMEMBER, and the two that only read.
pub(crate) fn radius(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let name = args.name();
    let form = if name.ends_with("_ro") {
        Form::RadiusReadOnly
    } else {
        Form::Radius
    };
    let key = args.take()?;
    let (set, mut words) = (geo(db, key), Words::default());
    let there = is_there(db, key)?;
    if name.starts_with("georadiusbymember") {
        words.around(&set, there, args.take()?)?;
    } else {
        words.center = Some(position(&mut args)?.into());
    }
    if words.is_lost {
        // Where there is nothing to be around, servers do not read how far.
        args.take_many(2)?;
        words.area = Some(GeoArea::Circle { radius: 0.0 });
    } else {
        words.circle(&mut args)?;
    }
    words.options(&mut args, form, &set, there)?;
    words.check(form, &name)?;
    words.run(db, key, &set)
}
