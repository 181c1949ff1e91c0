//! The layers around an axum router, called without a socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, Response, StatusCode};
use axum::routing::get;
use larder::{ManualClock, RateLimiter, Rule};
use larder_tower::{Fields, RateLimitLayer, ResponseCacheLayer, SessionStore};
use tower::ServiceExt;
use tower_sessions::SessionStore as _;
use tower_sessions::session::{Id, Record};

const MINUTE: Duration = Duration::from_secs(60);

async fn ask(app: &Router, request: Request<Body>) -> Response<Body> {
    app.clone()
        .oneshot(request)
        .await
        .expect("a router does not fail")
}

fn get_request(path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).expect("the request is sound")
}

async fn text(response: Response<Body>) -> String {
    let bytes = to_bytes(response.into_body(), 1 << 20)
        .await
        .expect("a body in memory");
    String::from_utf8_lossy(&bytes).into_owned()
}

fn field<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

mod rate_limit {
    use super::*;

    fn limiter(time: &ManualClock) -> RateLimiter<String> {
        RateLimiter::builder()
            .rule(Rule::token_bucket(2, MINUTE).named("burst"))
            .rule(Rule::fixed_window(1_000, 1440 * MINUTE).named("daily"))
            .clock(time.clock())
            .build()
            .expect("the rules are sound")
    }

    fn layer(time: &ManualClock) -> RateLimitLayer<String> {
        RateLimitLayer::new(limiter(time), |parts| {
            Some(parts.headers.get("x-api-key")?.to_str().ok()?.to_owned())
        })
    }

    fn app(layer: RateLimitLayer<String>) -> Router {
        Router::new()
            .route("/", get(|| async { "hello" }))
            .layer(layer)
    }

    #[tokio::test]
    async fn an_allowed_call_passes_and_is_told_where_it_stands() {
        let app = app(layer(&ManualClock::new()));
        let response = ask(&app, get_request("/", &[("x-api-key", "ada")])).await;
        assert_eq!(response.status(), StatusCode::OK);
        let headers = response.headers();
        assert_eq!(field(headers, "ratelimit"), Some("\"burst\";r=1;t=30"));
        let policy = "\"burst\";q=2;w=60, \"daily\";q=1000;w=86400";
        assert_eq!(field(headers, "ratelimit-policy"), Some(policy));
        assert_eq!(field(headers, "x-ratelimit-limit"), Some("2"));
        assert_eq!(field(headers, "x-ratelimit-remaining"), Some("1"));
        assert_eq!(field(headers, "x-ratelimit-reset"), Some("30"));
        assert_eq!(field(headers, "retry-after"), None);
        assert_eq!(text(response).await, "hello");
    }

    #[tokio::test]
    async fn a_call_too_many_is_answered_429_with_the_wait_rounded_up() {
        let time = ManualClock::new();
        let app = app(layer(&time));
        for _ in 0..2 {
            ask(&app, get_request("/", &[("x-api-key", "ada")])).await;
        }
        time.advance(Duration::from_millis(29_100));
        let refused = ask(&app, get_request("/", &[("x-api-key", "ada")])).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        // 900 ms are left: not 0 seconds.
        assert_eq!(field(refused.headers(), "retry-after"), Some("1"));
        assert_eq!(
            field(refused.headers(), "ratelimit"),
            Some("\"burst\";r=0;t=31")
        );
        assert_eq!(
            field(refused.headers(), "content-type"),
            Some("application/problem+json")
        );
        assert!(
            text(refused)
                .await
                .contains("\"violated-policies\":[\"burst\"]")
        );
        let other = ask(&app, get_request("/", &[("x-api-key", "bob")])).await;
        assert_eq!(other.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn a_request_without_a_key_is_not_limited() {
        let app = app(layer(&ManualClock::new()));
        for _ in 0..9 {
            let response = ask(&app, get_request("/", &[])).await;
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(field(response.headers(), "ratelimit"), None);
        }
    }

    #[tokio::test]
    async fn the_fields_and_the_cost_are_the_layers_choice() {
        let layer = layer(&ManualClock::new())
            .fields(Fields::Legacy)
            .cost(|_| 2);
        let app = app(layer);
        let first = ask(&app, get_request("/", &[("x-api-key", "ada")])).await;
        assert_eq!(field(first.headers(), "x-ratelimit-remaining"), Some("0"));
        assert_eq!(field(first.headers(), "ratelimit"), None);
    }
}

mod response_cache {
    use super::*;

    /// A router whose handler counts its runs and answers with these fields.
    fn counting(fields: &'static [(&'static str, &'static str)]) -> (Router, Arc<AtomicUsize>) {
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&runs);
        let handler = move || {
            let run = counted.fetch_add(1, Ordering::Relaxed);
            async move {
                tokio::task::yield_now().await;
                let mut response = Response::new(Body::from(format!("run {run}")));
                for (name, value) in fields {
                    let value = value.parse().expect("a field's value");
                    response.headers_mut().append(*name, value);
                }
                response
            }
        };
        let layer = ResponseCacheLayer::new(1 << 20)
            .expect("it holds something")
            .max_body(64);
        (Router::new().route("/", get(handler)).layer(layer), runs)
    }

    async fn runs_of(
        fields: &'static [(&'static str, &'static str)],
        request: &[(&str, &str)],
    ) -> usize {
        let (app, runs) = counting(fields);
        for _ in 0..3 {
            ask(&app, get_request("/", request)).await;
        }
        runs.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn what_may_be_kept_is_made_once_and_keeps_its_head() {
        let (app, runs) = counting(&[("cache-control", "public, max-age=60"), ("x-colour", "red")]);
        for _ in 0..3 {
            let response = ask(&app, get_request("/", &[])).await;
            assert_eq!(field(response.headers(), "x-colour"), Some("red"));
            assert_eq!(field(response.headers(), "age"), Some("0"));
            assert_eq!(text(response).await, "run 0");
        }
        assert_eq!(runs.load(Ordering::Relaxed), 1);
        ask(&app, get_request("/?page=2", &[])).await;
        assert_eq!(runs.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn what_may_not_be_kept_is_made_anew() {
        assert_eq!(runs_of(&[], &[]).await, 3);
        assert_eq!(
            runs_of(&[("cache-control", "no-store, max-age=60")], &[]).await,
            3
        );
        assert_eq!(
            runs_of(&[("cache-control", "private, max-age=60")], &[]).await,
            3
        );
        assert_eq!(
            runs_of(&[("cache-control", "private=\"x\", max-age=60")], &[]).await,
            3
        );
        assert_eq!(runs_of(&[("cache-control", "max-age=0")], &[]).await, 3);
        assert_eq!(
            runs_of(&[("cache-control", "max-age=60, s-maxage=0")], &[]).await,
            3
        );
        assert_eq!(
            runs_of(&[("cache-control", "max-age=60"), ("vary", "accept")], &[]).await,
            3
        );
        assert_eq!(
            runs_of(
                &[("cache-control", "max-age=60"), ("set-cookie", "a=b")],
                &[]
            )
            .await,
            3
        );
    }

    #[tokio::test]
    async fn requests_that_ask_for_their_own_go_past() {
        const KEPT: &[(&str, &str)] = &[("cache-control", "max-age=60")];
        assert_eq!(runs_of(KEPT, &[]).await, 1);
        assert_eq!(runs_of(KEPT, &[("authorization", "Bearer x")]).await, 3);
        assert_eq!(runs_of(KEPT, &[("range", "bytes=0-1")]).await, 3);
        assert_eq!(runs_of(KEPT, &[("cache-control", "no-cache")]).await, 3);
    }

    #[tokio::test]
    async fn callers_of_one_path_share_a_run_that_may_be_kept() {
        let (app, runs) = counting(&[("cache-control", "max-age=60")]);
        let calls = (0..8).map(|_| {
            tokio::spawn({
                let app = app.clone();
                async move { text(ask(&app, get_request("/", &[])).await).await }
            })
        });
        for call in calls.collect::<Vec<_>>() {
            assert_eq!(call.await.expect("no panic"), "run 0");
        }
        assert_eq!(runs.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_body_that_is_too_long_or_of_unknown_length_passes_whole() {
        let layer = ResponseCacheLayer::new(1 << 20)
            .expect("it holds something")
            .max_body(4);
        let handler = || async { ([("cache-control", "max-age=60")], "hello") };
        let app = Router::new().route("/", get(handler)).layer(layer.clone());
        assert_eq!(text(ask(&app, get_request("/", &[])).await).await, "hello");
        assert!(layer.invalidate("/"), "the mark to pass");
        assert!(!layer.invalidate("/"));
    }
}

mod sessions {
    use super::*;

    fn record(days: i64) -> Record {
        Record {
            id: Id::default(),
            data: Default::default(),
            expiry_date: time::OffsetDateTime::now_utc() + time::Duration::days(days),
        }
    }

    #[tokio::test]
    async fn a_session_is_created_saved_loaded_and_deleted() {
        let store = SessionStore::new(100).expect("it holds something");
        let mut record = record(1);
        store
            .create(&mut record)
            .await
            .expect("memory does not fail");
        record
            .data
            .insert("cart".to_owned(), serde_json::json!(["tea"]));
        store.save(&record).await.expect("memory does not fail");
        let loaded = store.load(&record.id).await.expect("memory does not fail");
        assert_eq!(loaded.as_ref(), Some(&record));
        store
            .delete(&record.id)
            .await
            .expect("memory does not fail");
        assert_eq!(
            store.load(&record.id).await.expect("memory does not fail"),
            None
        );
    }

    #[tokio::test]
    async fn a_request_under_way_does_not_bring_a_logged_out_session_back() {
        let store = SessionStore::new(100).expect("it holds something");
        let mut record = record(1);
        store
            .create(&mut record)
            .await
            .expect("memory does not fail");
        store
            .delete(&record.id)
            .await
            .expect("memory does not fail");
        store.save(&record).await.expect("memory does not fail");
        assert_eq!(
            store.load(&record.id).await.expect("memory does not fail"),
            None
        );
        assert!(store.is_empty());
    }

    #[tokio::test]
    async fn two_sessions_never_share_an_id_and_none_outlives_its_date() {
        let store = SessionStore::new(100).expect("it holds something");
        let mut first = record(1);
        store
            .create(&mut first)
            .await
            .expect("memory does not fail");
        let mut second = Record {
            id: first.id,
            ..record(1)
        };
        store
            .create(&mut second)
            .await
            .expect("memory does not fail");
        assert_ne!(first.id, second.id);
        let mut past = record(-1);
        store.create(&mut past).await.expect("memory does not fail");
        assert_eq!(
            store.load(&past.id).await.expect("memory does not fail"),
            None
        );
        assert!(
            store
                .load(&first.id)
                .await
                .expect("memory does not fail")
                .is_some()
        );
    }

    #[tokio::test]
    async fn the_layer_of_tower_sessions_runs_over_it() {
        let store = SessionStore::new(100).expect("it holds something");
        let visit = |session: tower_sessions::Session| async move {
            let visits: u32 = session
                .get("visits")
                .await
                .expect("it decodes")
                .unwrap_or(0)
                + 1;
            session.insert("visits", visits).await.expect("it encodes");
            visits.to_string()
        };
        let app = Router::new()
            .route("/", get(visit))
            .layer(tower_sessions::SessionManagerLayer::new(store.clone()));
        let first = ask(&app, get_request("/", &[])).await;
        let cookie = field(first.headers(), "set-cookie")
            .expect("a new session")
            .to_owned();
        let cookie = cookie.split(';').next().unwrap_or_default();
        assert_eq!(text(first).await, "1");
        assert_eq!(
            text(ask(&app, get_request("/", &[("cookie", cookie)])).await).await,
            "2"
        );
        assert_eq!(store.len(), 1);
    }
}
