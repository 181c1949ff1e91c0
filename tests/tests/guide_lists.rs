//! The usual guide to Redis lists, call by call, done with larder and no server; and the job queue that they are for.

use larder::{End, Error, Store};
use std::thread;
use std::time::Duration;

const WAIT: Duration = Duration::from_secs(5);

#[test]
fn elements_are_added_at_both_ends() -> Result<(), Error> {
    let store = Store::new();
    let queue = store.list::<String>("queue");
    queue.push_front_many(["task1", "task2"])?;
    queue.push_back("task3")?;
    assert_eq!(queue.range(..)?, ["task2", "task1", "task3"]);
    Ok(())
}

#[test]
fn elements_are_taken_from_both_ends() -> Result<(), Error> {
    let store = Store::new();
    let queue = store.list::<String>("queue");
    queue.push_back_many(["task2", "task1", "task3"])?;
    assert_eq!(queue.pop_front()?.as_deref(), Some("task2"));
    assert_eq!(queue.pop_back()?.as_deref(), Some("task3"));
    assert_eq!(queue.len()?, 1);
    assert_eq!(queue.get(0)?.as_deref(), Some("task1"));
    Ok(())
}

#[test]
fn a_blocking_pop_takes_what_is_there() -> Result<(), Error> {
    let store = Store::new();
    store.list::<String>("queue").push_back("task")?;
    let taken = store.take_blocking::<String>(["queue"], End::Front, WAIT)?;
    assert_eq!(taken, Some((b"queue".to_vec(), "task".to_owned())));
    Ok(())
}

#[test]
fn a_blocking_pop_gives_up_in_time() -> Result<(), Error> {
    let store = Store::new();
    let soon = Duration::from_millis(5);
    assert_eq!(
        store.take_blocking::<String>(["queue"], End::Front, soon)?,
        None
    );
    Ok(())
}

#[test]
fn workers_share_the_jobs_of_a_queue() {
    const JOBS: u64 = 1000;
    let store = Store::new();
    let work = || {
        let mut done = 0;
        loop {
            let (_, job) = store
                .take_blocking::<u64>(["jobs"], End::Front, WAIT)
                .expect("jobs are numbers")
                .expect("there is one more, if only the last");
            if job == u64::MAX {
                return done;
            }
            done += job;
        }
    };
    let done: u64 = thread::scope(|scope| {
        let workers: Vec<_> = (0..3).map(|_| scope.spawn(work)).collect();
        let jobs = store.list::<u64>("jobs");
        for job in 0..JOBS {
            jobs.push_back(job).expect("a store without a bound");
        }
        jobs.push_back_many([u64::MAX; 3])
            .expect("a store without a bound");
        let sums = workers
            .into_iter()
            .map(|worker| worker.join().expect("no panic"));
        sums.sum()
    });
    assert_eq!(done, (0..JOBS).sum::<u64>());
    assert!(!store.exists("jobs"));
}

#[test]
fn a_job_whose_worker_dies_is_not_lost() -> Result<(), Error> {
    let store = Store::new();
    store.list::<String>("jobs").push_back("job")?;
    let job = store.take_to_blocking::<String>("jobs", End::Front, "running", End::Back, WAIT)?;
    assert_eq!(job.as_deref(), Some("job"));
    // The worker is gone; whoever looks after them puts the job back.
    let running = store.list::<String>("running");
    assert_eq!(
        running.move_to(End::Front, "jobs", End::Front)?.as_deref(),
        Some("job")
    );
    assert_eq!(store.list::<String>("jobs").len()?, 1);
    Ok(())
}

#[test]
fn a_list_of_the_most_recent_is_trimmed_as_it_grows() -> Result<(), Error> {
    let store = Store::new();
    let recent = store.list::<u32>("recent");
    for page in 0..500 {
        store.atomic(["recent"], |tx| {
            tx.list::<u32>("recent").push_front(page)?;
            tx.list::<u32>("recent").trim(0..=99)
        })?;
    }
    assert_eq!(recent.len()?, 100);
    assert_eq!(recent.range(0..=2)?, [499, 498, 497]);
    Ok(())
}
