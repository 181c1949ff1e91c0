//! Tidy: the shape of the sources under `crates/`, checked as text.
//!
//! Which module may import which, how long a file may grow, what a file may be called, and which
//! files alone may name a clock, a lock or a thread. The tables below are the whole policy. Test code
//! is free of the rules on imports and on words.
//!
//! Each rule is a function from a file to its faults. One test runs it over the tree; the tests in
//! `teeth` show it snippets that are wrong, and near misses that are right.

use std::fs;
use std::path::{Path, PathBuf};

use larder_tests::{Token, crate_paths, lex, paths, test_items, without_tests};

/// The rank of each top-level module of `crates/larder/src`, as a file or as a folder.
///
/// A module imports from lower ranks and from its own folder; two modules of one rank stay strangers.
/// The gaps leave room: a new module gets a line here, between what it uses and what uses it.
const RANKS: &[(u8, &[&str])] = &[
    // Nouns.
    (
        0,
        &[
            "key", "time", "sync", "lease", "number", "glob", "budget", "tags",
        ],
    ),
    (1, &["bytes", "decimal", "stats", "prefixes"]),
    (2, &["error", "json"]),
    // Structures that know nothing of a cache, and arguments as keys.
    (5, &["ds", "memo"]),
    // Plain values, what is stored, what is told, who waits.
    (10, &["value", "entry", "record", "event", "wait", "worker"]),
    (20, &["evict"]),
    (30, &["shard"]),
    (40, &["stripes", "bus"]),
    // The faces, and their upkeep.
    (45, &["reaper"]),
    (50, &["store", "cache"]),
    (60, &["patterns"]),
];

/// Modules that stay strangers although their ranks would allow an import: importer, imported.
const STRANGERS: &[(&str, &[&str])] = &[
    ("bus", &["store", "key", "shard", "stripes"]),
    ("evict", &["key", "value"]),
];

/// Words that only some files of `crates/larder/src` may name: words, files or `folders/`, reason.
const OWNED_WORDS: &[(&[&str], &[&str], &str)] = &[
    (
        &["Instant::now", "SystemTime::now", "coarsetime"],
        &["time.rs"],
        "one file reads a clock; elsewhere `now` is an argument",
    ),
    (
        &["parking_lot"],
        &["sync.rs"],
        "one file chooses the lock types",
    ),
    (
        &["RwLock", "Mutex"],
        &[
            "sync.rs",
            "ds/latch.rs",
            "stripes.rs",
            "wait.rs",
            "reaper.rs",
            "budget.rs",
            "bus/",
            "store/watched.rs",
            "store/events.rs",
            "store/graves.rs",
            "store/waiting.rs",
            "store/tagging.rs",
            // The list of memoized functions, and the cells of a limiter's key.
            "memo.rs",
            "patterns/limit/states.rs",
        ],
        "a lock is owned by few files, a shard's by stripes.rs alone",
    ),
    (
        &["Latched"],
        &["ds/latch.rs", "stripes.rs"],
        "a shard's latch belongs to stripes.rs",
    ),
    (
        &["unsafe"],
        &["ds/latch.rs", "ds/huge.rs"],
        "one file makes a promise to a trait, one gives the system advice; everything else is checked by the compiler",
    ),
    (
        &["std::thread"],
        &["reaper.rs", "wait.rs", "worker.rs"],
        "one file starts a thread, one parks it",
    ),
];

/// Most lines of a file, its tests included.
const MOST_LINES: usize = 800;

/// Most lines of a file before its tests.
const MOST_CODE_LINES: usize = 500;

/// Files that may have more code lines than that: path below `crates/`, reason.
const LONG_FILES: &[(&str, &str)] = &[];

/// Names that say nothing of what is inside, of a file or a folder.
const EMPTY_NAMES: &[&str] = &[
    "utils", "util", "common", "helpers", "helper", "misc", "inner", "manager",
];

/// First folders of absolute paths that differ from machine to machine.
const MACHINE_FOLDERS: &[&str] = &[
    "home",
    "root",
    "Users",
    "Volumes",
    "mnt",
    "opt",
    "private",
    "scratch",
    "srv",
    "tmp",
    "work",
    "workspace",
];

/// A source file: its path below `crates/` and its text, taken apart.
struct File {
    path: String,
    text: String,
    /// Words and marks; no comment, no literal.
    code: Vec<Token>,
    /// Comments, documentation among them, one token per line.
    comments: Vec<Token>,
}

impl File {
    fn new(path: &str, text: &str) -> Self {
        let (code, comments) = lex(text);
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
            comments,
        }
    }

    /// The path below the engine's sources, if the file is one of them.
    fn engine_path(&self) -> Option<&str> {
        self.path.strip_prefix("larder/src/")
    }

    /// Whether the whole file is test code by where it is.
    fn is_test(&self) -> bool {
        let mut parts = self.path.split('/');
        parts.any(|part| part == "tests" || part == "tests.rs")
    }

    /// The modules that the file is in, from the crate's root down: `ds/table.rs` is in ds, table.
    fn modules(&self) -> Vec<&str> {
        let path = self.engine_path().unwrap_or(&self.path);
        let path = path.strip_suffix(".rs").unwrap_or(path);
        let path = path.strip_suffix("/mod").unwrap_or(path);
        path.split('/').collect()
    }

    fn fault(&self, line: usize, what: impl AsRef<str>) -> String {
        format!("crates/{}:{line}: {}", self.path, what.as_ref())
    }
}

// Rules.

/// Imports go down the ranks.
fn upward_imports(file: &File) -> Vec<String> {
    let Some(path) = file.engine_path() else {
        return Vec::new();
    };
    if path == "lib.rs" || file.is_test() {
        return Vec::new();
    }
    let modules = file.modules();
    let own = modules[0];
    let Some(own_rank) = rank(own) else {
        return vec![file.fault(1, unranked(own))];
    };
    let mut faults = Vec::new();
    for (line, target) in crate_paths(&without_tests(&file.code), &modules) {
        let fault = match rank(&target) {
            _ if target == own => continue,
            _ if target == "*" => {
                "imports everything from the crate's root: name the module".into()
            }
            _ if target.starts_with(char::is_uppercase) => {
                format!("takes `{target}` from the crate's root: import it from its module")
            }
            None => unranked(&target),
            Some(_) if strangers(own, &target) => {
                format!("`{own}` must not know `{target}` (STRANGERS)")
            }
            Some(rank) if rank < own_rank => continue,
            Some(rank) => {
                format!("`{own}` (rank {own_rank}) imports `{target}` (rank {rank}), not lower")
            }
        };
        faults.push(file.fault(line, fault));
    }
    faults.dedup();
    faults
}

fn rank(module: &str) -> Option<u8> {
    let row = RANKS.iter().find(|(_, names)| names.contains(&module))?;
    Some(row.0)
}

fn unranked(module: &str) -> String {
    format!("unknown module `{module}`: give it a rank in RANKS, at the top of tests/tests/tidy.rs")
}

fn strangers(importer: &str, imported: &str) -> bool {
    STRANGERS
        .iter()
        .any(|(who, whom)| *who == importer && whom.contains(&imported))
}

/// Clocks, locks and threads are named where they belong.
fn stray_words(file: &File) -> Vec<String> {
    let Some(place) = file.engine_path() else {
        return Vec::new();
    };
    if file.is_test() {
        return Vec::new();
    }
    let owns = |owner: &str| place == owner || owner.ends_with('/') && place.starts_with(owner);
    let mut faults = Vec::new();
    for (line, path) in paths(&without_tests(&file.code)) {
        let path = path.join("::");
        for (words, owners, reason) in OWNED_WORDS {
            let word = words.iter().find(|word| path.contains(**word));
            if let Some(word) = word
                && !owners.iter().any(|owner| owns(owner))
            {
                let owners = owners.join(", ");
                let fault = format!("names `{word}`, which belongs to {owners}: {reason}");
                faults.push(file.fault(line, fault));
            }
        }
    }
    faults.dedup();
    faults
}

/// A file stays short enough to read.
fn long_file(file: &File) -> Vec<String> {
    let lines = file.text.lines().count();
    let code = code_lines(file);
    let listed = LONG_FILES.iter().any(|(path, _)| *path == file.path);
    let mut faults = Vec::new();
    if lines > MOST_LINES {
        let fault = format!("{lines} lines, at most {MOST_LINES}: split it");
        faults.push(file.fault(lines, fault));
    }
    if code > MOST_CODE_LINES && !listed {
        let fault = format!("{code} lines before the tests, at most {MOST_CODE_LINES}: split it");
        faults.push(file.fault(code, fault));
    }
    if code <= MOST_CODE_LINES && listed {
        faults.push(file.fault(code, "short again: take it off LONG_FILES"));
    }
    faults
}

/// How many lines come before `#[cfg(test)] mod tests`.
fn code_lines(file: &File) -> usize {
    if file.is_test() {
        return 0;
    }
    let module = test_items(&file.code).into_iter().find(|&(start, end)| {
        let item = &file.code[start..end];
        item.windows(2)
            .any(|pair| pair[0].text == "mod" && pair[1].text == "tests")
    });
    match module {
        Some((start, _)) => file.code[start].line - 1,
        None => file.text.lines().count(),
    }
}

/// A name says what is inside.
fn empty_name(file: &File) -> Vec<String> {
    let names = file
        .path
        .split('/')
        .map(|part| part.trim_end_matches(".rs"));
    names
        .filter(|name| EMPTY_NAMES.contains(name))
        .map(|name| file.fault(1, format!("`{name}` says nothing: name it after its noun")))
        .collect()
}

/// Each file of the engine says first what it is.
fn no_opening_doc(file: &File) -> Vec<String> {
    if file.engine_path().is_none() || file.text.starts_with("//!") {
        return Vec::new();
    }
    vec![file.fault(1, "opens without `//!`: say first what the file is")]
}

/// Nothing is left unfinished, printed for debugging, or skipped.
fn leftovers(file: &File) -> Vec<String> {
    const UNFINISHED: &[&[&str]] = &[
        &["todo", "!", "("],
        &["unimplemented", "!", "("],
        &["dbg", "!", "("],
        &["#", "[", "ignore"],
    ];
    let mut faults = Vec::new();
    for at in 0..file.code.len() {
        let rest = &file.code[at..];
        let starts = |words: &&[&str]| {
            rest.len() >= words.len()
                && rest
                    .iter()
                    .zip(*words)
                    .all(|(token, word)| token.text == **word)
        };
        if let Some(words) = UNFINISHED.iter().copied().find(|words| starts(words)) {
            let fault = format!("`{}` is left over", words.concat());
            faults.push(file.fault(rest[0].line, fault));
        }
    }
    for comment in &file.comments {
        if let Some((_, fence)) = comment.text.split_once("```")
            && fence.split(',').any(|word| word.trim() == "ignore")
        {
            faults.push(file.fault(comment.line, "an example that is ignored proves nothing"));
        }
    }
    faults
}

/// Documentation holds on every machine.
fn machine_paths(file: &File) -> Vec<String> {
    let mut faults = Vec::new();
    for comment in &file.comments {
        if let Some(path) = machine_path(&comment.text) {
            let fault = format!("names a path of one machine: {path}");
            faults.push(file.fault(comment.line, fault));
        }
    }
    faults
}

fn machine_path(text: &str) -> Option<&str> {
    text.split(|c: char| c.is_whitespace() || "`'\"()<>[]=,".contains(c))
        .find(|word| {
            let word = word.strip_prefix("file://").unwrap_or(word);
            let mut parts = word.split('/');
            let rooted = parts.next() == Some("");
            let folder = parts.next().unwrap_or_default();
            let deep = parts.next().is_some();
            let drive =
                word.starts_with(|c: char| c.is_ascii_uppercase()) && word[1..].starts_with(":\\");
            rooted && deep && MACHINE_FOLDERS.contains(&folder) || drive
        })
}

// The tree.

fn tree() -> Vec<File> {
    let crates = workspace().join("crates");
    let mut paths = Vec::new();
    collect(&crates, &mut paths);
    paths.sort();
    assert!(!paths.is_empty(), "no sources below {}", crates.display());
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("a source file is readable text");
        let below = path.strip_prefix(&crates).expect("found below it");
        let names: Vec<_> = below.iter().map(|name| name.to_string_lossy()).collect();
        File::new(&names.join("/"), &text)
    };
    paths.iter().map(read).collect()
}

fn workspace() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = tests.parent().expect("tests/ is in the workspace");
    root.to_owned()
}

/// Adds the Rust files below `folder`, build output left out.
fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a source folder is readable") {
        let path = entry.expect("a folder entry is readable").path();
        if path.is_dir() && !path.ends_with("target") {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

fn assert_tidy(rule: fn(&File) -> Vec<String>) {
    let faults: Vec<String> = tree().iter().flat_map(rule).collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn imports_go_down_the_ranks() {
    assert_tidy(upward_imports);
}

#[test]
fn clocks_locks_and_threads_are_named_where_they_belong() {
    assert_tidy(stray_words);
}

#[test]
fn no_file_is_too_long_to_read() {
    assert_tidy(long_file);
}

#[test]
fn every_file_name_says_what_is_inside() {
    assert_tidy(empty_name);
}

#[test]
fn every_file_of_the_engine_opens_with_what_it_is() {
    assert_tidy(no_opening_doc);
}

#[test]
fn nothing_is_left_unfinished_or_ignored() {
    assert_tidy(leftovers);
}

#[test]
fn the_documentation_names_no_path_of_one_machine() {
    assert_tidy(machine_paths);
}

#[test]
fn the_pages_at_the_root_name_no_path_of_one_machine() {
    for entry in fs::read_dir(workspace()).expect("the workspace is readable") {
        let path = entry.expect("a folder entry is readable").path();
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a page is readable text");
        for (above, line) in text.lines().enumerate() {
            let found = machine_path(line);
            assert_eq!(found, None, "{}:{}", path.display(), above + 1);
        }
    }
}

/// The rules, shown what they must catch and what they must let pass.
mod teeth {
    use super::*;

    fn faults(rule: fn(&File) -> Vec<String>, path: &str, text: &str) -> usize {
        rule(&File::new(path, text)).len()
    }

    #[track_caller]
    fn caught(rule: fn(&File) -> Vec<String>, path: &str, text: &str) {
        assert_eq!(faults(rule, path, text), 1, "{path}: {text}");
    }

    #[track_caller]
    fn passed(rule: fn(&File) -> Vec<String>, path: &str, text: &str) {
        let found = rule(&File::new(path, text));
        assert!(found.is_empty(), "{path}: {text}: {found:?}");
    }

    #[test]
    fn an_upward_import_is_caught_however_it_is_written() {
        for text in [
            "use crate::store::Store;",
            "use crate::{error::Error, store::Store};",
            "use crate::{error::{Error, Kind as K}, shard::{self, Shard},};",
            "use super::super::store;",
            "use super::super::{key::Key, stripes};",
            "fn f() { let s = crate::store::Store::<u8>::new(); }",
            "mod deep { use super::super::super::store::Store; }",
            "fn f(s: &crate::shard::Shard<'_, 'static>) -> char { '\\'' }",
            "#[cfg(not(test))] use crate::store::Store;",
            "macro_rules! m { () => { $crate::store::open() } }",
        ] {
            caught(upward_imports, "larder/src/value/list.rs", text);
        }
    }

    #[test]
    fn a_downward_import_and_the_own_folder_pass() {
        for text in [
            "use crate::error::{Error, Result};",
            "use crate::value::hash::Hash;",
            "use super::{hash, set::Set};",
            "use super::super::ds::packed::Packed;",
            "use self::deep::Thing; pub(crate) mod deep { use super::*; use super::super::hash; }",
            "pub(crate) fn f(&self) -> u8 { self.list.len() }",
            "fn f() { crate::bug!(\"no such element\"); }",
            "use std::collections::VecDeque; use ahash::store::X;",
        ] {
            passed(upward_imports, "larder/src/value/list.rs", text);
        }
    }

    #[test]
    fn an_import_in_a_comment_a_literal_or_a_test_passes() {
        for text in [
            "// use crate::store::Store;",
            "/* outer /* use crate::store::Store; */ use crate::store::Store; */",
            "/// ```\n/// use crate::store::Store;\n/// ```\nfn f() {}",
            "const A: &str = \"\\\"use crate::store::Store;\";",
            "const A: &str = r#\"\" use crate::store::Store; \"#;",
            "#[cfg(test)]\nmod tests { use crate::store::Store; fn f() { if true {} } }",
            "#[cfg(test)]\n#[allow(unused)]\nuse crate::store::Store;",
            "struct S { #[cfg(test)] seen: crate::store::Seen, len: usize }",
            "#![cfg(test)]\nuse crate::store::Store;",
        ] {
            passed(upward_imports, "larder/src/value/list.rs", text);
        }
        let text = "use crate::store::Store;";
        passed(upward_imports, "larder/src/value/tests.rs", text);
        passed(upward_imports, "larder/src/value/tests/list.rs", text);
        passed(upward_imports, "larder/src/lib.rs", text);
        passed(upward_imports, "larder/examples/tour.rs", text);
    }

    #[test]
    fn code_after_a_test_item_is_checked_again() {
        for item in [
            "use a::{b, c};",
            "fn f<A, B>() {}",
            "pub(crate) mod tests;",
            "#[path = \"x\"] mod m {}",
        ] {
            let text = format!("#[cfg(test)] {item} use crate::store::Store;");
            caught(upward_imports, "larder/src/value/list.rs", &text);
        }
    }

    #[test]
    fn neighbours_of_one_rank_and_strangers_are_caught() {
        caught(
            upward_imports,
            "larder/src/store/list.rs",
            "use crate::cache::Cache;",
        );
        caught(
            upward_imports,
            "larder/src/stripes.rs",
            "use crate::bus::Bus;",
        );
        caught(
            upward_imports,
            "larder/src/bus/ring.rs",
            "use crate::key::Key;",
        );
        caught(
            upward_imports,
            "larder/src/bus/ring.rs",
            "use crate::shard::Shard;",
        );
        caught(
            upward_imports,
            "larder/src/evict/clock.rs",
            "use crate::value::Value;",
        );
        passed(
            upward_imports,
            "larder/src/bus/ring.rs",
            "use crate::wait::Waiter;",
        );
    }

    #[test]
    fn a_way_around_through_the_root_is_caught() {
        caught(
            upward_imports,
            "larder/src/evict/clock.rs",
            "use crate::Store;",
        );
        caught(upward_imports, "larder/src/evict/clock.rs", "use crate::*;");
        caught(upward_imports, "larder/src/wait.rs", "use super::*;");
    }

    #[test]
    fn an_unknown_module_is_told_where_to_go() {
        let import = File::new("larder/src/store/mod.rs", "use crate::novelty::X;");
        let module = File::new("larder/src/novelty/mod.rs", "use crate::error::Error;");
        for file in [import, module] {
            let found = upward_imports(&file);
            assert_eq!(found.len(), 1);
            assert!(
                found[0].contains("`novelty`") && found[0].contains("RANKS"),
                "{found:?}"
            );
        }
    }

    #[test]
    fn a_fault_names_its_file_and_line() {
        let file = File::new(
            "larder/src/ds/ring.rs",
            "//! Ring.\n\nuse std::fmt;\nuse crate::store::Store;\n",
        );
        assert!(upward_imports(&file)[0].starts_with("crates/larder/src/ds/ring.rs:4: "));
    }

    #[test]
    fn a_stray_clock_lock_or_thread_is_caught() {
        for text in [
            "fn f() { let now = std::time::Instant::now(); }",
            "fn f() { let now = SystemTime::now(); }",
            "use coarsetime::Clock;",
            "use parking_lot::Condvar;",
            "use crate::sync::Mutex;",
            "fn f(lock: &RwLockReadGuard<'_, u8>) {}",
            "use std::{sync::Arc, thread};",
            "fn f() { ::std::thread::yield_now(); }",
        ] {
            caught(stray_words, "larder/src/shard/mod.rs", text);
        }
        caught(
            stray_words,
            "larder/src/time/tests_only.rs",
            "use parking_lot::Condvar;",
        );
    }

    #[test]
    fn a_word_passes_in_its_own_file_and_in_tests() {
        passed(
            stray_words,
            "larder/src/time.rs",
            "fn f() { coarsetime::Instant::now(); }",
        );
        passed(
            stray_words,
            "larder/src/sync.rs",
            "pub use parking_lot::{Mutex, RwLock};",
        );
        passed(
            stray_words,
            "larder/src/bus/ring.rs",
            "use crate::sync::Mutex;",
        );
        passed(stray_words, "larder/src/reaper.rs", "use std::thread;");
        passed(stray_words, "larder/src/shard/tests.rs", "use std::thread;");
        passed(
            stray_words,
            "larder/src/shard/mod.rs",
            "//! No Mutex, no parking_lot here.",
        );
        passed(
            stray_words,
            "larder/src/shard/mod.rs",
            "#[cfg(test)] mod tests { use std::thread; }",
        );
        passed(
            stray_words,
            "larder/src/shard/mod.rs",
            "use std::time::Instant;",
        );
    }

    #[test]
    fn a_long_file_is_caught_and_long_tests_pass() {
        let lines = |count: usize| "// line\n".repeat(count);
        let tests = |count: usize| format!("#[cfg(test)]\nmod tests {{\n{}}}\n", lines(count));
        let place = "larder/src/ds/table.rs";
        passed(long_file, place, &lines(MOST_CODE_LINES));
        caught(long_file, place, &lines(MOST_CODE_LINES + 1));
        passed(long_file, place, &(lines(MOST_CODE_LINES) + &tests(200)));
        caught(long_file, place, &(lines(10) + &tests(MOST_LINES)));
        passed(long_file, "larder/src/ds/tests.rs", &lines(MOST_LINES));
        caught(long_file, "larder/src/ds/tests.rs", &lines(MOST_LINES + 1));
        assert_eq!(faults(long_file, place, &lines(MOST_LINES + 1)), 2);
    }

    #[test]
    fn an_empty_name_is_caught_as_a_file_and_as_a_folder() {
        caught(empty_name, "larder/src/store/utils.rs", "");
        caught(empty_name, "larder-redis/src/inner/codec.rs", "");
        passed(empty_name, "larder/src/ds/skiplist.rs", "");
    }

    #[test]
    fn a_file_that_does_not_say_what_it_is_is_caught() {
        caught(
            no_opening_doc,
            "larder/src/key.rs",
            "use std::fmt;\n//! Late.",
        );
        passed(no_opening_doc, "larder/src/key.rs", "//! Keys.\n");
    }

    #[test]
    fn leftovers_are_caught_in_code_and_in_examples() {
        let place = "larder-tower/src/lib.rs";
        for text in [
            "fn f() { todo!() }",
            "fn f() { unimplemented ! (\"later\") }",
            "fn f() { dbg!(1); }",
            "#[cfg(test)] mod tests { #[test] #[ignore = \"slow\"] fn t() {} }",
            "/// ```rust,ignore\nfn f() {}",
        ] {
            caught(leftovers, place, text);
        }
        passed(
            leftovers,
            place,
            "// No todo!() here.\nfn todo() { ignore(\"dbg!(1)\") }",
        );
        passed(
            leftovers,
            place,
            "/// ```\n/// ignore(1);\n/// ```\nfn f() {}",
        );
    }

    #[test]
    fn a_path_of_one_machine_is_caught() {
        let place = "larder-redis/src/lib.rs";
        caught(
            machine_paths,
            place,
            "/// See `/home/me/notes.md`.\nfn f() {}",
        );
        caught(machine_paths, place, "/* one\ntwo (/tmp/out) */");
        caught(machine_paths, place, "//! In file:///Users/me/x");
        caught(machine_paths, place, "// C:\\larder\\x");
        passed(
            machine_paths,
            place,
            "/// Reads `/proc/self/statm`; a route `/users/{id}`; a/tmp/b.",
        );
        passed(
            machine_paths,
            place,
            "/// An integer is `:1\\r\\n`. https://example.org/home/x",
        );
    }
}
