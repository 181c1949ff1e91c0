//! A Redis or Valkey server of our own, for the bytes that it takes: started beside us on a socket in the file system,
//! spoken to in its own protocol, ended when it is dropped.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::Failure;

/// Commands that are sent before their replies are read.
const BATCH: usize = 1000;
/// How often, a tenth of a second apart, the server is asked whether it is there.
const TRIES: u32 = 50;

/// See the module's text.
pub struct Server {
    child: Child,
    socket: PathBuf,
    replies: BufReader<UnixStream>,
    pending: Vec<u8>,
    waiting: usize,
}

impl Server {
    /// Starts `redis-server`, or what `LARDER_REDIS_SERVER` names.
    ///
    /// # Errors
    /// If there is none, or it does not answer.
    pub fn start() -> Result<Self, Failure> {
        let program = std::env::var("LARDER_REDIS_SERVER");
        let program = program.unwrap_or_else(|_| "redis-server".to_owned());
        let name = format!("larder-peers-{}.sock", std::process::id());
        let socket = std::env::temp_dir().join(name);
        let mut child = Command::new(&program)
            .args([
                "--port",
                "0",
                "--save",
                "",
                "--appendonly",
                "no",
                "--unixsocket",
            ])
            .arg(&socket)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{program}: {error}"))?;
        for _ in 0..TRIES {
            if let Ok(stream) = UnixStream::connect(&socket) {
                return Ok(Server {
                    child,
                    socket,
                    replies: BufReader::new(stream),
                    pending: Vec::new(),
                    waiting: 0,
                });
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        // It may have ended by itself.
        let _ = child.kill();
        child.wait()?;
        Err(format!("{program} does not answer").into())
    }

    /// Sends a command; its reply is read later, and must not be an error.
    ///
    /// # Panics
    /// If the server is gone or refuses a command.
    pub fn send(&mut self, words: &[&[u8]]) {
        self.pending
            .extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
        for word in words {
            self.pending
                .extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            self.pending.extend_from_slice(word);
            self.pending.extend_from_slice(b"\r\n");
        }
        self.waiting += 1;
        if self.waiting == BATCH {
            self.settle();
        }
    }

    fn settle(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        let stream = self.replies.get_mut();
        stream.write_all(&pending).expect("the server reads");
        for _ in 0..std::mem::take(&mut self.waiting) {
            self.reply();
        }
    }

    /// The next reply, as far as it is text.
    fn reply(&mut self) -> String {
        let mut line = String::new();
        self.replies
            .read_line(&mut line)
            .expect("the server answers");
        assert!(!line.starts_with('-'), "the server refuses: {line}");
        let Some(len) = line.strip_prefix('$') else {
            return line;
        };
        let len: usize = len.trim().parse().expect("a length");
        let mut text = vec![0; len + 2];
        self.replies
            .read_exact(&mut text)
            .expect("the server answers");
        String::from_utf8_lossy(&text).into_owned()
    }

    fn ask(&mut self, words: &[&[u8]]) -> String {
        self.settle();
        self.send(words);
        let pending = std::mem::take(&mut self.pending);
        self.waiting = 0;
        let stream = self.replies.get_mut();
        stream.write_all(&pending).expect("the server reads");
        self.reply()
    }

    fn info(&mut self, section: &str, wanted: &str) -> String {
        let text = self.ask(&[b"INFO", section.as_bytes()]);
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        let mut found = lines.filter(|(name, _)| *name == wanted);
        found
            .next()
            .map_or(String::new(), |(_, value)| value.to_owned())
    }

    /// The server's `used_memory`.
    ///
    /// # Panics
    /// If the server is gone.
    pub fn used_memory(&mut self) -> u64 {
        let used = self.info("memory", "used_memory");
        used.parse().expect("a number of bytes")
    }

    /// Removes all keys.
    ///
    /// # Panics
    /// If the server is gone.
    pub fn flush_all(&mut self) {
        self.ask(&[b"FLUSHALL", b"SYNC"]);
    }

    /// The server's name and version.
    ///
    /// # Panics
    /// If the server is gone.
    pub fn name(&mut self) -> String {
        match self.info("server", "valkey_version") {
            version if version.is_empty() => {
                format!("Redis {}", self.info("server", "redis_version"))
            }
            version => format!("Valkey {version}"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.socket);
    }
}
