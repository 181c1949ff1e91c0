//! The command line: one subcommand, then flags and options in any order.

use std::path::PathBuf;
use std::str::FromStr;

use crate::Failure;

/// Flags stand alone; options take the word after them.
const FLAGS: [&str; 4] = ["--quick", "--full", "--ttl", "--reserve"];
const OPTIONS: [&str; 10] = [
    "--rounds",
    "--ops",
    "--threads",
    "--only",
    "--peers",
    "--keys",
    "--traces",
    "--out",
    "--entries",
    "--child",
];

/// A parsed command line.
#[derive(Clone, Debug, Default)]
pub struct Args {
    command: String,
    words: Vec<(String, String)>,
}

impl Args {
    /// Reads the words after the program's name.
    ///
    /// # Errors
    /// A word that is no subcommand, flag or option, or an option without its value.
    pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, Failure> {
        let mut words = words.into_iter();
        let mut args = Self {
            command: words.next().unwrap_or_default(),
            words: Vec::new(),
        };
        while let Some(word) = words.next() {
            let value = if FLAGS.contains(&word.as_str()) {
                String::new()
            } else if OPTIONS.contains(&word.as_str()) {
                words
                    .next()
                    .ok_or_else(|| format!("{word} needs a value"))?
            } else {
                return Err(format!("unknown argument {word}").into());
            };
            args.words.push((word, value));
        }
        Ok(args)
    }

    /// The subcommand, or nothing.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// Whether a flag was given.
    pub fn has(&self, flag: &str) -> bool {
        self.text(flag).is_some()
    }

    /// The value of an option; the last one wins.
    pub fn text(&self, option: &str) -> Option<&str> {
        self.words
            .iter()
            .rfind(|(word, _)| word == option)
            .map(|(_, value)| value.as_str())
    }

    /// The value of an option as a number.
    ///
    /// # Errors
    /// If it is none.
    pub fn number<T: FromStr>(&self, option: &str, default: T) -> Result<T, Failure> {
        let Some(text) = self.text(option) else {
            return Ok(default);
        };
        text.replace('_', "")
            .parse()
            .map_err(|_| format!("{option} {text} is not a number").into())
    }

    /// Whether a name is wanted: `option` is a list of parts of names, split by commas; without it all are.
    pub fn wants(&self, option: &str, name: &str) -> bool {
        self.text(option)
            .is_none_or(|list| list.split(',').any(|part| name.contains(part)))
    }

    /// The folder of traces: `--traces`, else `LARDER_TRACES`, else the usual places beside the workspace.
    pub fn traces(&self) -> Option<PathBuf> {
        let given = self.text("--traces").map(PathBuf::from);
        let given = given.or_else(|| std::env::var_os("LARDER_TRACES").map(PathBuf::from));
        let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        let usual = [root.join("../shared/traces"), root.join("benches/traces")];
        given.into_iter().chain(usual).find(|dir| dir.is_dir())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, Failure> {
        Args::parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn options_are_read_in_any_order() {
        let args = parse("throughput --quick --rounds 9 --peers moka,quick").expect("valid");
        assert!(args.has("--quick") && !args.has("--full"));
        assert_eq!(args.number("--rounds", 7).expect("a number"), 9);
        assert!(args.wants("--peers", "mini-moka") && !args.wants("--peers", "papaya"));
    }

    #[test]
    fn an_unknown_word_is_refused() {
        assert!(parse("hits --tarces x").is_err());
        assert!(parse("hits --traces").is_err());
    }
}
