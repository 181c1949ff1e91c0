//! Real servers on loopback, for tests that ask what Redis or Valkey would answer.
//!
//! A server is looked for under the names of `PROGRAMS` on the path, and under the paths in `LARDER_REDIS_SERVERS`
//! (parted by colons). It listens on a port of its own as long as the [`Server`] lives, and keeps nothing.

use std::env;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// What servers are called.
const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];
/// Ports that are tried; each is taken by another process only if that asks for one in the same moment.
const PORTS: usize = 5;
/// How often, and with what pause, a connection to a starting server is tried.
const TRIES: u32 = 400;
const PAUSE: Duration = Duration::from_millis(10);
/// How long a reply may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server's program and what it says of its version.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    /// As `Redis 7.0.15`.
    pub version: String,
}

impl Program {
    fn at(path: PathBuf) -> Option<Self> {
        let said = Command::new(&path).arg("--version").output().ok()?;
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let name = said.split_whitespace().next()?;
        let version = said
            .split_whitespace()
            .find_map(|word| word.strip_prefix("v="))?;
        Some(Program {
            version: format!("{name} {version}"),
            path,
        })
    }

    /// All that there are.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let named = env::var_os("LARDER_REDIS_SERVERS").unwrap_or_default();
        let path = env::var_os("PATH").unwrap_or_default();
        let found = PROGRAMS.iter().filter_map(|name| {
            env::split_paths(&path)
                .map(|folder| folder.join(name))
                .find(|path| path.is_file())
        });
        let mut all: Vec<Self> = found
            .chain(env::split_paths(&named))
            .filter_map(Self::at)
            .collect();
        all.sort_by(|a, b| a.version.cmp(&b.version));
        all.dedup_by(|a, b| a.version == b.version);
        all
    }

    /// Starts it.
    ///
    /// # Panics
    ///
    /// If it does not start, or does not listen within a few seconds.
    #[must_use]
    pub fn start(&self) -> Server {
        let started = (0..PORTS).find_map(|_| self.start_on(free_port()));
        started.unwrap_or_else(|| panic!("{} does not listen", self.version))
    }

    /// Starts it on a port; `None` if another process took that first.
    #[expect(
        clippy::disallowed_methods,
        reason = "another process starts in its own time"
    )]
    fn start_on(&self, port: u16) -> Option<Server> {
        let child = Command::new(&self.path)
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
            ])
            .args([
                "--appendonly",
                "no",
                "--databases",
                "16",
                "--enable-debug-command",
                "yes",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program said its version, so it can be started");
        let mut server = Server { child, port };
        for _ in 0..TRIES {
            if server.is_there() {
                return Some(server);
            }
            if let Ok(Some(_)) = server.child.try_wait() {
                return None;
            }
            // Another process, which tells nobody when it begins to listen.
            std::thread::sleep(PAUSE);
        }
        None
    }
}

/// A port of loopback that nobody listens on now; somebody may by the time that it is used.
fn free_port() -> u16 {
    let free = TcpListener::bind(("127.0.0.1", 0)).expect("a port of loopback is free");
    free.local_addr().expect("it is bound").port()
}

/// A server that runs until this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Where it listens on loopback.
    pub port: u16,
}

impl Server {
    /// Whether it listens: it, and not another that got its port.
    fn is_there(&self) -> bool {
        let asked = [["INFO".into(), "server".into()].into()];
        let told = self.connect().and_then(|mut wire| wire.ask(&asked));
        let Ok([Shape::Bulk(Some(told))]) = told.as_deref() else {
            return false;
        };
        let itself = format!("process_id:{}", self.child.id());
        String::from_utf8_lossy(told)
            .lines()
            .any(|line| line == itself)
    }

    /// A new connection.
    ///
    /// # Errors
    ///
    /// If the server does not listen.
    pub fn connect(&self) -> io::Result<Wire> {
        let stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Wire {
            stream,
            read: Vec::new(),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection that sends commands and reads replies as they are on the wire.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Wire {
    /// Sends commands in one go and reads as many replies.
    ///
    /// # Errors
    ///
    /// What the socket says.
    pub fn ask(&mut self, commands: &[Vec<Vec<u8>>]) -> io::Result<Vec<Shape>> {
        let mut bytes = Vec::new();
        for words in commands {
            pack(words, &mut bytes);
        }
        self.stream.write_all(&bytes)?;
        commands.iter().map(|_| self.reply()).collect()
    }

    /// Sends a command; its reply is read with [`Self::reply`] or [`Self::arrived`].
    ///
    /// # Errors
    ///
    /// What the socket says.
    pub fn send(&mut self, words: &[Vec<u8>]) -> io::Result<()> {
        let mut bytes = Vec::new();
        pack(words, &mut bytes);
        self.stream.write_all(&bytes)
    }

    /// The next reply, if it has arrived.
    ///
    /// # Errors
    ///
    /// What the socket says.
    pub fn arrived(&mut self) -> io::Result<Option<Shape>> {
        self.stream.set_nonblocking(true)?;
        let mut piece = [0; 64 << 10];
        loop {
            match self.stream.read(&mut piece) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => self.read.extend_from_slice(&piece[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.stream.set_nonblocking(false)?;
        Ok(Shape::read(&self.read).map(|(shape, used)| {
            self.read.drain(..used);
            shape
        }))
    }

    /// The next reply, when it arrives.
    ///
    /// # Errors
    ///
    /// What the socket says.
    pub fn reply(&mut self) -> io::Result<Shape> {
        loop {
            if let Some((shape, used)) = Shape::read(&self.read) {
                self.read.drain(..used);
                return Ok(shape);
            }
            let mut piece = [0; 64 << 10];
            let length = match self.stream.read(&mut piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                length => length?,
            };
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.read.extend_from_slice(&piece[..length]);
        }
    }
}

/// Appends a command as a client sends it.
pub fn pack(words: &[Vec<u8>], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}

/// A reply by its marks: the kind of line, its text or bytes, its items.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// A status, an error, an integer: what a line holds, with its mark.
    Line(Vec<u8>),
    /// A string.
    Bulk(Option<Vec<u8>>),
    /// An array, set, map or push, with its mark.
    Items(u8, Option<Vec<Shape>>),
}

impl std::fmt::Debug for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Shape::Line(text) => write!(f, "{}", text.escape_ascii()),
            Shape::Bulk(None) => f.write_str("(nil)"),
            Shape::Bulk(Some(bytes)) => write!(f, "\"{}\"", bytes.escape_ascii()),
            Shape::Items(_, None) => f.write_str("(nil array)"),
            Shape::Items(mark, Some(items)) => {
                write!(f, "{}", char::from(*mark))?;
                f.debug_list().entries(items).finish()
            }
        }
    }
}

impl Shape {
    /// The reply that these bytes begin with, and how long it is; `None` if it is not whole.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
        let (mark, text) = (bytes[0], &bytes[1..end]);
        let mut used = end + 2;
        let number = || std::str::from_utf8(text).ok()?.parse::<i64>().ok();
        let shape = match mark {
            b'$' | b'=' => match usize::try_from(number()?) {
                Err(_) => Shape::Bulk(None),
                Ok(length) => {
                    let bulk = bytes.get(used..used + length)?.to_vec();
                    bytes.get(used + length..used + length + 2)?;
                    used += length + 2;
                    Shape::Bulk(Some(bulk))
                }
            },
            b'*' | b'~' | b'>' | b'%' => match usize::try_from(number()?) {
                Err(_) => Shape::Items(mark, None),
                Ok(count) => {
                    let count = if mark == b'%' { 2 * count } else { count };
                    let mut items = Vec::new();
                    for _ in 0..count {
                        let (item, length) = Self::read(&bytes[used..])?;
                        items.push(item);
                        used += length;
                    }
                    Shape::Items(mark, Some(items))
                }
            },
            _ => Shape::Line(bytes[..end].to_vec()),
        };
        Some((shape, used))
    }

    /// The same with all items in order, for replies whose order is nobody's promise.
    #[must_use]
    pub fn sorted(self) -> Self {
        match self {
            Shape::Items(mark, Some(items)) => {
                let mut items: Vec<_> = items.into_iter().map(Self::sorted).collect();
                items.sort();
                Shape::Items(mark, Some(items))
            }
            other => other,
        }
    }
}
