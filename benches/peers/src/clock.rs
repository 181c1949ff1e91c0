//! The two clocks of a bench: the wall's, and the thread's own, which stops while others have the core.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// The CPU time that this thread has used. Costs a system call: 100 ns to 1 µs, depending on the machine.
pub fn thread_cpu() -> Duration {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(spent.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(spent.tv_nsec).unwrap_or(0))
}

/// Both clocks, started together.
pub struct Stopwatch {
    wall: Instant,
    cpu: Duration,
}

impl Stopwatch {
    /// Starts.
    pub fn start() -> Self {
        let cpu = thread_cpu();
        Self {
            wall: Instant::now(),
            cpu,
        }
    }

    /// The wall's and the thread's time since the start.
    pub fn elapsed(&self) -> (Duration, Duration) {
        let wall = self.wall.elapsed();
        (wall, thread_cpu().saturating_sub(self.cpu))
    }
}

/// The middle, least and greatest of some measurements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The middle one, or the mean of the two in the middle.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    /// Of at least one measurement.
    pub fn of(samples: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = samples.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (Some(&min), Some(&max)) = (sorted.first(), sorted.last()) else {
            return Self {
                median: f64::NAN,
                min: f64::NAN,
                max: f64::NAN,
            };
        };
        let half = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[half]
        } else {
            f64::midpoint(sorted[half - 1], sorted[half])
        };
        Self { median, min, max }
    }
}

/// The value that `share` of the samples do not exceed, by nearest rank; reorders them. 0 if there are none.
pub fn quantile(samples: &mut [u32], share: f64) -> u32 {
    if samples.is_empty() {
        return 0;
    }
    let rank = ((samples.len() as f64 * share).ceil() as usize).clamp(1, samples.len());
    *samples.select_nth_unstable(rank - 1).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_finds_the_middle() {
        assert_eq!(
            Spread::of([3.0, 1.0, 2.0]),
            Spread {
                median: 2.0,
                min: 1.0,
                max: 3.0
            }
        );
        assert_eq!(Spread::of([4.0, 1.0]).median, 2.5);
    }

    #[test]
    fn quantiles_take_the_nearest_rank() {
        let mut samples: Vec<u32> = (1..=1000).rev().collect();
        assert_eq!(quantile(&mut samples, 0.5), 500);
        assert_eq!(quantile(&mut samples, 0.999), 999);
        assert_eq!(quantile(&mut samples, 1.0), 1000);
    }
}
