//! `Session`: what a server knows of one connection, and the way of a command.
//!
//! ```text
//! words ── table row, arity ── MULTI open? ── yes, and not EXEC and the like: queued
//!                                   └── no ── on the store, on the store under the locks of its keys, or on the session
//! ```
//!
//! A session belongs to one thread at a time; sessions of one [`Databases`] meet in its stores only.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use larder::{Message, Store, Subscription, WatchedKeys};

use crate::args::{Args, Outcome};
use crate::clients::{Client, Facts};
use crate::commands::unknown_subcommand;
use crate::commands::waiting::{Wait, Want};
use crate::databases::Databases;
use crate::db::Db;
use crate::fault::Fault;
use crate::reply::Reply;
use crate::resp::Protocol;
use crate::table::{self, ATOMIC, Command, DIRECT, Handler, LISTENER, NO_MULTI};

/// Sessions are numbered in the order in which they begin, from 1, as long as the process runs.
static LAST_ID: AtomicU64 = AtomicU64::new(0);

/// A command of an open transaction.
pub(crate) struct Queued {
    pub(crate) command: &'static Command,
    pub(crate) words: Vec<Vec<u8>>,
}

/// An open transaction: what MULTI began.
#[derive(Default)]
pub(crate) struct Queue {
    pub(crate) commands: Vec<Queued>,
    /// A command could not be queued: EXEC will refuse.
    pub(crate) aborted: bool,
}

/// What became of a command.
pub(crate) enum Step {
    Done(Reply),
    /// There is nothing yet of what it wants of the store.
    Wait(Wait),
}

/// Which replies the client wants: CLIENT REPLY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    All,
    /// All but the next.
    AllButNext,
    None,
}

/// One connection's commands, executed in order.
///
/// ```
/// use larder_redis::{Reply, Session};
///
/// let mut session = Session::new(larder::Store::new());
/// session.execute(&[b"MULTI"]);
/// session.execute(&[b"INCR", b"hits"]);
/// assert_eq!(session.execute(&[b"EXEC"]), Reply::Array(vec![Reply::Int(1)]));
/// ```
pub struct Session {
    pub(crate) databases: Databases,
    pub(crate) number: usize,
    pub(crate) store: Store,
    /// The swaps of databases that `store` takes account of.
    swaps: u64,
    /// As the others see it.
    pub(crate) client: Arc<Client>,
    pub(crate) id: u64,
    pub(crate) protocol: Protocol,
    pub(crate) queue: Option<Queue>,
    /// With the number of their database.
    pub(crate) watched: Vec<(usize, WatchedKeys)>,
    /// Databases were swapped while keys were watched: EXEC will do nothing.
    pub(crate) swapped: bool,
    pub(crate) wanted: Wanted,
    /// Made by the first SUBSCRIBE.
    pub(crate) listener: Option<Subscription<Message>>,
    pub(crate) closed: bool,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .field("database", &self.number)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// A session on one store: database 0, and no other.
    ///
    /// ```
    /// let session = larder_redis::Session::new(larder::Store::new());
    /// assert_eq!(session.database(), 0);
    /// ```
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self::of(&Databases::from(store))
    }

    /// A session on numbered stores; it begins with number 0.
    ///
    /// ```
    /// use larder_redis::{Databases, Reply, Session};
    ///
    /// let mut session = Session::of(&Databases::default());
    /// assert_eq!(session.execute(&[b"SELECT", b"15"]), Reply::Ok);
    /// ```
    ///
    /// # Panics
    ///
    /// If there are no stores.
    #[must_use]
    pub fn of(databases: &Databases) -> Self {
        let swaps = databases.swaps();
        let store = databases.get(0).expect("there is a store").clone();
        let id = LAST_ID.fetch_add(1, Ordering::Relaxed) + 1;
        let client = databases.clients().enter(Facts {
            id,
            name: Vec::new(),
            library: [Vec::new(), Vec::new()],
            database: 0,
            protocol: Protocol::Resp2,
        });
        Session {
            databases: databases.clone(),
            number: 0,
            store,
            swaps,
            client,
            id,
            protocol: Protocol::Resp2,
            queue: None,
            watched: Vec::new(),
            swapped: false,
            wanted: Wanted::All,
            listener: None,
            closed: false,
        }
    }

    /// Executes one command: its name and its arguments.
    ///
    /// ```
    /// use larder_redis::{Reply, Session};
    ///
    /// let mut session = Session::new(larder::Store::new());
    /// assert_eq!(session.execute(&[b"APPEND", b"log", b"a"]), Reply::Int(1));
    /// ```
    ///
    /// # Cost
    ///
    /// The command's, and some 30 ns to find it. A command that waits parks the thread.
    pub fn execute(&mut self, words: &[&[u8]]) -> Reply {
        match self.start(words) {
            Step::Done(reply) => reply,
            Step::Wait(wait) => wait.park().into(),
        }
    }

    /// Executes one command, or says what it waits for.
    pub(crate) fn start(&mut self, words: &[&[u8]]) -> Step {
        if words.is_empty() {
            return Step::Done(Reply::Several(Vec::new()));
        }
        if self.swaps != self.databases.swaps() {
            self.follow_swaps();
        }
        let before = self.wanted;
        match self.dispatch(words) {
            Ok(Step::Done(reply)) => Step::Done(self.muted(before, reply)),
            Ok(wait) => wait,
            Err(fault) => Step::Done(self.muted(before, Reply::Error(fault))),
        }
    }

    /// The reply, if the client wants it.
    #[inline]
    fn muted(&mut self, before: Wanted, reply: Reply) -> Reply {
        match (before, self.wanted) {
            (Wanted::All, Wanted::All) => reply,
            (Wanted::AllButNext, Wanted::AllButNext) => {
                self.wanted = Wanted::All;
                Reply::Several(Vec::new())
            }
            // CLIENT REPLY ON answers.
            (_, Wanted::All) => reply,
            (_, Wanted::AllButNext | Wanted::None) => Reply::Several(Vec::new()),
        }
    }

    #[inline]
    fn dispatch(&mut self, words: &[&[u8]]) -> Result<Step, Fault> {
        let command = match table::find(words[0]) {
            Some(command) if command.takes(words.len()) => command,
            found => return Err(self.refuse(found, words)),
        };
        if self.listener.is_some() && !command.has(LISTENER) {
            let may = self.may_run(command);
            may.map_err(|fault| self.reject(Some(command), fault))?;
        }
        match &mut self.queue {
            Some(queue) if !command.has(DIRECT) => queue.push(command, words).map(Step::Done),
            _ => match command.handler {
                Handler::Waiting(read) => self.want(read(Args::new(words))?),
                _ => self.run_now(command, words).map(Step::Done),
            },
        }
    }

    /// Refuses what a client of RESP2 that listens could not tell from a message.
    fn may_run(&self, command: &Command) -> Result<(), Fault> {
        if self.protocol == Protocol::Resp3 || self.listens_to() == 0 {
            return Ok(());
        }
        Err(Fault::new(format!(
            "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this \
             context",
            command.name
        )))
    }

    /// Takes what is there; where there is nothing, it is to be waited for.
    fn want(&self, want: Want) -> Result<Step, Fault> {
        Ok(match want.at_once(Db::Store(&self.store))? {
            None => Step::Wait(Wait {
                want,
                store: self.store.clone(),
                client: Arc::clone(&self.client),
            }),
            Some(reply) => Step::Done(reply),
        })
    }

    /// Runs a command outside of a transaction.
    #[inline]
    pub(crate) fn run_now(&mut self, command: &'static Command, words: &[&[u8]]) -> Outcome {
        let args = Args::new(words);
        match command.handler {
            Handler::Data(run) if command.has(ATOMIC) => {
                let keys = command.keys_of(words).unwrap_or_default();
                self.store.atomic(keys, |tx| run(Db::Tx(tx), args))
            }
            Handler::Data(run) => run(Db::Store(&self.store), args),
            Handler::Waiting(read) => read(args)?.in_transaction(Db::Store(&self.store)),
            Handler::Whole(run) => run(&self.store, args),
            Handler::Session(run) => run(self, args),
            Handler::Between(_, run) => run(self, args),
        }
    }

    /// Says what is wrong with a command that is unknown or has a wrong number of words.
    #[cold]
    fn refuse(&mut self, found: Option<&Command>, words: &[&[u8]]) -> Fault {
        let fault = match found {
            Some(command) => Fault::arity(command.name),
            None if is_script(words[0]) => Fault::fixed(
                "ERR larder runs no scripts: use MULTI and EXEC, or a closure given to Store::atomic",
            ),
            None => unknown(words),
        };
        self.reject(found, fault)
    }

    /// A command that does not even begin, for this fault: an open transaction will not be executed, and EXEC discards it.
    #[cold]
    fn reject(&mut self, command: Option<&Command>, fault: Fault) -> Fault {
        if let Some(queue) = &mut self.queue {
            queue.aborted = true;
        }
        if command.is_none_or(|command| command.name != "exec") {
            return fault;
        }
        self.queue = None;
        self.forget_watched();
        let why = fault.text().trim_start_matches("ERR ");
        Fault::new(format!("EXECABORT Transaction discarded because of: {why}"))
    }

    /// Selects a database.
    pub(crate) fn select(&mut self, number: i64) -> Result<(), Fault> {
        let (number, store) = self.databases.select(number)?;
        let store = store.clone();
        (self.number, self.store) = (number, store);
        self.client.change(|facts| facts.database = number);
        Ok(())
    }

    /// Turns to the store that has the selected number now. Whoever watches keys is told that they changed.
    #[cold]
    pub(crate) fn follow_swaps(&mut self) {
        self.swaps = self.databases.swaps();
        if let Some(store) = self.databases.get(self.number) {
            self.store = store.clone();
        }
        self.swapped |= !self.watched.is_empty();
        self.watched.clear();
    }

    /// Sets the version of RESP.
    pub(crate) fn speak(&mut self, protocol: Protocol) {
        self.protocol = protocol;
        self.client.change(|facts| facts.protocol = protocol);
    }

    /// No key is watched any more; whether databases were swapped meanwhile.
    pub(crate) fn forget_watched(&mut self) -> bool {
        self.watched.clear();
        std::mem::take(&mut self.swapped)
    }

    /// The databases that it is a session on.
    pub(crate) fn databases(&self) -> &Databases {
        &self.databases
    }

    /// The number of the selected database.
    ///
    /// ```
    /// let mut session = larder_redis::Session::of(&larder_redis::Databases::default());
    /// session.execute(&[b"SELECT", b"3"]);
    /// assert_eq!(session.database(), 3);
    /// ```
    #[must_use]
    pub fn database(&self) -> usize {
        self.number
    }

    /// The version of RESP that the client asked for.
    ///
    /// ```
    /// let session = larder_redis::Session::new(larder::Store::new());
    /// assert_eq!(session.protocol(), larder_redis::Protocol::Resp2);
    /// ```
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Whether QUIT ended the session.
    ///
    /// ```
    /// let mut session = larder_redis::Session::new(larder::Store::new());
    /// session.execute(&[b"QUIT"]);
    /// assert!(session.is_closed());
    /// ```
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.databases.clients().leave(self.id);
    }
}

impl Queue {
    fn push(&mut self, command: &'static Command, words: &[&[u8]]) -> Outcome {
        if command.has(NO_MULTI) {
            self.aborted = true;
            return Err(Fault::fixed("ERR Command not allowed inside a transaction"));
        }
        if !table::has_subcommand(command, words) {
            self.aborted = true;
            return Err(unknown_subcommand(Args::new(words)));
        }
        let words = words.iter().map(|word| word.to_vec()).collect();
        self.commands.push(Queued { command, words });
        Ok(Reply::Status("QUEUED".into()))
    }
}

/// Most bytes of an unknown command that are repeated, and most of its arguments.
const REPEATED: usize = 128;

/// Whether it is one of the commands that run scripts.
fn is_script(name: &[u8]) -> bool {
    let scripts = [
        "EVAL",
        "EVALSHA",
        "EVAL_RO",
        "EVALSHA_RO",
        "SCRIPT",
        "FCALL",
        "FCALL_RO",
        "FUNCTION",
    ];
    scripts.iter().any(|script| crate::args::is(name, script))
}

fn unknown(words: &[&[u8]]) -> Fault {
    let name = &words[0][..words[0].len().min(REPEATED)];
    let mut args = Vec::new();
    for word in &words[1..] {
        if args.len() >= REPEATED {
            break;
        }
        let shown = word.len().min(REPEATED - args.len());
        args.push(b'\'');
        args.extend_from_slice(&word[..shown]);
        args.extend_from_slice(b"' ");
    }
    Fault::new(format!(
        "ERR unknown command '{}', with args beginning with: {}",
        String::from_utf8_lossy(name),
        String::from_utf8_lossy(&args)
    ))
}
