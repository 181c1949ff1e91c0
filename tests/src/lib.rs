//! Reads Rust sources as text, for the tests that check the shape of larder's crates.
//!
//! [`lex`] parts code from comments and drops literals; [`without_tests`] leaves out what
//! `#[cfg(test)]` guards; [`paths`] flattens `use` trees and inline paths into lists of names;
//! [`crate_paths`] resolves those that start from the crate. Tokens, not syntax trees: macros are
//! read as written, not as expanded, and code that does not compile reads as something.

#![forbid(unsafe_code)]

pub mod servers;

/// A word, a mark, `::`, or one line of a comment.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// The line it is on, from 1.
    pub line: usize,
    /// What is written there.
    pub text: String,
}

/// A path as written, `use` trees flattened, with its line.
pub type Located = (usize, Vec<String>);

/// Splits a source text into code and comments; literals are dropped.
#[must_use]
pub fn lex(text: &str) -> (Vec<Token>, Vec<Token>) {
    let chars: Vec<char> = text.chars().collect();
    let (mut code, mut comments) = (Vec::new(), Vec::new());
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let rest = &chars[at..];
        let (into, length) = match (rest[0], rest.get(1)) {
            ('/', Some('/' | '*')) => (Some(&mut comments), comment_length(rest)),
            ('"', _) => (None, string_length(rest)),
            ('\'', _) => (None, quote_length(rest)),
            (':', Some(':')) => (Some(&mut code), 2),
            (c, _) if is_word(c) => match raw_string_length(rest) {
                Some(length) => (None, length),
                None => (Some(&mut code), word_length(rest)),
            },
            (c, _) if c.is_whitespace() => (None, 1),
            _ => (Some(&mut code), 1),
        };
        let piece: String = rest.iter().take(length).collect();
        if let Some(into) = into {
            let lines = piece.split('\n').enumerate();
            into.extend(lines.map(|(below, text)| Token {
                line: line + below,
                text: text.to_owned(),
            }));
        }
        line += piece.matches('\n').count();
        at += length;
    }
    (code, comments)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn word_length(rest: &[char]) -> usize {
    let end = rest.iter().position(|&c| !is_word(c));
    end.unwrap_or(rest.len())
}

/// The length of a comment: to the end of the line, or to the end of the outermost block.
fn comment_length(rest: &[char]) -> usize {
    if rest[1] == '/' {
        let end = rest.iter().position(|&c| c == '\n');
        return end.unwrap_or(rest.len());
    }
    let (mut depth, mut at) = (0, 0);
    while at + 1 < rest.len() {
        let step = match (rest[at], rest[at + 1]) {
            ('/', '*') => 1,
            ('*', '/') => -1,
            _ => 0,
        };
        depth += step;
        at += if step == 0 { 1 } else { 2 };
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// The length of a string literal with escapes, from its first quote.
fn string_length(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != '"' {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// The length of a raw string, if one begins here: `r"`, `br#"`, `cr##"`.
fn raw_string_length(rest: &[char]) -> Option<usize> {
    let prefix: String = rest.iter().take(word_length(rest)).collect();
    if !["r", "br", "cr"].contains(&prefix.as_str()) {
        return None;
    }
    let hashes = rest[prefix.len()..]
        .iter()
        .take_while(|&&c| c == '#')
        .count();
    let open = prefix.len() + hashes;
    if rest.get(open) != Some(&'"') {
        return None;
    }
    let close = |at: &usize| {
        let tail = &rest[at + 1..];
        rest[*at] == '"' && tail.len() >= hashes && tail[..hashes].iter().all(|&c| c == '#')
    };
    let end = (open + 1..rest.len()).find(close);
    Some(end.map_or(rest.len(), |at| at + 1 + hashes))
}

/// The length of a character literal, or of a lifetime.
fn quote_length(rest: &[char]) -> usize {
    match (rest.get(1), rest.get(2)) {
        (Some('\\'), _) => {
            let end = rest.iter().skip(3).position(|&c| c == '\'');
            end.map_or(rest.len(), |at| at + 4)
        }
        (_, Some('\'')) => 3,
        _ => 1 + word_length(&rest[1..]),
    }
}

/// The code without what `#[cfg(test)]` guards.
#[must_use]
pub fn without_tests(code: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut from = 0;
    for (start, end) in test_items(code) {
        kept.extend_from_slice(&code[from..start]);
        from = end;
    }
    kept.extend_from_slice(&code[from..]);
    kept
}

/// Where the items are that only tests see, each from its attribute to its end.
#[must_use]
pub fn test_items(code: &[Token]) -> Vec<(usize, usize)> {
    let mut items = Vec::new();
    let mut at = 0;
    while at < code.len() {
        let text = |ahead: usize| code.get(at + ahead).map_or("", |token| token.text.as_str());
        let inner = usize::from(text(1) == "!");
        let attribute = text(0) == "#" && text(1 + inner) == "[" && text(2 + inner) == "cfg";
        let only_tests = text(4 + inner) == "test" && text(5 + inner) == ")"
            || text(4 + inner) == "all" && text(6 + inner) == "test";
        if !(attribute && only_tests) {
            at += 1;
            continue;
        }
        let end = if inner == 1 {
            code.len()
        } else {
            item_end(code, at)
        };
        items.push((at, end));
        at = end;
    }
    items
}

/// Where the item ends whose attributes begin at `at`: its `;`, its closing brace, or, for a field,
/// a variant or an arm, its comma.
fn item_end(code: &[Token], mut at: usize) -> usize {
    const ITEMS: &[&str] = &[
        "async",
        "const",
        "enum",
        "extern",
        "fn",
        "impl",
        "let",
        "macro_rules",
        "mod",
        "pub",
        "static",
        "struct",
        "trait",
        "type",
        "unsafe",
        "use",
    ];
    while at < code.len() && code[at].text == "#" {
        at = balanced_end(code, at + 1);
    }
    let item = code
        .get(at)
        .is_some_and(|token| ITEMS.contains(&token.text.as_str()));
    while at < code.len() {
        match code[at].text.as_str() {
            ";" => return at + 1,
            "," if !item => return at + 1,
            "{" => return balanced_end(code, at),
            "(" | "[" => at = balanced_end(code, at),
            ")" | "]" | "}" => return at,
            _ => at += 1,
        }
    }
    at
}

/// Just past the bracket that closes the one at `at`.
fn balanced_end(code: &[Token], at: usize) -> usize {
    let mut depth = 0;
    for (place, token) in code.iter().enumerate().skip(at) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return place + 1;
        }
    }
    code.len()
}

/// Every path in the code.
#[must_use]
pub fn paths(code: &[Token]) -> Vec<Located> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < code.len() {
        at = path_end(code, at, &[], &mut found);
    }
    found
}

/// Reads the path at `at` below `prefix`; says where it ends.
fn path_end(code: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<Located>) -> usize {
    let mut path = prefix.to_vec();
    let line = code[at].line;
    loop {
        match code.get(at).map(|token| token.text.as_str()) {
            Some("{") if !path.is_empty() => return group_end(code, at, &path, found),
            Some(word) if word == "*" || word.starts_with(is_word) => path.push(word.to_owned()),
            _ => break,
        }
        at += 1;
        if code.get(at).is_none_or(|token| token.text != "::") {
            found.push((line, path));
            return at;
        }
        at += 1;
    }
    // A mark alone, or `::` before something that is no segment, such as a turbofish.
    if path.len() > prefix.len() {
        found.push((line, path));
        at
    } else {
        at + 1
    }
}

/// Reads the group `{a, b::c}` at `at` below `prefix`; says where it ends.
fn group_end(code: &[Token], at: usize, prefix: &[String], found: &mut Vec<Located>) -> usize {
    let end = balanced_end(code, at);
    let mut at = at + 1;
    while at + 1 < end {
        at = path_end(code, at, prefix, found);
        // Past the comma, and past `as name` before it.
        while at + 1 < end && code[at - 1].text != "," {
            at += 1;
        }
    }
    end
}

/// The top-level modules that code in `modules` (from the root down) reaches through `crate`, `self` or
/// `super`, each with its line.
#[must_use]
pub fn crate_paths(code: &[Token], modules: &[&str]) -> Vec<(usize, String)> {
    let mut targets = Vec::new();
    let mut inline: Vec<(String, usize)> = Vec::new();
    let mut at = 0;
    while at < code.len() {
        inline.retain(|(_, end)| at < *end);
        let text = |ahead: usize| code.get(at + ahead).map_or("", |token| token.text.as_str());
        if text(0) == "mod" && text(2) == "{" {
            inline.push((text(1).to_owned(), balanced_end(code, at + 2)));
            at += 3;
            continue;
        }
        let in_macro = at > 0 && code[at - 1].text == "$";
        let mut found = Vec::new();
        at = path_end(code, at, &[], &mut found);
        let called = code.get(at).is_some_and(|token| token.text == "!");
        let here = modules.iter().map(|name| (*name).to_owned());
        let here: Vec<String> = here
            .chain(inline.iter().map(|(name, _)| name.clone()))
            .collect();
        for (line, path) in found {
            let resolved = resolve(path.iter().map(String::as_str), &here);
            let Some(target) = resolved.first() else {
                continue;
            };
            // `crate::name!` is an exported macro, `$crate::Name` what one expands to: both have no
            // path but the root's.
            let expanded = in_macro && target.starts_with(char::is_uppercase);
            let exported = resolved.len() == 1 && (called || expanded);
            if !exported {
                targets.push((line, target.clone()));
            }
        }
    }
    targets
}

/// The path from the crate's root, or nothing when it does not start from the crate.
fn resolve<'a>(path: impl Iterator<Item = &'a str>, here: &[String]) -> Vec<String> {
    let mut path = path.peekable();
    let mut from = match path.next() {
        Some("crate") => Vec::new(),
        Some("self") => here.to_vec(),
        Some("super") => here[..here.len().saturating_sub(1)].to_vec(),
        _ => return Vec::new(),
    };
    if path.peek().is_none() {
        return Vec::new();
    }
    for name in path {
        match name {
            "super" => drop(from.pop()),
            "self" => {}
            name => from.push(name.to_owned()),
        }
    }
    from
}
