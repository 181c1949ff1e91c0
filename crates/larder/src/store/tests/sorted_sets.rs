//! Sorted sets: what servers were recorded to answer, and what only a store does.

use std::ops::Bound::{Excluded, Included, Unbounded};
use std::time::Duration;

use crate::{AddRule, Aggregate, Combine, Cursor, Error, ScanOptions, Select, Store, Ttl};

type Set<'a> = crate::SortedSet<'a, String>;

fn rows(rows: &[(&str, f64)]) -> Vec<(String, f64)> {
    rows.iter()
        .map(|&(member, score)| (member.to_owned(), score))
        .collect()
}

fn counts(set: &Set<'_>, rule: AddRule, members: &[(&str, f64)]) -> (usize, usize) {
    let count = set.add_with(rule, members.iter().copied()).unwrap();
    (count.added, count.changed)
}

/// The set of the recorded ranges.
fn letters<'a>(store: &'a Store, key: &str) -> Set<'a> {
    let set = store.sorted_set(key);
    let members = [("a", 1.0), ("b", 2.0), ("c", 3.0), ("d", 4.0), ("e", 5.0)];
    set.add_many(members).unwrap();
    set
}

#[test]
fn rules_admit_what_the_flags_of_zadd_do() {
    let store = Store::new();
    let z: Set<'_> = store.sorted_set("z");
    assert_eq!(z.add_many([("a", 1.0), ("b", 2.0)]), Ok(2));
    assert_eq!(
        counts(&z, AddRule::IfAbsent, &[("a", 5.0), ("c", 3.0)]),
        (1, 0)
    );
    assert_eq!(
        counts(&z, AddRule::IfPresent, &[("a", 5.0), ("nope", 9.0)]),
        (0, 1)
    );
    assert_eq!(
        counts(&z, AddRule::IfPresent, &[("a", 6.0), ("b", 7.0)]),
        (0, 2)
    );
    assert_eq!(counts(&z, AddRule::IfGreater, &[("a", 1.0)]), (0, 0));
    assert_eq!(counts(&z, AddRule::IfGreater, &[("a", 10.0)]), (0, 1));
    assert_eq!(counts(&z, AddRule::IfLess, &[("a", 3.0)]), (0, 1));
    assert_eq!(counts(&z, AddRule::IfGreater, &[("newm", 1.0)]), (1, 0));
    assert_eq!(
        counts(&z, AddRule::IfPresentAndLess, &[("a", 2.0), ("no", 1.0)]),
        (0, 1)
    );
    assert_eq!(z.incr_with(AddRule::Always, "a", 6.0), Ok(Some(8.0)));
    assert_eq!(z.incr_with(AddRule::IfAbsent, "a", 5.0), Ok(None));
    assert_eq!(z.incr_with(AddRule::IfPresent, "nope", 5.0), Ok(None));
    assert_eq!(z.incr_with(AddRule::IfGreater, "a", -5.0), Ok(None));
    assert_eq!(z.add_many([("dup", 1.0), ("dup", 2.0)]), Ok(1));
    assert_eq!(z.score("dup"), Ok(Some(2.0)));
}

#[test]
fn scores_that_are_no_numbers_never_get_in() {
    let store = Store::new();
    let f: Set<'_> = store.sorted_set("f");
    let all = [
        ("i", f64::INFINITY),
        ("m", f64::NEG_INFINITY),
        ("zero", 0.0),
        ("nz", -0.0),
    ];
    assert_eq!(f.add_many(all), Ok(4));
    assert_eq!(f.range(..).unwrap(), ["m", "nz", "zero", "i"]);
    assert!(f.score("nz").unwrap().unwrap().is_sign_positive());
    assert_eq!(
        f.add_many([("q", 1.0), ("r", f64::NAN)]),
        Err(Error::NotAFloat)
    );
    assert_eq!(f.score("q"), Ok(None));
    assert_eq!(f.incr("i", f64::NEG_INFINITY), Err(Error::ScoreNotANumber));
    assert_eq!(f.incr("i", f64::NAN), Err(Error::NotAFloat));
    assert_eq!(f.add("y1", f64::MAX), Ok(true));
    assert_eq!(f.incr("y1", 1e308), Ok(f64::INFINITY));
    assert_eq!(
        f.scores(["m", "none"]),
        Ok(vec![Some(f64::NEG_INFINITY), None])
    );
    let text = Error::ScoreNotANumber.redis_text();
    assert_eq!(text, "ERR resulting score is not a number (NaN)");
}

#[test]
fn ranges_are_those_of_the_record() {
    let store = Store::new();
    let z = letters(&store, "z");
    let range = |part: Select| z.range(part).unwrap().concat();
    let scores = |from, to| Select::scores((from, to));
    assert_eq!(range((..).into()), "abcde");
    assert_eq!(range((-2..=-1).into()), "de");
    assert_eq!(range((-100..=1).into()), "ab");
    assert_eq!(range(crate::Span::new(3, 1).into()), "");
    assert_eq!(range((10..=20).into()), "");
    assert_eq!(range(Select::ranks(0..=1).rev()), "ed");
    assert_eq!(range(scores(Excluded(1.0), Included(3.0))), "bc");
    assert_eq!(range(scores(Excluded(1.0), Excluded(3.0))), "b");
    assert_eq!(range(Select::scores(..).skip(1).take(2)), "bc");
    assert_eq!(range(Select::scores(1.0..=3.0).rev()), "cba");
    assert_eq!(range(scores(Included(3.0), Included(1.0)).rev()), "");
    assert_eq!(range(Select::scores(..).rev().take(2)), "ed");
    assert_eq!(range(Select::scores(1.0..=5.0).skip(100).take(2)), "");
    assert_eq!(range(Select::scores(1.0..=5.0).skip(1).take(0)), "");
    assert_eq!(range(Select::members("a"..="c")), "abc");
    assert_eq!(range(scores(Excluded(2.0), Unbounded).take(1)), "c");
    assert_eq!(z.count(scores(Excluded(1.0), Included(3.0))), Ok(2));
    assert_eq!(z.count(scores(Included(3.0), Included(1.0))), Ok(0));
    assert_eq!(
        z.range(Select::scores(f64::NAN..)),
        Err(Error::BoundNotANumber)
    );
    assert_eq!((z.rank("a"), z.rev_rank("a")), (Ok(Some(0)), Ok(Some(4))));
    assert_eq!(z.rank_with_score("b"), Ok(Some((1, 2.0))));
    assert_eq!(z.rank("nope"), Ok(None));
}

#[test]
fn indexes_and_counts_beyond_everything_name_what_there_is() {
    let store = Store::new();
    for members in [5, 1000] {
        let z: Set<'_> = store.sorted_set(format!("z{members}"));
        fill(&z, members);
        let all = members as usize;
        let span = |first, last| Select::ranks(crate::Span::new(first, last));
        assert_eq!(z.count(span(i64::MIN, i64::MAX)), Ok(all));
        assert_eq!(z.count(span(i64::MIN, i64::MAX).rev()), Ok(all));
        assert_eq!(z.count(span(i64::MAX, i64::MIN)), Ok(0));
        assert_eq!(z.count(span(i64::MIN, i64::MIN)), Ok(0));
        assert_eq!(z.count(span(i64::MAX, i64::MAX)), Ok(0));
        let endless = Select::scores(..).skip(usize::MAX).take(usize::MAX);
        assert_eq!(z.count(endless.clone()), Ok(0));
        assert_eq!(z.remove_range(endless), Ok(0));
        assert_eq!(
            z.count(Select::scores(..).skip(1).take(usize::MAX)),
            Ok(all - 1)
        );
        assert_eq!(z.pop_min_many(0), Ok(Vec::new()));
        assert_eq!(z.random_many(0), Ok(Vec::new()));
        assert_eq!(z.random_many(usize::MAX).unwrap().len(), all);
        assert_eq!(z.pop_max_many(usize::MAX).unwrap().len(), all);
        assert!(!store.exists(format!("z{members}")));
    }
}

#[test]
fn bounds_at_infinity_and_zero_are_told_from_what_lies_inside() {
    let store = Store::new();
    let z: Set<'_> = store.sorted_set("z");
    let all = [
        ("low", f64::NEG_INFINITY),
        ("", -0.0),
        ("one", 1.0),
        ("high", f64::INFINITY),
    ];
    z.add_many(all).unwrap();
    let count = |from, to| z.count(Select::scores((from, to)));
    let (least, most) = (f64::NEG_INFINITY, f64::INFINITY);
    assert_eq!(count(Included(least), Included(most)), Ok(4));
    assert_eq!(count(Excluded(least), Excluded(most)), Ok(2));
    assert_eq!(count(Excluded(most), Unbounded), Ok(0));
    assert_eq!(count(Unbounded, Excluded(least)), Ok(0));
    assert_eq!(count(Included(-0.0), Included(0.0)), Ok(1));
    assert_eq!(count(Excluded(-0.0), Excluded(1.0)), Ok(0));
    assert_eq!(count(Excluded(0.0), Excluded(0.0)), Ok(0));
    let nan = Select::scores((Unbounded, Excluded(f64::NAN)));
    assert_eq!(z.remove_range(nan), Err(Error::BoundNotANumber));
    assert_eq!(z.score(""), Ok(Some(0.0)));
    assert_eq!(z.len(), Ok(4));
}

#[test]
fn where_one_of_several_keys_is_of_another_type_nothing_is_written() {
    let store = Store::new();
    for key in ["a", "b", "d", "e"] {
        letters(&store, key);
    }
    store.set("c", "text").unwrap();
    let keys = ["a", "b", "c", "d", "e"];
    let to: Set<'_> = store.sorted_set("to");
    to.add("kept", 1.0).unwrap();
    for sets in [
        Combine::union(keys),
        Combine::intersection(keys),
        Combine::difference(keys),
    ] {
        assert_eq!(to.store_combined(&sets), Err(Error::WrongType));
        assert_eq!(store.combine::<String>(&sets), Err(Error::WrongType));
    }
    assert_eq!(to.range(..).unwrap(), ["kept"]);
    let popped = store.pop_min_any::<String>(["none", "c", "a"], 1);
    assert_eq!(popped, Err(Error::WrongType));
    assert_eq!(store.sorted_set::<String>("a").len(), Ok(5));
    assert_eq!(store.get::<String>("c").unwrap().as_deref(), Some("text"));
}

#[test]
fn one_of_either_end_goes_at_a_time_however_large_the_set_is() {
    let store = Store::new();
    for members in [40, 3000] {
        let z: Set<'_> = store.sorted_set("z");
        fill(&z, members);
        let expected = z.range_with_scores(..).unwrap();
        let (low, high) = expected.split_at(expected.len() / 2);
        for (low, high) in low.iter().zip(high.iter().rev()) {
            assert_eq!(z.pop_min().unwrap().as_ref(), Some(low));
            assert_eq!(z.pop_max().unwrap().as_ref(), Some(high));
        }
        assert_eq!((z.pop_min(), z.pop_max()), (Ok(None), Ok(None)));
        assert!(!store.exists("z"));
    }
}

#[test]
fn members_of_one_score_come_in_the_order_of_their_bytes() {
    let store = Store::new();
    let lx: Set<'_> = store.sorted_set("lx");
    lx.add_many(["a", "b", "c", "d", "aa", "B"].map(|member| (member, 0.0)))
        .unwrap();
    let range = |part: Select| z_join(&lx, part);
    assert_eq!(range(Select::members::<&str>(..)), "B a aa b c d");
    assert_eq!(range(Select::members("a".."c")), "a aa b");
    assert_eq!(
        range(Select::members::<&str>((Excluded("a"), Included("c")))),
        "aa b c"
    );
    assert_eq!(range(Select::members::<&str>(..).rev().take(2)), "d c");
    assert_eq!(lx.count(Select::members("a"..="c")), Ok(4));
    assert_eq!(lx.remove_range(Select::members("a".."b")), Ok(2));
    assert_eq!(lx.rev_range(..).unwrap().join(" "), "d c b B");
}

fn z_join(set: &Set<'_>, part: Select) -> String {
    set.range(part).unwrap().join(" ")
}

#[test]
fn the_key_goes_with_its_last_member_and_the_time_to_live_stays_till_then() {
    let store = Store::new();
    let z = letters(&store, "z");
    store.expire("z", Duration::from_secs(60)).unwrap();
    assert_eq!(z.remove_range(0..=0), Ok(1));
    assert_eq!(z.remove_range(-1..=-1), Ok(1));
    assert_eq!(z.remove_range(5..=10), Ok(0));
    assert_eq!(
        z.remove_range(Select::scores((Excluded(2.0), Included(3.0)))),
        Ok(1)
    );
    assert!(matches!(store.ttl("z"), Ttl::Left(_)));
    assert_eq!(z.remove_range(Select::scores(..)), Ok(2));
    assert!(!store.exists("z"));
}

#[test]
fn pops_take_from_the_ends() {
    let store = Store::new();
    let z = letters(&store, "z");
    assert_eq!(z.pop_min_many(0), Ok(vec![]));
    assert_eq!(z.pop_max(), Ok(Some(("e".to_owned(), 5.0))));
    let popped = store.pop_max_any::<String>(["none", "z"], 2).unwrap();
    assert_eq!(
        popped,
        Some((b"z".to_vec(), rows(&[("d", 4.0), ("c", 3.0)])))
    );
    assert_eq!(z.pop_min_many(100), Ok(rows(&[("a", 1.0), ("b", 2.0)])));
    assert_eq!(store.pop_min_any::<String>(["none", "z"], 2), Ok(None));
    assert_eq!(z.pop_min(), Ok(None));
    assert!(!store.exists("z"));
}

#[test]
fn a_stored_range_replaces_whatever_was_there() {
    let store = Store::new();
    letters(&store, "z");
    store.set("dst", "text").unwrap();
    store.expire("dst", Duration::from_secs(60)).unwrap();
    let dst: Set<'_> = store.sorted_set("dst");
    assert_eq!(dst.len(), Err(Error::WrongType));
    assert_eq!(dst.store_range_of("z", 0..=1), Ok(2));
    assert_eq!(
        dst.range_with_scores(..),
        Ok(rows(&[("a", 1.0), ("b", 2.0)]))
    );
    assert_eq!(store.ttl("dst"), Ttl::Forever);
    assert_eq!(
        dst.store_range_of("z", Select::scores(1.0..=2.0).rev()),
        Ok(2)
    );
    assert_eq!(dst.store_range_of("z", 10..=20), Ok(0));
    assert!(!store.exists("dst"));
    assert_eq!(dst.store_range_of("none", ..), Ok(0));
}

#[test]
fn algebra_is_that_of_the_record() {
    let store = Store::new();
    let (a, b): (Set<'_>, Set<'_>) = (store.sorted_set("a"), store.sorted_set("b"));
    a.add_many([("x", 1.0), ("y", 2.0), ("z", 3.0)]).unwrap();
    b.add_many([("y", 10.0), ("z", 20.0), ("w", 30.0)]).unwrap();
    let run = |sets: &Combine| store.combine::<String>(sets).unwrap();
    let both = Combine::union(["a", "b"]);
    assert_eq!(
        run(&both),
        rows(&[("x", 1.0), ("y", 12.0), ("z", 23.0), ("w", 30.0)])
    );
    let weighted = both.clone().weights([2.0, 0.5]);
    assert_eq!(
        run(&weighted),
        rows(&[("x", 2.0), ("y", 9.0), ("w", 15.0), ("z", 16.0)])
    );
    let least = both.clone().aggregate(Aggregate::Min);
    assert_eq!(
        run(&least),
        rows(&[("x", 1.0), ("y", 2.0), ("z", 3.0), ("w", 30.0)])
    );
    let common = Combine::intersection(["a", "b"]);
    assert_eq!(run(&common), rows(&[("y", 12.0), ("z", 23.0)]));
    assert_eq!(run(&Combine::intersection(["a", "none"])), []);
    assert_eq!(run(&Combine::difference(["a", "b"])), rows(&[("x", 1.0)]));
    assert_eq!(run(&Combine::difference(["none", "a"])), []);
    assert_eq!(store.combine_len(&common, usize::MAX), Ok(2));
    assert_eq!(store.combine_len(&common, 1), Ok(1));
    assert_eq!(a.store_combined(&both), Ok(4));
    assert_eq!(a.len(), Ok(4));
    assert_eq!(
        a.store_combined(&Combine::intersection(["b", "none"])),
        Ok(0)
    );
    assert!(!store.exists("a"));
    let short = Combine::union(["a", "b"]).weights([1.0]);
    assert_eq!(store.combine::<String>(&short), Err(Error::Syntax));
    let nan = Combine::union(["b"]).weights([f64::NAN]);
    assert_eq!(store.combine::<String>(&nan), Err(Error::WeightNotANumber));
}

#[test]
fn opposite_infinities_and_zero_times_infinity_are_zero() {
    let store = Store::new();
    store
        .sorted_set::<String>("i1")
        .add("k", f64::INFINITY)
        .unwrap();
    store
        .sorted_set::<String>("i2")
        .add("k", f64::NEG_INFINITY)
        .unwrap();
    for sets in [
        Combine::union(["i1", "i2"]),
        Combine::union(["i1"]).weights([0.0]),
    ] {
        assert_eq!(store.combine::<String>(&sets), Ok(rows(&[("k", 0.0)])));
    }
}

#[test]
fn a_key_of_another_type_is_refused() {
    let store = Store::new();
    store.set("str", "x").unwrap();
    let set: Set<'_> = store.sorted_set("str");
    assert_eq!(set.add("a", 1.0), Err(Error::WrongType));
    assert_eq!(set.score("a"), Err(Error::WrongType));
    assert_eq!(set.pop_min(), Err(Error::WrongType));
    let sets = Combine::union(["none", "str"]);
    assert_eq!(store.combine::<String>(&sets), Err(Error::WrongType));
}

/// Adds so many members, in an order that is not theirs.
fn fill(set: &Set<'_>, members: u32) {
    for i in 0..members {
        let nth = i.wrapping_mul(7919) % members;
        set.add(format!("member:{nth:06}"), f64::from(nth)).unwrap();
    }
}

#[test]
fn a_large_set_is_counted_in_the_budget_and_gives_its_bytes_back() {
    let store = Store::builder().max_bytes(4 << 20).build().unwrap();
    let set: Set<'_> = store.sorted_set("set");
    fill(&set, 5_000);
    assert_eq!(set.rank("member:004321"), Ok(Some(4321)));
    let most = store.stats().bytes;
    assert!(most > 5_000 * 13);
    assert_eq!(set.remove_range(100..), Ok(4_900));
    assert!(store.stats().bytes < most);
    assert_eq!(set.len(), Ok(100));
    assert_eq!(set.remove_range(..), Ok(100));
    assert!(!store.exists("set"));
}

#[test]
fn a_failed_transaction_leaves_a_large_set_as_it_was() {
    let store = Store::new();
    let set: Set<'_> = store.sorted_set("set");
    for members in [50, 3_000] {
        fill(&set, members);
        let before = set.range_with_scores(..).unwrap();
        let failed = store.atomic(["set"], |tx| {
            let set = tx.sorted_set::<String>("set");
            set.remove_range(10..)?;
            set.add("new", -1.0)?;
            set.incr("member:000003", 0.5)?;
            assert_eq!(set.len()?, 11);
            Err::<(), _>(Error::OutOfRange)
        });
        assert_eq!(failed, Err(Error::OutOfRange));
        assert_eq!(set.range_with_scores(..), Ok(before));
    }
}

#[test]
fn a_scan_shows_all_and_random_members_are_different_ones() {
    let store = Store::new();
    let set: Set<'_> = store.sorted_set("set");
    fill(&set, 3_000);
    let (mut cursor, mut seen) = (Cursor::START, Vec::new());
    let options = ScanOptions::new().matching("member:00?*").count(50);
    loop {
        let page = set.scan_page(cursor, &options).unwrap();
        seen.extend(page.members);
        let Some(next) = page.next else { break };
        cursor = next;
    }
    assert_eq!(seen.len(), 3_000);
    let mut drawn = set.random_many(500).unwrap();
    drawn.sort_by(|a, b| a.1.total_cmp(&b.1));
    drawn.dedup();
    assert_eq!(drawn.len(), 500);
    assert_eq!(set.random_with_repeats(4_000).unwrap().len(), 4_000);
    let refused = set.scan_page(Cursor::START, &ScanOptions::new().count(0));
    assert_eq!(refused, Err(Error::Syntax));
}

#[test]
fn plain_sets_take_part_with_a_score_of_one() {
    let store = Store::new();
    let plain = store.set_of::<String>("plain");
    plain.add_many(["a", "b", "7"]).unwrap();
    store.set_of::<i64>("ints").add_many([7, 8]).unwrap();
    let z: Set<'_> = store.sorted_set("z");
    z.add_many([("b", 2.5), ("7", -1.0), ("c", 0.0)]).unwrap();
    let rows = |combine: Combine| store.combine::<String>(&combine).unwrap();
    let row = |member: &str, score| (member.to_owned(), score);
    assert_eq!(
        rows(Combine::union(["plain", "ints"])),
        [row("8", 1.0), row("a", 1.0), row("b", 1.0), row("7", 2.0)]
    );
    let weighted = Combine::intersection(["plain", "z"]).weights([2.0, 1.0]);
    assert_eq!(rows(weighted), [row("7", 1.0), row("b", 4.5)]);
    assert_eq!(rows(Combine::intersection(["z", "ints"])), [row("7", 0.0)]);
    assert_eq!(rows(Combine::difference(["z", "plain"])), [row("c", 0.0)]);
    assert_eq!(rows(Combine::difference(["plain", "z"])), [row("a", 1.0)]);
    let both = Combine::intersection(["plain", "z"]);
    assert_eq!(store.combine_len(&both, usize::MAX), Ok(2));
    // The result replaces a plain set, too.
    let to: Set<'_> = store.sorted_set("plain");
    assert_eq!(to.store_combined(&both), Ok(2));
    assert_eq!(
        to.range_with_scores(..).unwrap(),
        [row("7", 0.0), row("b", 3.5)]
    );
    store.list::<i64>("list").push_back(1).unwrap();
    let wrong = store.combine::<String>(&Combine::union(["z", "list"]));
    assert_eq!(wrong, Err(Error::WrongType));
}
