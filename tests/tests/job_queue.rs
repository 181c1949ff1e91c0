//! A job queue on lists, as a recipe: jobs are taken reliably, come back when their worker dies, are tried again, and end
//! among the dead letters when nothing helps.
//!
//! ```text
//! push        waiting                    (list)    + the job's hash: payload, tries
//! take        waiting -> taken           (one step; waits for a job), then a lease that expires
//! done        taken -> gone
//! fail        taken -> waiting, or dead once it was tried often enough
//! recover     taken and without a lease -> as `fail`: its worker has died
//! ```
//!
//! The lease is a key with a deadline: nobody has to measure how long a worker has been silent. A worker that was slow
//! rather than dead finds its job no longer taken in its name and must not report it done.

#![allow(clippy::disallowed_methods, reason = "workers are threads")]

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use larder::{End, Error, ManualClock, Matches, SetOptions, Store};

/// How long a job is kept from others after it was taken.
const VISIBLE_AFTER: Duration = Duration::from_secs(30);
const MOST_TRIES: i64 = 3;

/// The queue; workers in any number of threads share it.
#[derive(Clone)]
struct Jobs(Store);

/// A job in the hands of a worker.
#[derive(Debug, PartialEq)]
struct Job {
    id: String,
    payload: String,
    /// Which try this is: tells its holder from those before it.
    attempt: i64,
}

fn record(id: &str) -> String {
    format!("job:{id}")
}

fn lease(id: &str) -> String {
    format!("job:{id}:lease")
}

impl Jobs {
    fn push(&self, id: &str, payload: &str) -> Result<(), Error> {
        self.0.atomic(["waiting", &record(id)], |tx| {
            tx.hash::<String>(record(id)).set("payload", payload)?;
            tx.list::<String>("waiting").push_back(id).map(drop)
        })
    }

    /// Takes the job that has waited longest, waiting for one if there is none.
    fn take(&self, wait: Duration) -> Result<Option<Job>, Error> {
        loop {
            let (from, to) = (End::Front, End::Back);
            let id = self
                .0
                .take_to_blocking::<String>("waiting", from, "taken", to, wait)?;
            let Some(id) = id else { return Ok(None) };
            // Between the two steps it may have been recovered: then it is somebody else's.
            if let Some(job) = self.claim(id)? {
                return Ok(Some(job));
            }
        }
    }

    fn claim(&self, id: String) -> Result<Option<Job>, Error> {
        let keys = ["taken".to_owned(), record(&id), lease(&id)];
        self.0.atomic(&keys, |tx| {
            let is_mine = tx.list::<String>("taken").position(&id)?.is_some();
            let options = SetOptions::new().if_absent().ttl(VISIBLE_AFTER);
            if !is_mine || !tx.set_with(lease(&id), 1, options)?.is_set() {
                return Ok(None);
            }
            let attempt = tx.hash::<i64>(record(&id)).incr("tries", 1)?;
            let payload = tx.hash::<String>(record(&id)).get("payload")?;
            let payload = payload.unwrap_or_default();
            Ok(Some(Job {
                id,
                payload,
                attempt,
            }))
        })
    }

    /// Reports a job done; `false` if it was given to another meanwhile.
    fn done(&self, job: &Job) -> Result<bool, Error> {
        let keys = ["taken".to_owned(), record(&job.id), lease(&job.id)];
        self.0.atomic(&keys, |tx| {
            let tries = tx.hash::<i64>(record(&job.id)).get("tries")?;
            let taken = tx.list::<String>("taken");
            if tries != Some(job.attempt) || taken.remove(&job.id, Matches::All)? == 0 {
                return Ok(false);
            }
            tx.remove(record(&job.id));
            tx.remove(lease(&job.id));
            Ok(true)
        })
    }

    /// Gives a job back: to be tried again, or to the dead letters.
    fn fail(&self, id: &str) -> Result<(), Error> {
        let keys = ["taken", "waiting", "dead", &record(id), &lease(id)].map(str::to_owned);
        self.0.atomic(&keys, |tx| {
            if tx.list::<String>("taken").remove(id, Matches::All)? > 0 {
                let tries = tx.hash::<i64>(record(id)).get("tries")?.unwrap_or(0);
                let next = if tries < MOST_TRIES {
                    "waiting"
                } else {
                    "dead"
                };
                tx.list::<String>(next).push_back(id)?;
                tx.remove(lease(id));
            }
            Ok(())
        })
    }

    /// Gives back what dead workers had taken; to be called now and then, by anybody.
    fn recover(&self) -> Result<(), Error> {
        for id in self.0.list::<String>("taken").range(..)? {
            let keys = ["taken", "waiting", "dead", &record(&id), &lease(&id)].map(str::to_owned);
            let is_leased = self
                .0
                .atomic(&keys, |tx| Ok::<_, Error>(tx.exists(lease(&id))))?;
            if !is_leased {
                self.fail(&id)?;
            }
        }
        Ok(())
    }

    fn ids(&self, list: &str) -> Vec<String> {
        self.0.list(list).range(..).expect("a list of ids")
    }
}

fn queue() -> (ManualClock, Jobs) {
    let time = ManualClock::new();
    let store = Store::builder().clock(time.clock()).build();
    (time, Jobs(store.expect("the defaults are sound")))
}

/// Takes what is there.
fn next(jobs: &Jobs) -> Option<Job> {
    jobs.take(Duration::ZERO).expect("the lists are lists")
}

#[test]
fn a_job_is_done_once_and_leaves_nothing_behind() -> Result<(), Error> {
    let (_, jobs) = queue();
    jobs.push("1", "mail ada")?;
    let job = next(&jobs).expect("it waits");
    assert_eq!((&*job.payload, job.attempt), ("mail ada", 1));
    assert_eq!(next(&jobs), None, "it is taken");
    assert!(jobs.done(&job)?);
    assert!(!jobs.done(&job)?);
    assert!(jobs.0.is_empty());
    Ok(())
}

#[test]
fn the_job_of_a_dead_worker_is_seen_again_when_its_lease_ends_and_not_before() -> Result<(), Error>
{
    let (time, jobs) = queue();
    jobs.push("1", "mail ada")?;
    let lost = next(&jobs).expect("it waits");
    time.advance(VISIBLE_AFTER - Duration::from_millis(1));
    jobs.recover()?;
    assert_eq!(next(&jobs), None);
    time.advance(Duration::from_millis(1));
    jobs.recover()?;
    let again = next(&jobs).expect("its lease has ended");
    assert_eq!(again.attempt, 2);
    // The first worker was slow, not dead; the job is no longer its own.
    assert!(!jobs.done(&lost)?);
    assert!(jobs.done(&again)?);
    Ok(())
}

#[test]
fn a_worker_that_dies_between_taking_and_claiming_loses_nothing() -> Result<(), Error> {
    let (_, jobs) = queue();
    jobs.push("1", "mail ada")?;
    let (from, to) = (End::Front, End::Back);
    let wait = Duration::ZERO;
    let id = jobs
        .0
        .take_to_blocking::<String>("waiting", from, "taken", to, wait)?;
    jobs.recover()?;
    // Whoever comes late to claim it finds it gone, or taken by the next.
    assert_eq!(jobs.claim(id.expect("it waits"))?, None);
    assert_eq!(next(&jobs).map(|job| job.attempt), Some(1));
    Ok(())
}

#[test]
fn what_fails_every_time_ends_among_the_dead_letters() -> Result<(), Error> {
    let (_, jobs) = queue();
    jobs.push("poison", "divide by zero")?;
    jobs.push("2", "mail bob")?;
    let mut tried = Vec::new();
    while let Some(job) = next(&jobs) {
        tried.push(job.id.clone());
        if job.id == "poison" {
            jobs.fail(&job.id)?;
        } else {
            assert!(jobs.done(&job)?);
        }
    }
    assert_eq!(tried, ["poison", "2", "poison", "poison"]);
    assert_eq!(jobs.ids("dead"), ["poison"]);
    // It is all there, for whoever looks into it.
    let payload = jobs.0.hash::<String>(record("poison")).get("payload")?;
    assert_eq!(payload.as_deref(), Some("divide by zero"));
    assert!(jobs.ids("taken").is_empty() && jobs.ids("waiting").is_empty());
    Ok(())
}

#[test]
fn every_job_is_done_exactly_once_though_a_third_of_the_workers_die() {
    const JOBS: usize = 300;
    let (time, jobs) = queue();
    let (done, deaths) = (
        Mutex::new(BTreeMap::<String, u32>::new()),
        AtomicUsize::new(0),
    );
    for number in 0..JOBS {
        jobs.push(&number.to_string(), "work")
            .expect("there is room");
    }
    // A worker: works until it dies in the middle of a job, every third time, without a word.
    let work = |jobs: &Jobs| {
        while let Some(job) = next(jobs) {
            let dies = job.attempt == 1 && job.id.ends_with(['1', '4', '7']);
            if dies {
                deaths.fetch_add(1, Ordering::Relaxed);
                return;
            }
            if jobs.done(&job).expect("the lists are lists") {
                *done.lock().expect("no panic").entry(job.id).or_default() += 1;
            }
        }
    };
    while done.lock().expect("no panic").len() < JOBS {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| work(&jobs));
            }
        });
        time.advance(VISIBLE_AFTER);
        jobs.recover().expect("the lists are lists");
    }
    assert!(
        done.into_inner()
            .expect("no panic")
            .values()
            .all(|times| *times == 1)
    );
    assert_eq!(deaths.into_inner(), 90);
    assert!(jobs.0.is_empty(), "nothing is left of {JOBS} jobs");
}
