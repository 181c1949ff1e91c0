//! Commands that wait for an element: BLPOP, BLMOVE, BZPOPMIN and what is like them.
//!
//! Each is read into a [`Want`], which can be had in three ways: at once or not at all (in a transaction), by parking
//! the thread, or as a future.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use larder::{End, Store};

use super::lists::{Load, end, many, taken};
use super::sorted_sets::taken as taken_members;
use crate::args::{Args, Outcome, float, is};
use crate::clients::Client;
use crate::db::{Db, on};
use crate::fault::Fault;
use crate::reply::Reply;

type Bytes = Vec<u8>;

/// What is waited for.
#[derive(Clone, Debug)]
enum Goods {
    /// One element off the first of these lists.
    One(Vec<Bytes>, End),
    /// Several.
    Many(Vec<Bytes>, End, usize),
    /// One element, from a list to another.
    Move((Bytes, End), (Bytes, End)),
    /// Several, or so many.
    MoveMany((Bytes, End), (Bytes, End), Load),
    /// One member off the first of these sorted sets.
    Member(Vec<Bytes>, Extreme),
    /// Several.
    Members(Vec<Bytes>, Extreme, usize),
}

/// Which members of a sorted set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extreme {
    Least,
    Greatest,
}

impl Extreme {
    /// What MIN or MAX names.
    pub(super) fn read(word: &[u8]) -> Result<Self, Fault> {
        match word {
            _ if is(word, "MIN") => Ok(Extreme::Least),
            _ if is(word, "MAX") => Ok(Extreme::Greatest),
            _ => Err(Fault::SYNTAX),
        }
    }

    /// Pops off the first of these sorted sets that has members.
    pub(super) fn pop(
        self,
        db: Db<'_>,
        keys: &[impl AsRef<[u8]>],
        most: usize,
    ) -> Result<Option<Members>, Fault> {
        Ok(match self {
            Extreme::Least => on!(db, |d| d.pop_min_any(keys, most)),
            Extreme::Greatest => on!(db, |d| d.pop_max_any(keys, most)),
        }?)
    }

    async fn arrive(self, store: Store, keys: Vec<Bytes>, most: usize) -> Result<Members, Fault> {
        Ok(match self {
            Extreme::Least => store.take_min_many(keys, most).await?,
            Extreme::Greatest => store.take_max_many(keys, most).await?,
        })
    }
}

/// A key with members that were taken off it.
type Members = (Bytes, Vec<(Bytes, f64)>);

/// A command that waits, read.
#[derive(Clone, Debug)]
pub(crate) struct Want {
    goods: Goods,
    /// How long; for ever if it is not said.
    wait: Option<Duration>,
}

/// A key with the one element that was taken off it.
fn pair((key, element): (Bytes, Bytes)) -> Reply {
    Reply::bulks([key, element])
}

/// A key with the one member that was taken off it.
fn triple((key, members): Members) -> Reply {
    let member = |(member, score)| [Reply::Bulk(member), Reply::Double(score)];
    let members = members.into_iter().flat_map(member);
    Reply::Array([Reply::Bulk(key)].into_iter().chain(members).collect())
}

impl Want {
    /// What a caller gets whose time is over.
    pub(crate) fn nothing() -> Reply {
        Reply::NullArray
    }

    /// What a transaction gets where nothing is there.
    fn nothing_at_once(&self) -> Reply {
        match self.goods {
            Goods::Move(..) => Reply::Null,
            Goods::MoveMany(_, _, load) => load.nothing(),
            _ => Reply::NullArray,
        }
    }

    /// Does not wait.
    pub(crate) fn in_transaction(&self, db: Db<'_>) -> Outcome {
        Ok(self.at_once(db)?.unwrap_or_else(|| self.nothing_at_once()))
    }

    /// Takes what is there, if anything is.
    pub(crate) fn at_once(&self, db: Db<'_>) -> Result<Option<Reply>, Fault> {
        Ok(match &self.goods {
            Goods::One(keys, end) => {
                let popped = on!(db, |d| d.pop_any::<Bytes>(keys, *end, 1))?;
                popped.and_then(|(key, mut elements)| Some(pair((key, elements.pop()?))))
            }
            Goods::Many(keys, end, most) => {
                on!(db, |d| d.pop_any::<Bytes>(keys, *end, *most))?.map(taken)
            }
            Goods::Move((from, from_end), (to, to_end)) => {
                let list = db.list::<Bytes>(from);
                list.move_to(*from_end, to, *to_end)?.map(Reply::Bulk)
            }
            Goods::MoveMany((from, from_end), (to, to_end), load) => {
                let list = db.list::<Bytes>(from);
                let moved = list.move_many_to(*from_end, to, *to_end, load.options())?;
                moved.map(|moved| load.arrived(*from_end, *to_end, moved))
            }
            Goods::Member(keys, which) => which.pop(db, keys, 1)?.map(triple),
            Goods::Members(keys, which, most) => which.pop(db, keys, *most)?.map(taken_members),
        })
    }

    /// Waits for as long as it takes; who polls it looks at the time.
    async fn arrive(self, store: Store) -> Outcome {
        Ok(match self.goods {
            Goods::One(keys, end) => pair(store.take(keys, end).await?),
            Goods::Many(keys, end, most) => taken(store.take_many(keys, end, most).await?),
            Goods::Move((from, from_end), (to, to_end)) => {
                Reply::Bulk(store.take_to(from, from_end, to, to_end).await?)
            }
            Goods::MoveMany((from, from_end), (to, to_end), load) => {
                let moved = store.take_many_to(from, from_end, to, to_end, load.options());
                load.arrived(from_end, to_end, moved.await?)
            }
            Goods::Member(keys, which) => triple(which.arrive(store, keys, 1).await?),
            Goods::Members(keys, which, most) => {
                taken_members(which.arrive(store, keys, most).await?)
            }
        })
    }
}

/// A command of a client that waits on a store.
pub(crate) struct Wait {
    pub(crate) want: Want,
    pub(crate) store: Store,
    pub(crate) client: Arc<Client>,
}

impl Wait {
    /// Parks the thread until there is something, the time is over, or another client ends the wait.
    pub(crate) fn park(self) -> Outcome {
        let (store, time) = (self.store.clone(), self.want.wait);
        let found = store.wait_blocking(self.arrive(), time);
        found.unwrap_or_else(|| Ok(Want::nothing()))
    }

    /// How long it may take.
    #[cfg(feature = "aio")]
    pub(crate) fn time(&self) -> Option<Duration> {
        self.want.wait
    }

    /// Waits for as long as it takes, unless another client ends the wait; who polls it looks at the time.
    pub(crate) async fn arrive(self) -> Outcome {
        let waiting = self.client.wait();
        let mut goods = pin!(self.want.arrive(self.store));
        poll_fn(|context| {
            if let Poll::Ready(outcome) = goods.as_mut().poll(context) {
                return Poll::Ready(outcome);
            }
            let ending = waiting.poll(context);
            ending.map(|ending| ending.outcome(Want::nothing()))
        })
        .await
    }
}

/// Seconds with a fraction; 0 is for ever.
fn time(word: &[u8]) -> Result<Option<Duration>, Fault> {
    let seconds = float(word);
    let seconds = seconds.ok_or(Fault::fixed("ERR timeout is not a float or out of range"))?;
    if seconds < 0.0 {
        return Err(Fault::fixed("ERR timeout is negative"));
    }
    // As many milliseconds as 64 bits have.
    if seconds > i64::MAX as f64 / 1000.0 {
        return Err(Fault::fixed("ERR timeout is out of range"));
    }
    let millis = (seconds * 1000.0).ceil() as u64;
    Ok(Some(Duration::from_millis(millis)).filter(|wait| !wait.is_zero()))
}

fn owned(keys: &[&[u8]]) -> Vec<Bytes> {
    keys.iter().map(|key| key.to_vec()).collect()
}

/// BLPOP and BRPOP.
pub(crate) fn pop(args: Args<'_>) -> Result<Want, Fault> {
    let side = if args.name().starts_with("bl") {
        End::Front
    } else {
        End::Back
    };
    let (last, keys) = args.rest().split_last().ok_or(Fault::SYNTAX)?;
    let wait = time(last)?;
    Ok(Want {
        goods: Goods::One(owned(keys), side),
        wait,
    })
}

/// BLMPOP. Of several faults, that of the time is the last one to be told.
pub(crate) fn pop_many(mut args: Args<'_>) -> Result<Want, Fault> {
    let wait = args.take()?;
    let (keys, end, most) = many(&mut args, end)?;
    Ok(Want {
        goods: Goods::Many(owned(keys), end, most),
        wait: time(wait)?,
    })
}

/// BZPOPMIN and BZPOPMAX.
pub(crate) fn pop_member(args: Args<'_>) -> Result<Want, Fault> {
    let which = if args.name() == "bzpopmin" {
        Extreme::Least
    } else {
        Extreme::Greatest
    };
    let (last, keys) = args.rest().split_last().ok_or(Fault::SYNTAX)?;
    let wait = time(last)?;
    Ok(Want {
        goods: Goods::Member(owned(keys), which),
        wait,
    })
}

/// BZMPOP, as BLMPOP.
pub(crate) fn pop_members(mut args: Args<'_>) -> Result<Want, Fault> {
    let wait = args.take()?;
    let (keys, which, most) = many(&mut args, Extreme::read)?;
    Ok(Want {
        goods: Goods::Members(owned(keys), which, most),
        wait: time(wait)?,
    })
}

pub(crate) fn move_between(mut args: Args<'_>) -> Result<Want, Fault> {
    let (from, to) = (args.take()?.to_vec(), args.take()?.to_vec());
    let (from_end, to_end) = (end(args.take()?)?, end(args.take()?)?);
    let wait = time(args.take()?)?;
    Ok(Want {
        goods: Goods::Move((from, from_end), (to, to_end)),
        wait,
    })
}

/// BLMOVEM, after Redis' documentation of 8.10.
pub(crate) fn move_many(mut args: Args<'_>) -> Result<Want, Fault> {
    let (from, to) = (args.take()?.to_vec(), args.take()?.to_vec());
    let (from_end, to_end) = (end(args.take()?)?, end(args.take()?)?);
    let wait = args.take()?;
    let load = Load::read(&mut args)?;
    Ok(Want {
        goods: Goods::MoveMany((from, from_end), (to, to_end), load),
        wait: time(wait)?,
    })
}

pub(crate) fn rpoplpush(mut args: Args<'_>) -> Result<Want, Fault> {
    let (from, to) = (args.take()?.to_vec(), args.take()?.to_vec());
    let wait = time(args.take()?)?;
    Ok(Want {
        goods: Goods::Move((from, End::Back), (to, End::Front)),
        wait,
    })
}
