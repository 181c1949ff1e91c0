//! An axum program whose limits, cached responses and sessions are larder's.
//!
//! `cargo run -p larder-tower --example axum` calls its router without a socket and shows the answers; with `-- serve`
//! it listens on a free port of the loopback address.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use larder::{RateLimiter, Rule};
use larder_tower::{RateLimitLayer, ResponseCacheLayer, SessionStore};
use tower::ServiceExt;
use tower_sessions::{Session, SessionManagerLayer};

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn visits(session: Session) -> Result<String, &'static str> {
    let visits = session.get("visits").await.ok().flatten().unwrap_or(0_u32) + 1;
    session
        .insert("visits", visits)
        .await
        .map_err(|_| "no session")?;
    Ok(format!("visit {visits}\n"))
}

fn app() -> Result<Router, Failure> {
    let limiter = RateLimiter::builder()
        .rule(
            Rule::token_bucket(60, Duration::from_secs(60))
                .burst(5)
                .named("burst"),
        )
        .rule(Rule::sliding_window(10_000, Duration::from_secs(86_400)).named("daily"))
        .build()?;
    let by_key = |parts: &axum::http::request::Parts| {
        let key = parts
            .headers
            .get("x-api-key")
            .and_then(|key| key.to_str().ok());
        Some(key.unwrap_or("everybody else").to_owned())
    };
    let news = || async { ([("cache-control", "public, max-age=10")], "news\n") };
    let cached = Router::new()
        .route("/news", get(news))
        .layer(ResponseCacheLayer::new(16 << 20)?);
    Ok(Router::new()
        .route("/visits", get(visits))
        .layer(SessionManagerLayer::new(SessionStore::new(100_000)?))
        .merge(cached)
        .layer(RateLimitLayer::new(limiter, by_key)))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let app = app()?;
    if std::env::args().nth(1).as_deref() == Some("serve") {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        println!("http://{}/visits and /news", listener.local_addr()?);
        axum::serve(listener, app).await?;
        return Ok(());
    }
    for path in ["/visits", "/news", "/news", "/news", "/news", "/news"] {
        let request = Request::get(path).body(Body::empty())?;
        let response = app.clone().oneshot(request).await?;
        println!("{path}: {}", response.status());
        for (name, value) in response.headers() {
            println!("  {name}: {}", value.to_str().unwrap_or("?"));
        }
    }
    Ok(())
}
