//! The caching guide's sorted sets: the leaderboard, and the limiter's log of requests.

use std::time::Duration;

use larder::{Error, Select, Store};

#[test]
fn the_leaderboard() -> Result<(), Error> {
    let store = Store::new();
    let board = store.sorted_set::<String>("leaderboard");
    board.add_many([("player1", 100.0), ("player2", 200.0), ("player3", 150.0)])?;

    let top = board.rev_range_with_scores(0..=2)?;
    let top: Vec<_> = top
        .iter()
        .map(|(player, score)| (&player[..], *score))
        .collect();
    assert_eq!(
        top,
        [("player2", 200.0), ("player3", 150.0), ("player1", 100.0)]
    );
    assert_eq!(board.rev_rank("player1")?, Some(2));
    assert_eq!(board.score("player1")?, Some(100.0));
    assert_eq!(board.incr("player1", 50.0)?, 150.0);
    let players = board.range(Select::scores(100.0..=200.0))?;
    assert_eq!(players, ["player1", "player3", "player2"]);
    Ok(())
}

/// One request of the limiter: how many there were in the window before it.
fn request(store: &Store, now: f64, window: f64) -> Result<usize, Error> {
    store.atomic(["rate_limit:ip"], |tx| {
        let log = tx.sorted_set::<String>("rate_limit:ip");
        log.remove_range(Select::scores(0.0..=now - window))?;
        let count = log.len()?;
        log.add(now.to_string(), now)?;
        tx.expire("rate_limit:ip", Duration::from_secs(window as u64))?;
        Ok(count)
    })
}

#[test]
fn the_limiter_counts_the_requests_in_its_window() -> Result<(), Error> {
    let store = Store::new();
    for nth in 0..150 {
        let now = 1000.0 + f64::from(nth);
        assert_eq!(request(&store, now, 60.0)?, nth.min(59) as usize);
    }
    Ok(())
}
