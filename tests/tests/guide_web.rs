//! The guide's web framework: a store that lives as long as the application, handed to each handler; one endpoint that
//! reads what is cached and one that writes it, with a time to live of an hour unless the caller says another; and the
//! middleware that counts calls by their caller. Called without a socket.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::{get, post};
use larder::{ManualClock, RateLimiter, Rule, SetOptions, Store};
use larder_tower::{Fields, RateLimitLayer};
use tower::ServiceExt;

/// The guide's `ttl: int = 3600`.
const HOUR: u64 = 3600;

/// A setting after the `?` of the guide's `POST /cache/{key}`.
fn setting<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let mut settings = query
        .split('&')
        .filter_map(|setting| setting.split_once('='));
    settings
        .find(|(other, _)| *other == name)
        .map(|(_, value)| value)
}

async fn cached(Path(key): Path<String>, State(store): State<Store>) -> Result<String, StatusCode> {
    let value: Option<String> = store.get(&key).map_err(|_| StatusCode::CONFLICT)?;
    value.ok_or(StatusCode::NOT_FOUND)
}

async fn cache(
    Path(key): Path<String>,
    RawQuery(query): RawQuery,
    State(store): State<Store>,
) -> Result<&'static str, StatusCode> {
    let query = query.unwrap_or_default();
    let value = setting(&query, "value").ok_or(StatusCode::BAD_REQUEST)?;
    let ttl = match setting(&query, "ttl").map(str::parse) {
        Some(Err(_) | Ok(0)) => return Err(StatusCode::BAD_REQUEST),
        Some(Ok(ttl)) => ttl,
        None => HOUR,
    };
    let options = SetOptions::new().ttl(Duration::from_secs(ttl));
    let set = store.set_with(&key, value, options);
    set.map(|_| "cached")
        .map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)
}

/// The guide's application: the store is made at its start, and dropped at its end.
fn app() -> (ManualClock, Router) {
    let time = ManualClock::new();
    let store = Store::builder().clock(time.clock()).build();
    let router = Router::new()
        .route("/cached/{key}", get(cached))
        .route("/cache/{key}", post(cache))
        .with_state(store.expect("the settings are valid"));
    (time, router)
}

/// What a request without a body is answered.
fn ask(app: &Router, method: &str, path: &str) -> (StatusCode, HeaderMap, String) {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("x-client", "1.2.3.4").body(Body::empty());
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(async {
        let answer = app.clone().oneshot(request.expect("a request")).await;
        let (parts, body) = answer.expect("handlers do not fail").into_parts();
        let body = to_bytes(body, 1 << 20).await.expect("a short body");
        let text = String::from_utf8(body.to_vec()).expect("a text");
        (parts.status, parts.headers, text)
    })
}

fn told(app: &Router, method: &str, path: &str) -> (u16, String) {
    let (status, _, text) = ask(app, method, path);
    (status.as_u16(), text)
}

#[test]
fn what_one_request_caches_another_reads() {
    let (_, app) = app();
    assert_eq!(told(&app, "GET", "/cached/name"), (404, String::new()));
    assert_eq!(
        told(&app, "POST", "/cache/name?value=Ada"),
        (200, "cached".into())
    );
    assert_eq!(told(&app, "GET", "/cached/name"), (200, "Ada".into()));
}

#[test]
fn what_is_cached_lives_for_an_hour_or_as_long_as_its_caller_says() {
    let (time, app) = app();
    told(&app, "POST", "/cache/long?value=1");
    told(&app, "POST", "/cache/short?value=2&ttl=10");
    time.advance(Duration::from_secs(10));
    assert_eq!(told(&app, "GET", "/cached/short").0, 404);
    time.advance(Duration::from_secs(HOUR - 11));
    assert_eq!(told(&app, "GET", "/cached/long"), (200, "1".into()));
    time.advance(Duration::from_secs(1));
    assert_eq!(told(&app, "GET", "/cached/long").0, 404);
}

#[test]
fn a_request_that_makes_no_sense_is_told_so_and_changes_nothing() {
    let (_, app) = app();
    for path in [
        "/cache/a",
        "/cache/a?value=1&ttl=0",
        "/cache/a?value=1&ttl=soon",
    ] {
        assert_eq!(told(&app, "POST", path).0, 400, "{path}");
    }
    assert_eq!(told(&app, "GET", "/cached/a").0, 404);
}

/// The guide's middleware around its application: a hundred requests a minute for each caller.
fn limited() -> (ManualClock, Router) {
    let (_, app) = app();
    let time = ManualClock::new();
    let limiter = RateLimiter::builder()
        .rule(Rule::sliding_log(100, Duration::from_secs(60)))
        .clock(time.clock())
        .build()
        .expect("the rule is sound");
    let by_client = |parts: &Parts| {
        let client = parts.headers.get("x-client")?.to_str().ok()?;
        Some(client.to_owned())
    };
    let layer = RateLimitLayer::new(limiter, by_client).fields(Fields::Legacy);
    (time, app.layer(layer))
}

#[test]
fn the_middleware_tells_what_remains_and_refuses_the_hundred_and_first() {
    let (time, app) = limited();
    for left in (0..100).rev() {
        let (status, fields, _) = ask(&app, "GET", "/cached/a");
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert_eq!(fields["x-ratelimit-remaining"], left.to_string().as_str());
    }
    let (status, fields, _) = ask(&app, "GET", "/cached/a");
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(fields["retry-after"], "60");
    time.advance(Duration::from_secs(60));
    assert_eq!(ask(&app, "GET", "/cached/a").0, StatusCode::NOT_FOUND);
}
