//! `Trace`: the requests of a recording, in their order.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use crate::options::Refused;

/// The first bytes of every zstd frame.
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// The first bytes of every gzip member.
const GZIP: &[u8] = &[0x1f, 0x8b];

/// The largest number has 20 digits. Bounds what a file without lines can take.
const MOST_LINE_BYTES: u64 = 32;

/// A recording of requests.
pub(crate) struct Trace {
    /// The file's name without its endings.
    pub(crate) name: String,
    /// The key of each request, in order; at least one.
    pub(crate) requests: Vec<u64>,
    /// The distinct keys, rising.
    pub(crate) keys: Vec<u64>,
}

impl Trace {
    /// Reads a file with one decimal key per line: plain, gzip or zstd, as its first bytes say.
    pub(crate) fn read(path: &Path) -> Result<Self, Refused> {
        let refused = |reason: String| Refused::new(format!("{}: {reason}", path.display()));
        let mut lines = open(path).map_err(|error| refused(error.to_string()))?;
        let requests = numbers(&mut *lines).map_err(refused)?;
        if requests.is_empty() {
            return Err(refused("the trace is empty".into()));
        }
        let mut keys = requests.clone();
        keys.sort_unstable();
        keys.dedup();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.split('.').next().unwrap_or_default().to_owned();
        Ok(Self {
            name,
            requests,
            keys,
        })
    }
}

/// The text of a file, unpacked.
fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    let mut file = File::open(path)?;
    let mut magic = Vec::new();
    file.by_ref()
        .take(ZSTD.len() as u64)
        .read_to_end(&mut magic)?;
    let (zstd, gzip) = (magic.starts_with(ZSTD), magic.starts_with(GZIP));
    let whole = BufReader::new(Cursor::new(magic).chain(file));
    Ok(if zstd {
        Box::new(BufReader::new(zstd::Decoder::with_buffer(whole)?))
    } else if gzip {
        Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(whole)))
    } else {
        Box::new(whole)
    })
}

/// One number per line; blank lines are passed over.
fn numbers(text: &mut dyn BufRead) -> Result<Vec<u64>, String> {
    let mut numbers = Vec::new();
    let mut line = Vec::new();
    for at in 1_u64.. {
        line.clear();
        text.take(MOST_LINE_BYTES)
            .read_until(b'\n', &mut line)
            .map_err(|error| format!("line {at}: {error}"))?;
        if line.is_empty() {
            break;
        }
        let word = line.trim_ascii();
        if word.is_empty() && line.ends_with(b"\n") {
            continue;
        }
        let number = std::str::from_utf8(word).ok().and_then(|w| w.parse().ok());
        numbers.push(number.ok_or_else(|| {
            let found = String::from_utf8_lossy(word);
            format!("line {at} is no decimal 64-bit number: {found:?}")
        })?);
    }
    Ok(numbers)
}
