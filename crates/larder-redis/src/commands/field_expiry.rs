//! Deadlines of a hash's fields: HEXPIRE, HTTL and what is like them; HGETDEL.

use std::time::{Duration, UNIX_EPOCH};

use larder::{Condition, FieldExpiry, Hash, InTx, Ttl};

use super::expiry::Unit;
use crate::args::{Args, Outcome};
use crate::db::Db;
use crate::fault::Fault;
use crate::reply::Reply;

/// There is no such field.
const ABSENT: i64 = -2;
/// The field has no deadline.
const FOREVER: i64 = -1;

pub(super) fn hash<'d>(db: Db<'d>, key: &[u8]) -> Hash<'d, Vec<u8>, InTx<'d>> {
    db.hash::<Vec<u8>>(key)
}

/// The unit by the name of the command: those of milliseconds have a P behind the H.
fn unit_of(name: &str) -> Unit {
    if name.starts_with("hpexp") || name == "hpttl" {
        Unit::Millis
    } else {
        Unit::Seconds
    }
}

/// FIELDS, how many, and the fields: nothing else may follow.
pub(super) fn fields<'a>(args: &mut Args<'a>) -> Result<&'a [&'a [u8]], Fault> {
    if !args.accept("FIELDS") {
        return Err(Fault::fixed(
            "ERR Mandatory argument FIELDS is missing or not at the right position",
        ));
    }
    let name = args.name();
    let sets = name.contains("expire") && !name.ends_with("time");
    let count = args.positive(if sets {
        "ERR Parameter `numFields` should be greater than 0"
    } else {
        "ERR Number of fields must be a positive integer"
    })?;
    if count != args.left() {
        return Err(Fault::fixed(
            "ERR The `numfields` parameter must match the number of arguments",
        ));
    }
    args.take_many(count)
}

/// The condition that stands before FIELDS; there is at most one.
fn condition(args: &mut Args<'_>) -> Option<Condition> {
    let all = [
        ("NX", Condition::HasNone),
        ("XX", Condition::HasOne),
        ("GT", Condition::Later),
        ("LT", Condition::Earlier),
    ];
    let found = all.into_iter().find(|(name, _)| args.accept(name));
    found.map(|(_, condition)| condition)
}

/// A time in this unit; a second that has begun counts.
fn in_unit(unit: Unit, time: Duration) -> i64 {
    let millis = time.as_millis();
    let number = match unit {
        Unit::Seconds => millis.div_ceil(1000),
        Unit::Millis => millis,
    };
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn ints(numbers: impl Iterator<Item = i64>) -> Reply {
    Reply::Array(numbers.map(Reply::Int).collect())
}

/// HEXPIRE, HPEXPIRE, HEXPIREAT and HPEXPIREAT.
pub(crate) fn expire(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let name = args.name();
    let (key, time) = (args.take()?, args.int()?);
    if time < 0 {
        return Err(Fault::fixed("ERR invalid expire time, must be >= 0"));
    }
    let millis = unit_of(&name).millis(time);
    let millis = millis.and_then(|millis| u64::try_from(millis).ok());
    let time = Duration::from_millis(millis.ok_or_else(|| Fault::expire_time(&name))?);
    let condition = condition(&mut args);
    let fields = fields(&mut args)?;
    let hash = hash(db, key);
    let outcomes = if name.ends_with("at") {
        hash.expire_at(fields, UNIX_EPOCH + time, condition)
    } else {
        hash.expire(fields, time, condition)
    };
    let outcomes = outcomes.map_err(Fault::in_set(&name))?;
    Ok(ints(outcomes.into_iter().map(|outcome| match outcome {
        FieldExpiry::Absent => ABSENT,
        FieldExpiry::Refused => 0,
        FieldExpiry::Set => 1,
        FieldExpiry::Removed => 2,
    })))
}

/// HTTL and HPTTL.
pub(crate) fn ttl(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let unit = unit_of(&args.name());
    let hash = hash(db, args.take()?);
    let left = hash.ttl(fields(&mut args)?)?;
    Ok(ints(left.into_iter().map(|left| match left {
        Ttl::Absent => ABSENT,
        Ttl::Forever => FOREVER,
        Ttl::Left(left) => in_unit(unit, left),
    })))
}

/// HEXPIRETIME and HPEXPIRETIME.
pub(crate) fn expiretime(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let unit = unit_of(&args.name());
    let hash = hash(db, args.take()?);
    let fields = fields(&mut args)?;
    let times = hash
        .ttl(fields)?
        .into_iter()
        .zip(hash.expire_times(fields)?);
    Ok(ints(times.map(|times| match times {
        (Ttl::Absent, _) => ABSENT,
        (_, None) => FOREVER,
        (_, Some(time)) => in_unit(unit, time.duration_since(UNIX_EPOCH).unwrap_or_default()),
    })))
}

pub(crate) fn persist(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let hash = hash(db, args.take()?);
    let fields = fields(&mut args)?;
    let outcomes = hash.ttl(fields)?.into_iter().zip(hash.persist(fields)?);
    Ok(ints(outcomes.map(|outcome| match outcome {
        (Ttl::Absent, _) => ABSENT,
        (_, false) => FOREVER,
        (_, true) => 1,
    })))
}

pub(crate) fn getdel(db: Db<'_>, mut args: Args<'_>) -> Outcome {
    let hash = hash(db, args.take()?);
    let values = hash.take_many(fields(&mut args)?)?;
    Ok(Reply::Array(
        values.into_iter().map(Reply::option).collect(),
    ))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use larder::{ManualClock, Store};

    use crate::resp::RespSession;
    use crate::session::Session;

    /// What a server of Redis 8.2 answered, replies flat, with `_` for none.
    const RECORDED: &[(&str, &str)] = &[
        ("HSET h a 1 b 2 c 3", "3"),
        ("HEXPIRE h 100 FIELDS 2 a nope", "1 -2"),
        ("HEXPIRE nokey 100 FIELDS 1 a", "-2"),
        ("HTTL h FIELDS 3 a b nope", "100 -1 -2"),
        ("HTTL nokey FIELDS 1 a", "-2"),
        ("HPTTL h FIELDS 1 b", "-1"),
        ("HPTTL h FIELDS 1 a", "100000"),
        ("HEXPIRE h 50 NX FIELDS 1 a", "0"),
        ("HEXPIRE h 50 XX FIELDS 2 a b", "1 0"),
        ("HEXPIRE h 40 GT FIELDS 2 a b", "0 0"),
        ("HEXPIRE h 40 LT FIELDS 2 a c", "1 1"),
        ("HTTL h FIELDS 3 a b c", "40 -1 40"),
        ("HEXPIRE h 0 FIELDS 1 b", "2"),
        ("HEXISTS h b", "0"),
        (
            "HEXPIRE h -1 FIELDS 1 a",
            "ERR invalid expire time, must be >= 0",
        ),
        (
            "HEXPIRE h 10 FIELDS 2 a",
            "ERR The `numfields` parameter must match the number of arguments",
        ),
        (
            "HEXPIRE h 10 FIELDS 0",
            "ERR wrong number of arguments for 'hexpire' command",
        ),
        ("HEXPIREAT h 1 FIELDS 1 c", "2"),
        ("EXISTS h", "1"),
        ("HSET h a 1 b 2", "1"),
        ("HEXPIRE h 100 FIELDS 2 a b", "1 1"),
        ("HSET h a 9", "0"),
        ("HTTL h FIELDS 2 a b", "-1 100"),
        ("HINCRBY h b 1", "3"),
        ("HTTL h FIELDS 1 b", "100"),
        ("HPERSIST h FIELDS 3 a b nope", "-1 1 -2"),
        ("HEXPIRETIME h FIELDS 2 a nope", "-1 -2"),
        ("HPEXPIREAT h 33177117420123 FIELDS 1 b", "1"),
        ("HPEXPIRETIME h FIELDS 1 b", "33177117420123"),
        ("HPEXPIRE h 50 FIELDS 1 b", "1"),
        ("HLEN h", "2"),
        ("advance", ""),
        ("HLEN h", "1"),
        ("HGETALL h", "a 9"),
        ("HSET h b 2", "1"),
        ("HGETDEL h FIELDS 2 a nope", "9 _"),
        ("HGETDEL h FIELDS 1 b", "2"),
        ("EXISTS h", "0"),
        ("HGETDEL nokey FIELDS 1 a", "_"),
        ("SET s x", "OK"),
        (
            "HTTL s FIELDS 1 a",
            "WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
    ];

    /// The texts of a reply in RESP2, without the headers.
    fn flat(reply: &[u8]) -> String {
        let reply = String::from_utf8_lossy(reply);
        let lines = reply
            .split_terminator("\r\n")
            .filter_map(|line| match line {
                "$-1" => Some("_"),
                _ if line.starts_with(['*', '$']) => None,
                _ => Some(line.strip_prefix(['+', ':', '-']).unwrap_or(line)),
            });
        lines.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn fields_have_deadlines_as_recorded_of_a_server() {
        let clock = ManualClock::new();
        let store = Store::builder().clock(clock.clock()).build();
        let mut session = RespSession::new(Session::new(store.expect("a store")));
        for (line, wanted) in RECORDED {
            if *line == "advance" {
                clock.advance(Duration::from_millis(120));
                continue;
            }
            let mut out = Vec::new();
            session.feed(format!("{line}\r\n").as_bytes(), &mut out);
            assert_eq!(flat(&out), *wanted, "{line}");
        }
    }
}
