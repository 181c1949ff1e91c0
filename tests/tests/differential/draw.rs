//! `Draw`: a small seeded generator, and the words that commands are made of.

/// A xorshift generator: the same seed gives the same commands.
pub(crate) struct Draw {
    state: u64,
    /// Whether the commands drawn so far have opened a transaction.
    pub(crate) in_multi: bool,
    /// Whether they have watched keys, and no transaction has ended since.
    pub(crate) watches: bool,
}

/// A command: its words.
pub(crate) type Words = Vec<Vec<u8>>;

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Draw {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            in_multi: false,
            watches: false,
        }
    }

    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// True once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of these.
    pub(crate) fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    /// A key, one of few, so that commands meet.
    pub(crate) fn key(&mut self) -> String {
        format!("k{}", self.below(8))
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn number(&mut self, low: i64, high: i64) -> String {
        let span = (high - low + 1) as usize;
        (low + self.below(span) as i64).to_string()
    }

    /// An integer: mostly a small one, at times one at an edge, at times none at all.
    pub(crate) fn int(&mut self) -> String {
        if self.once_in(12) {
            return self.odd_number().to_owned();
        }
        self.number(-20, 100)
    }

    /// What is hard to read as a number, and what is hardly one.
    pub(crate) fn odd_number(&mut self) -> &'static str {
        self.one(&[
            "9223372036854775807",
            "-9223372036854775808",
            "9223372036854775808",
            "4611686018427387904",
            "-0",
            "+1",
            "01",
            " 1",
            "1 ",
            "",
            "abc",
            "1.0",
            "1e3",
        ])
    }

    /// A value: text, a number, bytes of any kind, at times long.
    pub(crate) fn value(&mut self) -> Vec<u8> {
        match self.below(10) {
            0..3 => self.number(-1000, 1000).into_bytes(),
            3 => self.odd_number().into(),
            4 => {
                let length = self.below(40);
                (0..length).map(|_| self.below(256) as u8).collect()
            }
            5 => vec![b'x'; self.below(6000)],
            6 => self
                .one(&["1.5", "-0.25", "3.0e3", "1e-7", "100.000"])
                .into(),
            _ => format!("v{}", self.below(50)).into_bytes(),
        }
    }

    /// A coordinate: mostly near one of few places, so that searches find something.
    fn degrees(&mut self, near: &[f64], bound: i64) -> String {
        let offset = self.below(2_000_001) as f64 / 1e6 - 1.0;
        let near = match self.below(8) {
            0 => (self.below(2 * bound as usize) as i64 - bound) as f64,
            _ => near[self.below(near.len())],
        };
        let scale = [0.001, 0.1, 1.0][self.below(3)];
        format!("{:.6}", near + offset * scale)
    }

    /// A command from a line, with words in braces drawn: `{k}` key, `{v}` value, `{i}` integer,
    /// `{o}` a number at an edge, or none, `{s}` a small one, `{b}` a bit, `{x}` a far moment, `{e}` one of few elements, `{t}` seconds that last,
    /// `{f}` one of few fields, `{q}` one of few lists, `{z}` one of few sorted sets, `{w}` a weight, `{n}` one that may be nothing or infinite, `{l}` a time to live, at times none that can be, `{lon}` and `{lat}` a place, `{m}` one of few of its names, `{r}` a radius in units `{u}`.
    pub(crate) fn fill(&mut self, line: &str) -> Words {
        let word = |word: &str| match word {
            "{k}" => self.key().into_bytes(),
            "{v}" => self.value(),
            "{i}" => self.int().into_bytes(),
            "{o}" => self.odd_number().as_bytes().to_vec(),
            "{e}" => format!("e{}", self.below(6)).into_bytes(),
            "{x}" => self.number(33_000_000_000, 33_999_999_999).into_bytes(),
            "{b}" => self.number(0, 130).into_bytes(),
            "({s}" => format!("({}", self.number(-3, 12)).into_bytes(),
            "#{b}" => format!("#{}", self.below(20)).into_bytes(),
            "{s}" => self.number(-3, 12).into_bytes(),
            "{t}" => self.number(100, 1000).into_bytes(),
            "{x}000" | "{x}123" => {
                let moment = self.number(33_000_000_000, 33_999_999_999);
                word.replace("{x}", &moment).into_bytes()
            }
            "{e}!" => format!("e{}!", self.below(6)).into_bytes(),
            "name{s}" => format!("name{}", self.below(5)).into_bytes(),
            "{l}" => match self.below(5) {
                0 => self.odd_number().into(),
                1 => self.number(-20, 0).into_bytes(),
                // Longer than any run of the stream.
                _ => self.number(100_000, 200_000).into_bytes(),
            },
            "{w}" => self.one(&["1", "2", "-3", "0.5", "12"]).into(),
            "{n}" => self.one(&["0", "1", "inf", "-inf", "-2", "0.5"]).into(),
            "{z}" => format!("z{}", self.below(3)).into_bytes(),
            "{q}" => format!("q{}", self.below(4)).into_bytes(),
            "{f}" => format!("f{}", self.below(5)).into_bytes(),
            "{m}" => format!("m{}", self.below(30)).into_bytes(),
            "{lon}" => self.degrees(&[13.36, 15.08, -179.5, 0.0], 179).into_bytes(),
            "{lat}" => self.degrees(&[38.1, 37.5, 0.0, -60.0], 83).into_bytes(),
            "{u}" => self.one(&["m", "km", "mi", "FT"]).into(),
            "{r}" => self
                .one(&[
                    "0", "1", "10.5", "100", "500", "3000", "20000", "150000", "1e6",
                ])
                .into(),
            plain => plain.as_bytes().to_vec(),
        };
        line.split(' ').map(word).collect()
    }

    /// One of these lines, filled.
    pub(crate) fn line(&mut self, lines: &[&str]) -> Words {
        let line = self.one(lines);
        let mut words = self.fill(line);
        if self.once_in(60) {
            self.spoil(&mut words);
        }
        words
    }

    /// Makes a command wrong: a word too many or too few, or one that is none of its words.
    fn spoil(&mut self, words: &mut Words) {
        match self.below(3) {
            0 => words.push(b"extra".to_vec()),
            1 if words.len() > 1 => drop(words.pop()),
            _ => {
                let at = self.below(words.len());
                words[at] = b"bogus".to_vec();
            }
        }
    }
}
