//! `Client`: connections by URL, in this process or to a real server.

use super::redis;
use super::redis::{ErrorKind, RedisError, RedisResult};
use larder::Store;

use super::connection::Connection;
use crate::databases::Databases;
use crate::session::Session;

/// Where connections lead.
#[derive(Clone, Debug)]
enum Target {
    Here { databases: Databases, number: usize },
    There(redis::Client),
}

/// Gives connections, as `redis::Client` does.
///
/// ```
/// use redis::Commands;
///
/// let url = std::env::var("CACHE_URL").unwrap_or("larder://".to_owned());
/// let client = larder_redis::Client::open(&url)?;
/// let mut con = client.get_connection()?;
/// let _: () = con.set("key", "value")?;
/// assert_eq!(con.get::<_, String>("key")?, "value");
/// # Ok::<(), redis::RedisError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Client(Target);

impl From<Store> for Client {
    /// A client of one store: database 0, and no other.
    fn from(store: Store) -> Self {
        Client::from(Databases::from(store))
    }
}

impl From<Databases> for Client {
    fn from(databases: Databases) -> Self {
        Client(Target::Here {
            databases,
            number: 0,
        })
    }
}

impl Client {
    /// A client by URL.
    ///
    /// `larder://` is a new set of 16 databases; `larder://name` the set of that name, which lives as long as any
    /// client or connection of it; `larder://name/3` begins with its database 3. Every other URL is
    /// the `redis` crate's, and leads to a server.
    ///
    /// ```
    /// use redis::Commands;
    ///
    /// let one = larder_redis::Client::open("larder://shared")?;
    /// let other = larder_redis::Client::open("larder://shared")?;
    /// let _: () = one.get_connection()?.set("key", 1)?;
    /// assert_eq!(other.get_connection()?.get::<_, i32>("key")?, 1);
    /// # Ok::<(), redis::RedisError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidClientConfig` if the database is no number or there is no such, and what the `redis` crate says of its URLs.
    pub fn open(url: impl AsRef<str>) -> RedisResult<Self> {
        let url = url.as_ref();
        let Some(place) = url.strip_prefix("larder://") else {
            return Ok(Client(Target::There(redis::Client::open(url)?)));
        };
        let (name, number) = place.split_once('/').unwrap_or((place, ""));
        let number = if number.is_empty() {
            Ok(0)
        } else {
            number.parse()
        };
        let databases = Databases::named(name);
        match number {
            Ok(number) if number < databases.count() => {
                Ok(Client(Target::Here { databases, number }))
            }
            _ => Err(RedisError::from((
                ErrorKind::InvalidClientConfig,
                "no such database in the URL",
            ))),
        }
    }

    /// A new connection.
    ///
    /// ```
    /// use redis::ConnectionLike;
    ///
    /// let client = larder_redis::Client::from(larder::Store::new());
    /// assert!(client.get_connection()?.is_open());
    /// # Ok::<(), redis::RedisError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// None in this process; what the `redis` crate says when it connects to a server.
    pub fn get_connection(&self) -> RedisResult<Connection> {
        match &self.0 {
            Target::Here { .. } => Ok(Connection::here(self.session()?)),
            Target::There(client) => Ok(Connection::there(client.get_connection()?)),
        }
    }

    /// The `redis` crate's client, if the URL leads to a server.
    #[cfg(feature = "aio")]
    pub(super) fn server(&self) -> Option<&redis::Client> {
        match &self.0 {
            Target::Here { .. } => None,
            Target::There(client) => Some(client),
        }
    }

    /// A new session; a real server has none to give.
    pub(super) fn session(&self) -> RedisResult<Session> {
        match &self.0 {
            Target::Here { databases, number } => {
                let mut session = Session::of(databases);
                let number = i64::try_from(*number).unwrap_or(i64::MAX);
                session
                    .select(number)
                    .expect("the number was checked when the client was made");
                Ok(session)
            }
            Target::There(_) => Err(RedisError::from((
                ErrorKind::InvalidClientConfig,
                "the URL leads to a server",
            ))),
        }
    }
}
