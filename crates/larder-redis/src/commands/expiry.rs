//! Expiry: EXPIRE and what is like it, and the words for a time in other commands.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use larder::{Condition, Error, SetOptions, Ttl};

use crate::args::{Args, Outcome, int, is};
use crate::db::{Db, on};
use crate::fault::Fault;
use crate::reply::Reply;

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Millis,
}

impl Unit {
    /// As milliseconds, if they fit.
    pub(crate) fn millis(self, number: i64) -> Option<i64> {
        match self {
            Unit::Seconds => number.checked_mul(1000),
            Unit::Millis => Some(number),
        }
    }

    /// Milliseconds in this unit, to the nearest.
    fn of_millis(self, millis: u128) -> i64 {
        let number = match self {
            Unit::Seconds => (millis + 500) / 1000,
            Unit::Millis => millis,
        };
        i64::try_from(number).unwrap_or(i64::MAX)
    }
}

/// A time to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    After(Duration),
    At(SystemTime),
}

/// What a command says of the deadline; numbers are read last, after all other words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Life<'a> {
    #[default]
    Unsaid,
    Keep,
    Persist,
    After(Unit, &'a [u8]),
    At(Unit, &'a [u8]),
}

impl<'a> Life<'a> {
    /// Reads EX, PX, EXAT or PXAT with its number. Twice the same is no fault: the last counts.
    pub(crate) fn read(&mut self, args: &mut Args<'a>) -> Result<(), Fault> {
        let word = args.take()?;
        let make = [
            (
                "EX",
                Life::After as fn(Unit, &'a [u8]) -> Life<'a>,
                Unit::Seconds,
            ),
            ("PX", Life::After, Unit::Millis),
            ("EXAT", Life::At, Unit::Seconds),
            ("PXAT", Life::At, Unit::Millis),
        ];
        let found = make.iter().find(|(name, ..)| is(word, name));
        let (_, make, unit) = found.ok_or(Fault::SYNTAX)?;
        self.turn(make(*unit, args.take()?))
    }

    pub(crate) fn keep(&mut self) -> Result<(), Fault> {
        self.turn(Life::Keep)
    }

    pub(crate) fn persist(&mut self) -> Result<(), Fault> {
        self.turn(Life::Persist)
    }

    /// Two different things cannot be said.
    fn turn(&mut self, said: Life<'a>) -> Result<(), Fault> {
        let same = match (*self, said) {
            (Life::Unsaid, _) => true,
            (Life::After(before, _), Life::After(now, _))
            | (Life::At(before, _), Life::At(now, _)) => before == now,
            (before, now) => before == now,
        };
        *self = said;
        if same { Ok(()) } else { Err(Fault::SYNTAX) }
    }

    /// The time that is said, if one is; it must be positive.
    pub(crate) fn resolve(self, name: &str) -> Result<Option<When>, Fault> {
        let (unit, word) = match self {
            Life::After(unit, word) | Life::At(unit, word) => (unit, word),
            _ => return Ok(None),
        };
        let millis = unit.millis(int(word)?).filter(|millis| *millis > 0);
        let millis = millis.and_then(|millis| u64::try_from(millis).ok());
        let time = Duration::from_millis(millis.ok_or_else(|| Fault::expire_time(name))?);
        Ok(Some(match self {
            Life::At(..) => When::At(UNIX_EPOCH + time),
            _ => When::After(time),
        }))
    }

    /// Puts what is said into the options of SET.
    pub(crate) fn of_set<'o>(
        self,
        options: SetOptions<'o>,
        name: &str,
    ) -> Result<SetOptions<'o>, Fault> {
        Ok(match self.resolve(name)? {
            None if self == Life::Keep => options.keep_ttl(),
            None => options,
            Some(When::After(time)) => options.ttl(time),
            Some(When::At(time)) => options.expire_at(time),
        })
    }
}

impl Fault {
    /// What a store refuses, in the words of a command that sets a time to live.
    pub(crate) fn in_set(name: &str) -> impl FnOnce(Error) -> Fault + '_ {
        move |error| match error {
            Error::InvalidExpiry => Fault::expire_time(name),
            other => other.into(),
        }
    }
}

/// NX, XX, GT and LT of EXPIRE. GT asks for a deadline by itself; XX with LT is more than either.
#[derive(Clone, Copy, Debug, Default)]
struct Conditions {
    nx: bool,
    xx: bool,
    gt: bool,
    lt: bool,
}

impl Conditions {
    fn read(mut args: Args<'_>) -> Result<Self, Fault> {
        let mut conditions = Conditions::default();
        while let Ok(word) = args.take() {
            let Conditions { nx, xx, gt, lt } = &mut conditions;
            let flags = [("NX", nx), ("XX", xx), ("GT", gt), ("LT", lt)];
            let flag = flags.into_iter().find(|(name, _)| is(word, name));
            let Some((_, flag)) = flag else {
                let word = String::from_utf8_lossy(word);
                return Err(Fault::new(format!("ERR Unsupported option {word}")));
            };
            *flag = true;
        }
        let Conditions { nx, xx, gt, lt } = conditions;
        if nx && (xx || gt || lt) {
            return Err(Fault::fixed(
                "ERR NX and XX, GT or LT options at the same time are not compatible",
            ));
        }
        if gt && lt {
            return Err(Fault::fixed(
                "ERR GT and LT options at the same time are not compatible",
            ));
        }
        Ok(conditions)
    }

    /// The one condition that says it all but XX with LT.
    fn one(self) -> Option<Condition> {
        let Conditions { nx, xx, gt, lt } = self;
        [
            (nx, Condition::HasNone),
            (gt, Condition::Later),
            (lt, Condition::Earlier),
            (xx, Condition::HasOne),
        ]
        .into_iter()
        .find_map(|(said, condition)| said.then_some(condition))
    }
}

/// EXPIRE, PEXPIRE, EXPIREAT and PEXPIREAT.
pub(crate) fn expire(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let name = args.name();
    let unit = if name.starts_with('p') {
        Unit::Millis
    } else {
        Unit::Seconds
    };
    let (key, time) = (args.take()?, args.take()?);
    let conditions = Conditions::read(args)?;
    let millis = unit.millis(int(time)?);
    let millis = millis.ok_or_else(|| Fault::expire_time(&name))?;
    // What lies before now, or before 1970, is over either way.
    let time = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
    let when = if name.ends_with("at") {
        When::At(UNIX_EPOCH + time)
    } else {
        When::After(time)
    };
    let move_deadline = |db: Db<'_>| match (when, conditions.one()) {
        (When::After(time), None) => on!(db, |d| d.expire(key, time)),
        (When::After(time), Some(if_so)) => on!(db, |d| d.expire_if(key, time, if_so)),
        (When::At(time), None) => on!(db, |d| d.expire_at(key, time)),
        (When::At(time), Some(if_so)) => on!(db, |d| d.expire_at_if(key, time, if_so)),
    };
    let moved = if conditions.xx && conditions.lt {
        db.atomic(&[key], |db| {
            let timed = on!(db, |d| d.ttl(key)).left().is_some();
            Ok(if timed { move_deadline(db) } else { Ok(false) })
        })?
    } else {
        move_deadline(db)
    };
    Ok(Reply::truth(moved.map_err(Fault::in_set(&name))?))
}

/// TTL and PTTL.
pub(crate) fn ttl(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let unit = unit_of(&args);
    let key = args.take()?;
    Ok(Reply::Int(match on!(db, |d| d.ttl(key)) {
        Ttl::Absent => -2,
        Ttl::Forever => -1,
        Ttl::Left(left) => unit.of_millis(left.as_millis()),
    }))
}

/// EXPIRETIME and PEXPIRETIME.
pub(crate) fn expiretime(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let unit = unit_of(&args);
    let key = args.take()?;
    let time = on!(db, |d| d.expire_time(key));
    Ok(Reply::Int(match time {
        Some(time) => {
            let unix = time.duration_since(UNIX_EPOCH).unwrap_or_default();
            unit.of_millis(unix.as_millis())
        }
        None if on!(db, |d| d.exists(key)) => -1,
        None => -2,
    }))
}

/// The unit by the name of the command: those of milliseconds begin with P.
fn unit_of(args: &Args<'_>) -> Unit {
    if args.name().starts_with('p') {
        Unit::Millis
    } else {
        Unit::Seconds
    }
}

pub(crate) fn persist(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let key = args.take()?;
    Ok(Reply::truth(on!(db, |d| d.persist(key))))
}
