//! Views of a store in tasks that go from thread to thread.

use std::time::Duration;

use larder::{Bits, End, Error, Hash, List, Pipeline, Set, SortedSet, Store, Tx, WatchedKeys};

/// What a task holds across an await may go to another thread with it.
fn goes_along<T: Send + Sync>() {}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_time()
        .build()
        .expect("a runtime can be had")
}

#[test]
fn the_views_of_a_store_go_along_with_a_task() {
    goes_along::<Store>();
    goes_along::<List<'_, String>>();
    goes_along::<Hash<'_, String>>();
    goes_along::<Set<'_, String>>();
    goes_along::<SortedSet<'_, String>>();
    goes_along::<Bits<'_>>();
    goes_along::<WatchedKeys>();
    // These run where they are made, and are not held across anything.
    let _ = (size_of::<Tx<'_>>(), size_of::<Pipeline<'_, ()>>());
}

#[test]
fn tasks_on_several_threads_hold_views_across_their_waits() {
    const TASKS: u64 = 8;
    const EACH: u64 = 200;
    let store = Store::new();
    let work = |store: Store, number: u64| async move {
        let (done, tally) = (store.list::<u64>("done"), store.hash::<u64>("tally"));
        for _ in 0..EACH {
            let (_, job) = store.take::<u64>(["jobs"], End::Front).await?;
            done.push_back(job)?;
            tokio::task::yield_now().await;
            tally.incr(number.to_string(), 1)?;
        }
        Ok::<_, Error>(())
    };
    runtime().block_on(async {
        let tasks: Vec<_> = (0..TASKS)
            .map(|number| tokio::spawn(work(store.clone(), number)))
            .collect();
        let jobs = store.list::<u64>("jobs");
        for job in 0..TASKS * EACH {
            jobs.push_back(job).expect("a job is small");
            if job % 64 == 0 {
                tokio::task::yield_now().await;
            }
        }
        for task in tasks {
            task.await
                .expect("no task panics")
                .expect("jobs are numbers");
        }
    });
    let mut done = store.list::<u64>("done").range(..).expect("numbers");
    done.sort_unstable();
    assert!(done.into_iter().eq(0..TASKS * EACH), "each job once");
    let tally = store.hash::<u64>("tally").values().expect("numbers");
    assert_eq!(tally, [EACH; TASKS as usize]);
}

#[test]
fn a_wait_that_its_task_gives_up_loses_nothing() {
    let store = Store::new();
    runtime().block_on(async {
        let soon = Duration::from_millis(5);
        let none = tokio::time::timeout(soon, store.take::<u64>(["jobs"], End::Front)).await;
        assert!(none.is_err(), "nothing is there");
        let jobs = store.list::<u64>("jobs");
        jobs.push_back(1).expect("a job is small");
        let taken = store.take::<u64>(["jobs"], End::Front).await;
        assert_eq!(taken, Ok((b"jobs".to_vec(), 1)));
    });
}
