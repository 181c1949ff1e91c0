//! The attributes of larder's memoization. Use them through `larder`, feature `macros`.

#![forbid(unsafe_code)]

mod after;
mod attributes;
mod body;
mod bulk;
mod memoize;
mod request;
mod signature;
mod tags;

use proc_macro::TokenStream;
use syn::{ItemFn, parse_macro_input};

/// Keeps a function's results, by its arguments.
///
/// Call sites do not change. However many threads or tasks ask at once, the body runs once for the same arguments; a hit
/// clones the result and no argument. Of a `Result`, only `Ok` is kept.
///
/// ```
/// use larder::memoize;
///
/// #[memoize(max_entries = 1000, ttl = "60s")]
/// fn length(text: &str) -> usize {
///     text.len()
/// }
///
/// assert_eq!(length("four"), 4);
/// assert_eq!(length::peek("four"), Some(4));
/// assert!(length::invalidate("four"));
/// assert_eq!(length::peek("four"), None);
/// ```
///
/// | setting | |
/// |---|---|
/// | `max_entries = 1000` | how many results are kept; 10,000 if nothing is said |
/// | `max_weight = 1 << 20, weigher = path` | how much they may weigh together, and what each does |
/// | `unbounded` | all are kept |
/// | `ttl = "60s"`, `idle = "5m"` | how long one is kept, and how long without being asked for (`ms s m h d`) |
/// | `jitter = 0.1`, `refresh_at = 0.8`, `early = 1.0` | times to live shortened by chance, refreshed ahead, refreshed early by chance |
/// | `stale = "30s"`, `stale_if_error = "10m"` | how long after `ttl` a result still serves while one caller computes, or where the body fails |
/// | `soft_timeout = "50ms"` | how long a caller waits for another's call of the body before it takes what is stale |
/// | `timeout = "2s"` | how long at all; the error type is then `From<LoadError<Infallible>>` |
/// | `ttl_fn = \|user\| user.max_age` | how long a result is kept, by a reference to it (to what is in `Ok` and `Some`): a `Duration`, or an `Option` of one, whose `None` leaves it to `ttl` |
/// | `cache_if = \|found\| found.is_some()` | which results are kept, by a reference to what would be; the others go to those who asked |
/// | `single_flight = key`, `off` | whether callers wait for another's call of the body with the same arguments; with `off` each runs it that finds nothing, and the result of the first is kept |
/// | `none = "15s"` | how long `None` is kept |
/// | `errors = "2s"` | keeps errors too, for so long; `peek` and `put` then speak of the `Result` |
/// | `tags = ["user:{id}", "org:{result.org}"]` | tags of [`Tags::shared()`](https://docs.rs/larder); those with `result` only where there is one |
/// | `name = "users"` | under which [`memo::stats`](https://docs.rs/larder) lists its cache; its path if nothing is said |
/// | `clock = time.clock()` | where the time comes from |
/// | `skip(db)` | arguments that do not belong to the key |
/// | `key: u64 = user.id` | the key, where it is not the arguments as they are |
/// | `scope = static`, `thread` | one cache for all, or one for each thread |
/// | `scope = field(self.cache)`, `cache = USERS` | a cache that you have, in a field of `self` or of an argument, or under a name of its own |
/// | `scope = cx(request)` | results are kept for one request, and lent; see below |
/// | `bulk` | the function takes a slice of keys and returns a map (or pairs), each of which is kept; see below |
/// | `result` | the return type is a `Result` under another name |
///
/// Beside a function `f` stands a module `f` with `invalidate`, `peek`, `put` (named by references to the key's
/// arguments), `refresh` and `uncached` (called as `f` is), `clear`, `stats` and `cache`. A method's results are in its
/// field, a [`Cache`](https://docs.rs/larder) whose key is the argument, or the tuple of them; its body goes on as
/// `f_uncached`. So it is with a function whose cache is in a field of an argument, but that its body is not to be had.
///
/// An argument through which a cache or a request is found is no part of the key.
///
/// The body runs in its caller, also to refresh: a body that waits has timeouts of its own. `timeout` and `soft_timeout`
/// bound how long others wait for it.
///
/// A function that calls itself with the same arguments runs the inner call without keeping it.
///
/// A `bulk` function is called once for the keys that are missing, and each of them by one caller at a time. Its companions
/// `invalidate`, `peek` and `put` concern one key, a tag may name it as `key`; there is no `refresh`. Arguments that are
/// skipped are cloned for each call of the body.
///
/// ```
/// use larder::memoize;
///
/// #[memoize(bulk, max_entries = 1000, tags = ["price:{key}"])]
/// fn prices(ids: &[u64]) -> std::collections::HashMap<u64, u64> {
///     ids.iter().map(|id| (*id, id * 100)).collect()
/// }
///
/// assert_eq!(prices(&[1, 2])[&2], 200);
/// assert_eq!(prices::peek(&2), Some(200));
/// assert_eq!(prices(&[2, 3])[&3], 300); // the body sees 3 alone
/// ```
///
/// With `scope = cx(request)` results end with their request: they are in the [`Memos`](https://docs.rs/larder) that the
/// argument is or has (`cx(request.memos)`), or that its type gives by `AsRef`. Callers get references, `&User` where
/// the body returns `User`, and `Result<&User, E>` for `Result<User, E>`: neither needs to be `Clone`. Such a function
/// has no companions.
///
/// ```
/// use larder::{Memos, memoize};
///
/// #[memoize(scope = cx(memos))]
/// fn user(memos: &Memos, id: u64) -> Result<String, std::fmt::Error> {
///     Ok(format!("user {id}"))
/// }
///
/// let request = Memos::new();
/// let name: &String = user(&request, 7)?;
/// assert!(std::ptr::eq(name, user(&request, 7)?));
/// # Ok::<(), std::fmt::Error>(())
/// ```
///
/// ```
/// use larder::{Cache, memoize};
///
/// struct Repository {
///     users: Cache<u64, String>,
/// }
///
/// impl Repository {
///     #[memoize(scope = field(self.users))]
///     fn user(&self, id: u64) -> Result<String, std::fmt::Error> {
///         Ok(format!("user {id}"))
///     }
/// }
///
/// let repository = Repository { users: Cache::new(100) };
/// assert_eq!(repository.user(7)?, "user 7");
/// assert_eq!(repository.users.peek(&7).as_deref(), Some("user 7"));
/// # Ok::<(), std::fmt::Error>(())
/// ```
#[proc_macro_attribute]
pub fn memoize(attributes: TokenStream, item: TokenStream) -> TokenStream {
    let attributes = parse_macro_input!(attributes as attributes::Attributes);
    let function = parse_macro_input!(item as ItemFn);
    written(memoize::expand(&attributes, &function))
}

/// Forgets results of memoized functions after this function has succeeded.
///
/// `get_user(&id)` means one result, `all = list_users` all of a function, `tags = ["org:{result.org}"]` all that have a
/// tag, of any function, and of any cache with [`Tags::shared()`](https://docs.rs/larder). Of a function that returns a `Result`, only
/// `Ok` is success; `result` is a reference to what it returned. Keys are references, as companions take them; those that
/// do not speak of `result` are taken before the call.
///
/// ```
/// use larder::{memo_evict, memoize};
///
/// #[memoize]
/// fn price(id: u64) -> u64 {
///     id * 100
/// }
///
/// #[memo_evict(price(&id))]
/// fn set_price(id: u64, _price: u64) -> Result<(), String> {
///     if id == 0 { Err("no such thing".into()) } else { Ok(()) }
/// }
///
/// price(7);
/// set_price(7, 9).expect("it exists");
/// assert_eq!(price::peek(&7), None);
/// ```
#[proc_macro_attribute]
pub fn memo_evict(targets: TokenStream, item: TokenStream) -> TokenStream {
    let targets = parse_macro_input!(targets as after::Targets);
    let function = parse_macro_input!(item as ItemFn);
    after::evict(&targets, &function).into()
}

/// Keeps what this function returned as the result of a memoized function.
///
/// ```
/// use larder::{memo_put, memoize};
///
/// #[memoize]
/// fn name(id: u64) -> String {
///     format!("user {id}")
/// }
///
/// #[memo_put(name(&id))]
/// fn rename(id: u64, new: &str) -> String {
///     new.to_owned()
/// }
///
/// rename(7, "Ada");
/// assert_eq!(name(7), "Ada");
/// ```
#[proc_macro_attribute]
pub fn memo_put(targets: TokenStream, item: TokenStream) -> TokenStream {
    let targets = parse_macro_input!(targets as after::Targets);
    let function = parse_macro_input!(item as ItemFn);
    written(after::put(&targets, &function))
}

fn written(tokens: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    tokens.unwrap_or_else(syn::Error::into_compile_error).into()
}
