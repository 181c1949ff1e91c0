//! `RateLimitLayer`: a limiter in front of a service.
//!
//! A refusal is a response, not an error: errors of the service pass through as they are. Readiness is the service's
//! own; nothing is charged before a request is there.

use std::fmt;
use std::fmt::Write;
use std::hash::Hash;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use larder::{Decision, RateLimiter};
use tower_layer::Layer;
use tower_service::Service;

use crate::BoxFuture;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const X_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Which header fields responses carry. A refusal carries `Retry-After` besides, unless no wait would help.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fields {
    /// The IETF's and the older ones.
    #[default]
    All,
    /// `RateLimit` and `RateLimit-Policy`, as the IETF's draft has them.
    Ietf,
    /// `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset` (seconds from now).
    Legacy,
    /// None.
    Silent,
}

type KeyOf<K> = Arc<dyn Fn(&Parts) -> Option<K> + Send + Sync>;
type CostOf = Arc<dyn Fn(&Parts) -> u64 + Send + Sync>;

/// Limits how often each key may call a service.
///
/// The key is taken from the request's head by a closure; requests for which it gives none are not limited. Take care
/// what it trusts: a header such as `X-Forwarded-For` says what the client likes, unless a proxy of yours sets it.
///
/// ```
/// use larder::{RateLimiter, Rule};
/// use larder_tower::RateLimitLayer;
/// use std::time::Duration;
///
/// let limiter = RateLimiter::<String>::new(Rule::token_bucket(100, Duration::from_secs(60)));
/// let layer = RateLimitLayer::new(limiter, |parts| {
///     Some(parts.headers.get("x-api-key")?.to_str().ok()?.to_owned())
/// });
/// # drop(layer);
/// ```
///
/// # Cost
///
/// A [`check`](RateLimiter::check), one allocation for the future, and what the header fields take.
pub struct RateLimitLayer<K> {
    limiter: RateLimiter<K>,
    key: KeyOf<K>,
    cost: Option<CostOf>,
    fields: Fields,
    /// The field `RateLimit-Policy`.
    policy: HeaderValue,
}

impl<K> RateLimitLayer<K> {
    /// Limits by the key that the closure takes from a request's head.
    pub fn new(
        limiter: RateLimiter<K>,
        key: impl Fn(&Parts) -> Option<K> + Send + Sync + 'static,
    ) -> Self {
        let policy = policy(&limiter);
        RateLimitLayer {
            limiter,
            key: Arc::new(key),
            cost: None,
            fields: Fields::default(),
            policy,
        }
    }

    /// Says how many calls a request counts as.
    #[must_use]
    pub fn cost(mut self, cost: impl Fn(&Parts) -> u64 + Send + Sync + 'static) -> Self {
        self.cost = Some(Arc::new(cost));
        self
    }

    /// Chooses the header fields.
    #[must_use]
    pub fn fields(mut self, fields: Fields) -> Self {
        self.fields = fields;
        self
    }
}

impl<K: Hash + Eq + Clone + Send + Sync + 'static> RateLimitLayer<K> {
    /// The decision about a request; `None` if it is not limited.
    fn decide(&self, parts: &Parts) -> Option<Decision> {
        let key = (self.key)(parts)?;
        let cost = self.cost.as_ref().map_or(1, |cost| cost(parts));
        Some(self.limiter.check_n(&key, cost))
    }

    fn tell(&self, headers: &mut HeaderMap, decision: &Decision) {
        let reset = decision.reset_after_secs();
        if matches!(self.fields, Fields::All | Fields::Ietf) {
            let (name, remaining) = (decision.policy, decision.remaining);
            headers.insert(RATE_LIMIT_POLICY, self.policy.clone());
            headers.insert(
                RATE_LIMIT,
                text(format!(
                    "\"{name}\";r={};t={}",
                    integer(remaining),
                    integer(reset)
                )),
            );
        }
        if matches!(self.fields, Fields::All | Fields::Legacy) {
            headers.insert(X_LIMIT, decision.limit.into());
            headers.insert(X_REMAINING, decision.remaining.into());
            headers.insert(X_RESET, reset.into());
        }
        if let Some(wait) = decision.retry_after_secs() {
            headers.insert(RETRY_AFTER, wait.into());
        }
    }
}

/// What `RateLimit-Policy` says: every rule's calls and seconds, as the limiter was built.
fn policy<K>(limiter: &RateLimiter<K>) -> HeaderValue {
    let mut policies = String::new();
    for rule in limiter.rules() {
        let started = u64::from(rule.period().subsec_nanos() > 0);
        let window = rule.period().as_secs() + started;
        let comma = if policies.is_empty() { "" } else { ", " };
        let (name, quota) = (rule.name(), integer(rule.limit()));
        write!(policies, "{comma}\"{name}\";q={quota};w={window}")
            .expect("a string takes any text");
    }
    text(policies)
}

/// The largest integer that a structured field may hold has 15 digits.
fn integer(number: u64) -> u64 {
    number.min(999_999_999_999_999)
}

fn text(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("a limiter's names are printable ASCII")
}

/// The answer to a call that is one too many: 429 with a problem document.
fn refusal<B: From<Bytes>>(decision: &Decision) -> Response<B> {
    let problem = format!(
        "{{\"type\":\"https://iana.org/assignments/http-problem-types#quota-exceeded\",\
         \"title\":\"Too many requests\",\"status\":429,\"violated-policies\":[\"{}\"]}}",
        decision.policy
    );
    let mut response = Response::new(B::from(Bytes::from(problem)));
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    let json = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

impl<K> Clone for RateLimitLayer<K> {
    fn clone(&self) -> Self {
        RateLimitLayer {
            limiter: self.limiter.clone(),
            key: Arc::clone(&self.key),
            cost: self.cost.clone(),
            fields: self.fields,
            policy: self.policy.clone(),
        }
    }
}

impl<K> fmt::Debug for RateLimitLayer<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitLayer")
            .field("limiter", &self.limiter)
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}

impl<K, S> Layer<S> for RateLimitLayer<K> {
    type Service = RateLimitService<K, S>;

    fn layer(&self, service: S) -> Self::Service {
        RateLimitService {
            layer: self.clone(),
            service,
        }
    }
}

/// A service behind a [`RateLimitLayer`].
#[derive(Clone, Debug)]
pub struct RateLimitService<K, S> {
    layer: RateLimitLayer<K>,
    service: S,
}

impl<K, S, A, B> Service<Request<A>> for RateLimitService<K, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    S: Service<Request<A>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    B: From<Bytes> + Send + 'static,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = BoxFuture<Result<Response<B>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let decision = self.layer.decide(&parts);
        let request = Request::from_parts(parts, body);
        let Some(decision) = decision else {
            return Box::pin(self.service.call(request));
        };
        if !decision.allowed {
            let mut response = refusal(&decision);
            self.layer.tell(response.headers_mut(), &decision);
            return Box::pin(std::future::ready(Ok(response)));
        }
        let answer = self.service.call(request);
        let layer = self.layer.clone();
        Box::pin(async move {
            let mut response = answer.await?;
            layer.tell(response.headers_mut(), &decision);
            Ok(response)
        })
    }
}
