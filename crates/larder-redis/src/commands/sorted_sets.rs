//! Sorted sets: ZADD, ZRANGE and what is like them.

use std::ops::Bound;

use larder::{AddRule, Draw, InTx, Select, SortedSet, Span};

use super::hashes::drawn;
use super::lists::many;
use super::waiting::Extreme;
use crate::args::{Args, Outcome, float, int, is};
use crate::db::Db;
use crate::fault::Fault;
use crate::reply::Reply;

type Bytes = Vec<u8>;

pub(super) fn set<'d>(db: Db<'d>, key: &[u8]) -> SortedSet<'d, Bytes, InTx<'d>> {
    db.sorted_set::<Bytes>(key)
}

fn score(found: Option<f64>) -> Reply {
    found.map_or(Reply::Null, Reply::Double)
}

pub(super) fn pairs(members: Vec<(Bytes, f64)>) -> Reply {
    let pair = |(member, score)| (Reply::Bulk(member), Reply::Double(score));
    Reply::Pairs(members.into_iter().map(pair).collect())
}

/// NX, XX, GT, LT, CH and INCR of ZADD.
#[derive(Clone, Copy, Debug, Default)]
struct AddWords {
    nx: bool,
    xx: bool,
    gt: bool,
    lt: bool,
    ch: bool,
    incr: bool,
}

impl AddWords {
    fn read(args: &mut Args<'_>) -> Self {
        let mut words = AddWords::default();
        while let Some(word) = args.peek() {
            let AddWords {
                nx,
                xx,
                gt,
                lt,
                ch,
                incr,
            } = &mut words;
            let flags = [
                ("NX", nx),
                ("XX", xx),
                ("GT", gt),
                ("LT", lt),
                ("CH", ch),
                ("INCR", incr),
            ];
            let Some((name, flag)) = flags.into_iter().find(|(name, _)| is(word, name)) else {
                break;
            };
            *flag = args.accept(name);
        }
        words
    }

    fn rule(self) -> Result<AddRule, Fault> {
        let AddWords { nx, xx, gt, lt, .. } = self;
        if nx && xx {
            return Err(Fault::fixed(
                "ERR XX and NX options at the same time are not compatible",
            ));
        }
        if nx && (gt || lt) || gt && lt {
            return Err(Fault::fixed(
                "ERR GT, LT, and/or NX options at the same time are not compatible",
            ));
        }
        Ok(match (xx, gt, lt) {
            _ if nx => AddRule::IfAbsent,
            (true, true, _) => AddRule::IfPresentAndGreater,
            (true, _, true) => AddRule::IfPresentAndLess,
            (true, ..) => AddRule::IfPresent,
            (_, true, _) => AddRule::IfGreater,
            (_, _, true) => AddRule::IfLess,
            _ => AddRule::Always,
        })
    }
}

pub(crate) fn add(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let set = set(db, args.take()?);
    let words = AddWords::read(&mut args);
    if args.is_empty() || !args.left().is_multiple_of(2) {
        return Err(Fault::SYNTAX);
    }
    let rule = words.rule()?;
    if words.incr && args.left() > 2 {
        return Err(Fault::fixed(
            "ERR INCR option supports a single increment-element pair",
        ));
    }
    let mut pairs: Vec<(&[u8], f64)> = Vec::with_capacity(args.left() / 2);
    for pair in args.rest().chunks_exact(2) {
        pairs.push((pair[1], float(pair[0]).ok_or(Fault::NOT_A_FLOAT)?));
    }
    if let (true, [(member, by)]) = (words.incr, &pairs[..]) {
        return Ok(score(set.incr_with(rule, *member, *by)?));
    }
    let count = set.add_with(rule, pairs)?;
    Ok(Reply::count(
        count.added + if words.ch { count.changed } else { 0 },
    ))
}

pub(crate) fn incrby(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let set = set(db, args.take()?);
    let by = args.float()?;
    Ok(Reply::Double(set.incr(args.take()?, by)?))
}

pub(crate) fn card(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    Ok(Reply::count(set(db, args.take()?).len()?))
}

pub(crate) fn score_of(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    Ok(score(set(db, args.take()?).score(args.take()?)?))
}

pub(crate) fn scores_of(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let scores = set(db, args.take()?).scores(args.rest())?;
    Ok(Reply::Array(scores.into_iter().map(score).collect()))
}

pub(crate) fn remove(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    Ok(Reply::count(
        set(db, args.take()?).remove_many(args.rest())?,
    ))
}

/// ZRANK and ZREVRANK.
pub(crate) fn rank(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let down = args.name() == "zrevrank";
    let set = set(db, args.take()?);
    let member = args.take()?;
    if args.left() > 1 {
        return Err(Fault::arity(&args.name()));
    }
    let with_score = !args.is_empty();
    if with_score && !args.accept("WITHSCORE") {
        return Err(Fault::SYNTAX);
    }
    let found = if down {
        set.rev_rank_with_score(member)
    } else {
        set.rank_with_score(member)
    }?;
    Ok(match found {
        None if with_score => Reply::NullArray,
        None => Reply::Null,
        Some((rank, score)) if with_score => {
            Reply::Array(vec![Reply::count(rank), Reply::Double(score)])
        }
        Some((rank, _)) => Reply::count(rank),
    })
}

/// ZPOPMIN and ZPOPMAX.
pub(crate) fn pop(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let least = args.name() == "zpopmin";
    let set = set(db, args.take()?);
    let pop = |most| {
        if least {
            set.pop_min_many(most)
        } else {
            set.pop_max_many(most)
        }
    };
    if args.is_empty() {
        let flat = |(member, score)| [Reply::Bulk(member), Reply::Double(score)];
        return Ok(Reply::Array(pop(1)?.into_iter().flat_map(flat).collect()));
    }
    if args.left() > 1 {
        return Err(Fault::SYNTAX);
    }
    let count = int(args.take()?)
        .ok()
        .and_then(|count| usize::try_from(count).ok());
    Ok(pairs(pop(count.ok_or(Fault::NOT_POSITIVE)?)?))
}

/// What a range is by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Rank,
    Score,
    Lex,
}

fn score_bound(word: &[u8]) -> Result<Bound<f64>, Fault> {
    let wrong = Fault::fixed("ERR min or max is not a float");
    match word.strip_prefix(b"(") {
        Some(rest) => float(rest).map(Bound::Excluded).ok_or(wrong),
        None => float(word).map(Bound::Included).ok_or(wrong),
    }
}

/// An end of a range of members.
enum LexBound<'a> {
    Least,
    Most,
    At(Bound<&'a [u8]>),
}

fn lex_bound(word: &[u8]) -> Result<LexBound<'_>, Fault> {
    match word {
        b"-" => Ok(LexBound::Least),
        b"+" => Ok(LexBound::Most),
        [b'[', rest @ ..] => Ok(LexBound::At(Bound::Included(rest))),
        [b'(', rest @ ..] => Ok(LexBound::At(Bound::Excluded(rest))),
        _ => Err(Fault::fixed("ERR min or max not valid string range item")),
    }
}

/// The members from a lower to an upper bound; `None` where none can be.
fn select(by: By, low: &[u8], high: &[u8]) -> Result<Option<Select>, Fault> {
    Ok(Some(match by {
        By::Rank => Select::ranks(Span::new(int(low)?, int(high)?)),
        By::Score => Select::scores((score_bound(low)?, score_bound(high)?)),
        By::Lex => {
            let (low, high) = (lex_bound(low)?, lex_bound(high)?);
            let low = match low {
                LexBound::Least => Bound::Unbounded,
                LexBound::At(bound) => bound,
                LexBound::Most => return Ok(None),
            };
            let high = match high {
                LexBound::Most => Bound::Unbounded,
                LexBound::At(bound) => bound,
                LexBound::Least => return Ok(None),
            };
            Select::members::<&[u8]>((low, high))
        }
    }))
}

/// What a range command asks for.
struct RangeWords {
    by: By,
    down: bool,
    limit: Option<(i64, i64)>,
    with_scores: bool,
}

impl RangeWords {
    /// What the name of the command says.
    fn of(name: &str) -> Self {
        let by = match name {
            _ if name.ends_with("byscore") => By::Score,
            _ if name.ends_with("bylex") => By::Lex,
            _ => By::Rank,
        };
        let down = name.starts_with("zrev");
        RangeWords {
            by,
            down,
            limit: None,
            with_scores: false,
        }
    }

    /// The words behind the bounds, as this command has them.
    fn read(&mut self, args: &mut Args<'_>, name: &str) -> Result<(), Fault> {
        let (any, stores) = (name.starts_with("zrange"), name == "zrangestore");
        let any = any && !name.contains("by");
        while !args.is_empty() {
            if !stores && args.accept("WITHSCORES") {
                self.with_scores = true;
            } else if args.accept("LIMIT") {
                self.limit = Some((args.int()?, args.int()?));
            } else if any && args.accept("BYSCORE") {
                self.by = By::Score;
            } else if any && args.accept("BYLEX") {
                self.by = By::Lex;
            } else if any && args.accept("REV") {
                self.down = true;
            } else {
                return Err(Fault::SYNTAX);
            }
        }
        if self.limit.is_some() && self.by == By::Rank {
            return Err(Fault::fixed(
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
            ));
        }
        if self.with_scores && self.by == By::Lex {
            return Err(Fault::fixed(
                "ERR syntax error, WITHSCORES not supported in combination with BYLEX",
            ));
        }
        Ok(())
    }

    /// The members; a range by score or member that goes down names its upper end first.
    fn select(&self, first: &[u8], last: &[u8]) -> Result<Option<Select>, Fault> {
        let turned = self.down && self.by != By::Rank;
        let (low, high) = if turned { (last, first) } else { (first, last) };
        let Some(mut select) = select(self.by, low, high)? else {
            return Ok(None);
        };
        if self.down {
            select = select.rev();
        }
        if let Some((skip, take)) = self.limit {
            let Ok(skip) = usize::try_from(skip) else {
                return Ok(None);
            };
            select = select
                .skip(skip)
                .take(usize::try_from(take).unwrap_or(usize::MAX));
        }
        Ok(Some(select))
    }
}

/// ZRANGE, and the older commands that are named after what they range by.
pub(crate) fn range(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let name = args.name();
    let set = set(db, args.take()?);
    let (first, last) = (args.take()?, args.take()?);
    let mut words = RangeWords::of(&name);
    words.read(&mut args, &name)?;
    let Some(select) = words.select(first, last)? else {
        set.len()?;
        return Ok(Reply::Array(Vec::new()));
    };
    if words.with_scores {
        return Ok(pairs(set.range_with_scores(select)?));
    }
    Ok(Reply::bulks(set.range(select)?))
}

/// ZRANGESTORE.
pub(crate) fn store_range(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let name = args.name();
    let (to, from) = (args.take()?, args.take()?);
    let (first, last) = (args.take()?, args.take()?);
    let mut words = RangeWords::of(&name);
    words.read(&mut args, &name)?;
    let part = words.select(first, last)?;
    let part = part.unwrap_or_else(|| Select::ranks(..).take(0));
    Ok(Reply::count(set(db, to).store_range_of(from, part)?))
}

/// ZRANDMEMBER.
pub(crate) fn random(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let set = set(db, args.take()?);
    if args.is_empty() {
        return Ok(Reply::option(set.random()?.map(|(member, _)| member)));
    }
    let count = args.int()?;
    let draw = drawn(count)?;
    let with_scores = !args.is_empty();
    if with_scores && !args.accept("WITHSCORES") {
        return Err(Fault::SYNTAX);
    }
    args.end()?;
    // Twice as many words must be countable.
    if with_scores && count.unsigned_abs() > (i64::MAX / 2).unsigned_abs() {
        return Err(Fault::fixed("ERR value is out of range"));
    }
    let found = match draw {
        Draw::Distinct(most) => set.random_many(most),
        Draw::Repeated(many) => set.random_with_repeats(many),
    }?;
    if with_scores {
        return Ok(pairs(found));
    }
    Ok(Reply::bulks(found.into_iter().map(|(member, _)| member)))
}

/// ZMPOP.
pub(crate) fn pop_any(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let (keys, which, most) = many(&mut args, Extreme::read)?;
    let popped = which.pop(db, keys, most)?;
    Ok(popped.map_or(Reply::NullArray, taken))
}

/// A key with the members that were taken off it, each an array of its own.
pub(super) fn taken((key, members): (Bytes, Vec<(Bytes, f64)>)) -> Reply {
    let pair = |(member, score)| Reply::Array(vec![Reply::Bulk(member), Reply::Double(score)]);
    let members = members.into_iter().map(pair).collect();
    Reply::Array(vec![Reply::Bulk(key), Reply::Array(members)])
}

/// ZCOUNT and ZLEXCOUNT.
pub(crate) fn count(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let by = if args.name() == "zcount" {
        By::Score
    } else {
        By::Lex
    };
    let set = set(db, args.take()?);
    Ok(Reply::count(
        match select(by, args.take()?, args.take()?)? {
            Some(select) => set.count(select)?,
            None => set.len().map(|_| 0)?,
        },
    ))
}

/// ZREMRANGEBYRANK, ZREMRANGEBYSCORE and ZREMRANGEBYLEX.
pub(crate) fn remove_range(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let by = RangeWords::of(&args.name()).by;
    let set = set(db, args.take()?);
    Ok(Reply::count(
        match select(by, args.take()?, args.take()?)? {
            Some(select) => set.remove_range(select)?,
            None => set.len().map(|_| 0)?,
        },
    ))
}
