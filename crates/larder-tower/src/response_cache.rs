//! `ResponseCacheLayer`: answers GET from memory, as far as request and response allow.
//!
//! ```text
//! request  not GET, Range, Authorization, Cache-Control: no-store or no-cache -> the service, nothing is kept
//! look-up  kept -> answered          told to pass -> the service          neither -> one caller runs the service:
//! response 200, max-age or s-maxage, no no-store / private / no-cache, no Vary, no Set-Cookie, a body of known size
//!          within the bound -> kept for so long; anything else -> its caller has it, the others are told to pass
//! ```
//!
//! A response that may not be kept leaves a mark for a moment, so that the callers of such a path run side by side
//! instead of one after the other.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AGE, AUTHORIZATION, CACHE_CONTROL, HOST, HeaderName, RANGE, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use larder::{BuildError, Cache, LoadError};
use tower_layer::Layer;
use tower_service::Service;

use crate::BoxFuture;

/// Longest body that is kept, unless told otherwise.
const MAX_BODY: u64 = 1 << 20;
/// How long callers of a path are told to pass after a response that may not be kept.
const PASS: Duration = Duration::from_secs(5);
/// What a kept response weighs beside its body: its head, roughly.
const HEAD_BYTES: u64 = 512;

/// A response that is kept.
struct Kept {
    headers: HeaderMap,
    body: Bytes,
    max_age: Duration,
}

/// What is known of a key.
#[derive(Clone)]
enum Known {
    Kept(Arc<Kept>),
    /// The last response may not be kept.
    Pass,
}

/// Answers GET from memory, as far as request and response allow, with one run of the service per key at a time.
///
/// The key is host, path and query. Kept is what says for how long (`Cache-Control: max-age` or `s-maxage`), and neither
/// `no-store`, `no-cache`, `private`, `Vary` nor `Set-Cookie`. Requests with `Authorization`, `Range`, or a
/// `Cache-Control` of their own that says so go past it.
///
/// ```
/// use larder_tower::ResponseCacheLayer;
///
/// let layer = ResponseCacheLayer::new(64 << 20)?.max_body(256 << 10);
/// # drop(layer);
/// # Ok::<(), larder::BuildError>(())
/// ```
///
/// # Cost
///
/// A hit: a look-up, a copy of the response's head, one allocation for the future; the body is shared.
#[derive(Clone)]
pub struct ResponseCacheLayer {
    known: Cache<String, Known>,
    max_body: u64,
}

impl ResponseCacheLayer {
    /// Keeps responses of at most so many bytes together.
    ///
    /// # Errors
    ///
    /// If that is none.
    pub fn new(max_bytes: u64) -> Result<Self, BuildError> {
        let known = Cache::builder()
            .max_weight(max_bytes)
            .weigher(|key: &String, known| key.len() as u64 + HEAD_BYTES + body_bytes(known))
            // What has no deadline of its own yet: its caller is about to set it.
            .ttl(PASS)
            .build()?;
        Ok(ResponseCacheLayer {
            known,
            max_body: MAX_BODY,
        })
    }

    /// Keeps no body that is longer (1 MiB without this).
    #[must_use]
    pub fn max_body(mut self, bytes: u64) -> Self {
        self.max_body = bytes;
        self
    }

    /// Forgets what is known of a host's path and query, as in `example.org/news?page=2`; whether there was anything.
    pub fn invalidate(&self, host_and_path: &str) -> bool {
        self.known.remove(host_and_path).is_some()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.known.clear();
    }

    /// Takes a response apart if it may be kept.
    async fn keep<B>(&self, response: Response<B>) -> Result<Kept, Answer<B>>
    where
        B: Body<Data = Bytes>,
    {
        let max_age = max_age(response.headers());
        let size = response.body().size_hint().upper();
        let (Some(max_age), Some(size)) = (max_age, size) else {
            return Err(Answer::Whole(response));
        };
        if response.status() != StatusCode::OK || size > self.max_body {
            return Err(Answer::Whole(response));
        }
        let (parts, body) = response.into_parts();
        match body.collect().await {
            Ok(body) => Ok(Kept {
                headers: parts.headers,
                body: body.to_bytes(),
                max_age,
            }),
            Err(_) => Err(Answer::Broken),
        }
    }

    /// The answer to a request that may be answered from memory.
    async fn answer<S, A, B>(
        self,
        key: String,
        mut service: S,
        request: Request<A>,
    ) -> Result<Response<B>, S::Error>
    where
        S: Service<Request<A>, Response = Response<B>>,
        B: Body<Data = Bytes> + From<Bytes>,
    {
        let mut request = Some(request);
        let mut own = None;
        let load = async {
            let request = request.take().expect("a loader runs once");
            let response = service.call(request).await?;
            Ok(match self.keep(response).await {
                Ok(kept) => Known::Kept(Arc::new(kept)),
                Err(answer) => {
                    own = Some(answer);
                    Known::Pass
                }
            })
        };
        let known = self.known.get_or_try_load_async(key.as_str(), load).await;
        match (known, own) {
            (Err(LoadError::Failed(error)), _) => Err(error),
            (_, Some(Answer::Whole(response))) => Ok(response),
            (_, Some(Answer::Broken)) => Ok(broken()),
            (Ok(Known::Kept(kept)), None) => {
                if request.is_none() {
                    self.known.expire(key.as_str(), kept.max_age);
                }
                Ok(self.reply(&key, &kept))
            }
            (_, None) => match request.take() {
                Some(request) => service.call(request).await,
                None => Ok(broken()),
            },
        }
    }

    fn reply<B: From<Bytes>>(&self, key: &str, kept: &Kept) -> Response<B> {
        let mut response = Response::new(B::from(kept.body.clone()));
        *response.headers_mut() = kept.headers.clone();
        let left = self.known.ttl(key).left().unwrap_or(kept.max_age);
        let age = kept.max_age.saturating_sub(left).as_secs();
        response.headers_mut().insert(AGE, age.into());
        response
    }
}

/// What its caller has of a response that is not kept.
enum Answer<B> {
    Whole(Response<B>),
    /// Its body failed on the way.
    Broken,
}

fn body_bytes(known: &Known) -> u64 {
    match known {
        Known::Kept(kept) => kept.body.len() as u64,
        Known::Pass => 0,
    }
}

fn broken<B: From<Bytes>>() -> Response<B> {
    let mut response = Response::new(B::from(Bytes::new()));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}

/// The key of a request that may be answered from memory.
fn key<A>(request: &Request<A>) -> Option<String> {
    let headers = request.headers();
    let is_plain = request.method() == Method::GET
        && !headers.contains_key(AUTHORIZATION)
        && !headers.contains_key(RANGE)
        && directives(headers, &CACHE_CONTROL)
            .all(|directive| !is_one_of(directive, &["no-store", "no-cache"]));
    if !is_plain {
        return None;
    }
    let uri = request.uri();
    let named = headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = uri.authority().map(|host| host.as_str()).or(named);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    Some(format!("{}{path}", host.unwrap_or_default()))
}

/// How long a response may be kept; `None` if it may not.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    if headers.contains_key(VARY) || headers.contains_key(SET_COOKIE) {
        return None;
    }
    let (mut own, mut shared) = (None, None);
    for directive in directives(headers, &CACHE_CONTROL) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        if is_one_of(name, &["no-store", "no-cache", "private"]) {
            return None;
        }
        // A number that cannot be read keeps nothing.
        let seconds = || value.trim_matches('"').parse().unwrap_or(0);
        if name.eq_ignore_ascii_case("max-age") {
            own = Some(seconds());
        } else if name.eq_ignore_ascii_case("s-maxage") {
            shared = Some(seconds());
        }
    }
    let seconds = shared.or(own).filter(|seconds| *seconds > 0)?;
    Some(Duration::from_secs(seconds))
}

fn directives<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let text = |value: &'a HeaderValue| value.to_str().unwrap_or("no-store");
    let values = headers.get_all(name).into_iter();
    values.flat_map(move |value| text(value).split(',').map(str::trim))
}

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|other| name.eq_ignore_ascii_case(other))
}

impl fmt::Debug for ResponseCacheLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseCacheLayer")
            .field("known", &self.known)
            .field("max_body", &self.max_body)
            .finish()
    }
}

impl<S> Layer<S> for ResponseCacheLayer {
    type Service = ResponseCacheService<S>;

    fn layer(&self, service: S) -> Self::Service {
        ResponseCacheService {
            layer: self.clone(),
            service,
        }
    }
}

/// A service behind a [`ResponseCacheLayer`].
#[derive(Clone, Debug)]
pub struct ResponseCacheService<S> {
    layer: ResponseCacheLayer,
    service: S,
}

impl<S, A, B> Service<Request<A>> for ResponseCacheService<S>
where
    S: Service<Request<A>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    A: Send + 'static,
    B: Body<Data = Bytes> + From<Bytes> + Send + 'static,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = BoxFuture<Result<Response<B>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let Some(key) = key(&request) else {
            return Box::pin(self.service.call(request));
        };
        // The service that was polled ready is the one that is called; its clone takes its place.
        let next = self.service.clone();
        let ready = std::mem::replace(&mut self.service, next);
        Box::pin(self.layer.clone().answer(key, ready, request))
    }
}
