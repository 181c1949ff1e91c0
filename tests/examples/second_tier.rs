//! A real Redis server as a second tier behind caches in the process, for those who outgrow one machine: two "machines"
//! share it through the traits of any backing, and tell each other by its messages what they wrote.
//!
//! `cargo run -p larder-tests --example second_tier` needs a `redis-server` on the path; without one it says so and ends.
//! The server listens on loopback only, at a port that was free, keeps nothing on disk, and is stopped at the end.

#![allow(
    clippy::disallowed_methods,
    reason = "talks to a process, and waits for it"
)]

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use larder::{Cache, Sink, Source, WriteThrough};
use redis::{Client, Commands, Connection, RedisError};

const CHANNEL: &str = "written";

/// A server that is stopped when this is dropped.
pub(crate) struct Server {
    process: Child,
    client: Client,
}

impl Server {
    pub(crate) fn start() -> Option<Self> {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = free.local_addr().expect("it is bound").port();
        drop(free);
        let mut command = Command::new("redis-server");
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        let settings = [
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--port",
        ];
        let process = quiet.args(settings).arg(port.to_string()).spawn().ok()?;
        let client =
            Client::open(format!("redis://127.0.0.1:{port}/")).expect("the address is one");
        let server = Server { process, client };
        for _ in 0..500 {
            if server.client.get_connection().is_ok() {
                return Some(server);
            }
            // Another process, which tells nobody when it begins to listen.
            thread::sleep(Duration::from_millis(10));
        }
        panic!("redis-server was started and does not answer");
    }

    pub(crate) fn connection(&self) -> Connection {
        self.client.get_connection().expect("the server answers")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// The second tier: loads from the server, and tells all who listen what was written.
pub(crate) struct Tier(Mutex<Connection>);

impl Source<String, String> for Tier {
    type Error = RedisError;

    fn load(&self, key: &String) -> Result<Option<String>, RedisError> {
        self.0.lock().expect("no panic").get(key)
    }
}

impl Sink<String, String> for Tier {
    type Error = RedisError;

    fn store(&self, key: &String, value: &String) -> Result<(), RedisError> {
        let mut connection = self.0.lock().expect("no panic");
        let both = redis::pipe()
            .atomic()
            .set(key, value)
            .publish(CHANNEL, key)
            .to_owned();
        both.query(&mut *connection)
    }

    fn remove(&self, key: &String) -> Result<(), RedisError> {
        let mut connection = self.0.lock().expect("no panic");
        let both = redis::pipe()
            .atomic()
            .del(key)
            .publish(CHANNEL, key)
            .to_owned();
        both.query(&mut *connection)
    }
}

/// One machine: a cache before the shared tier, and a thread that forgets what others wrote.
pub(crate) struct Machine {
    pub(crate) users: Arc<WriteThrough<String, String, Tier>>,
    /// The keys that it was told of, once it has forgotten them.
    pub(crate) told: Receiver<String>,
}

impl Machine {
    pub(crate) fn new(server: &Server) -> Self {
        let tier = Tier(Mutex::new(server.connection()));
        let users = Arc::new(WriteThrough::new(Cache::new(1000), tier));
        let (mut listening, cache) = (server.connection(), users.cache().clone());
        let (forgotten, told) = channel();
        let (ready, is_ready) = channel();
        // Ends with the server, when the connection breaks.
        thread::spawn(move || {
            let mut messages = listening.as_pubsub();
            messages.subscribe(CHANNEL).expect("the server takes it");
            ready.send(()).expect("the test waits");
            while let Ok(key) = messages
                .get_message()
                .and_then(|message| message.get_payload::<String>())
            {
                cache.remove(&key);
                if forgotten.send(key).is_err() {
                    return;
                }
            }
        });
        is_ready.recv().expect("it subscribes");
        Machine { users, told }
    }

    pub(crate) fn get(&self, key: &str) -> Option<String> {
        self.users.get(&key.to_owned()).expect("the server answers")
    }

    pub(crate) fn set(&self, key: &str, value: &str) {
        self.users
            .set(&key.to_owned(), value.to_owned())
            .expect("the server answers");
    }
}

/// What happens in both, step by step.
pub(crate) fn main() {
    let Some(server) = Server::start() else {
        println!("no redis-server on the path: nothing to show");
        return;
    };
    let (one, two) = (Machine::new(&server), Machine::new(&server));
    one.set("user:7", "Ada");
    two.told.recv().expect("it listens");
    println!("two reads from the server: {:?}", two.get("user:7"));
    println!("two reads from its memory: {:?}", two.get("user:7"));
    one.set("user:7", "Grace");
    two.told.recv().expect("it listens");
    println!("one wrote, two was told:   {:?}", two.get("user:7"));
    drop(server);
    println!("the server is gone:        {:?}", two.get("user:7"));
}
