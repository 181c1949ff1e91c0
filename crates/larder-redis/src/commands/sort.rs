//! SORT and SORT_RO.

use larder::{SortOptions, Store};

use crate::args::{Args, Outcome};
use crate::fault::Fault;
use crate::reply::Reply;

pub(crate) fn sort(store: &Store, mut args: Args<'_>) -> Outcome {
    let may_store = args.name() == "sort";
    let key = args.take()?;
    let (mut options, mut descending, mut to) = (SortOptions::new(), false, None);
    while !args.is_empty() {
        if args.accept("ASC") {
            descending = false;
        } else if args.accept("DESC") {
            descending = true;
        } else if args.accept("ALPHA") {
            options = options.alphabetic();
        } else if args.left() > 2 && args.accept("LIMIT") {
            let (skip, most) = (args.int()?, args.int()?);
            options = options.skip(usize::try_from(skip).unwrap_or(0));
            options = options.most(usize::try_from(most).unwrap_or(usize::MAX));
        } else if args.left() > 1 && may_store && args.accept("STORE") {
            to = Some(args.take()?);
        } else if args.left() > 1 && args.accept("BY") {
            options = options.by(args.take()?);
        } else if args.left() > 1 && args.accept("GET") {
            options = options.get(args.take()?);
        } else {
            return Err(Fault::SYNTAX);
        }
    }
    if descending {
        options = options.descending();
    }
    if let Some(to) = to {
        return Ok(Reply::count(store.sort_into(key, options, to)?));
    }
    let found = store.sort_get::<Vec<u8>>(key, options)?;
    Ok(Reply::Array(found.into_iter().map(Reply::option).collect()))
}
