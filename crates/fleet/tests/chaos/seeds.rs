//! Each seed is a run of its own, in a runtime of its own. The one that fails is printed.

use std::time::Duration;

use fastrand::Rng;

/// Does this for each seed.
pub(crate) fn for_each_seed(usual: u64, run: impl AsyncFn(u64, Rng)) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    let seeds = match number("AGENTAPI_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("AGENTAPI_SEEDS").unwrap_or(usual),
    };
    for seed in seeds {
        let failing = Failing(seed);
        // Everything is in one thread, so that a seed does the same each time.
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(seed, Rng::with_seed(seed)));
        std::mem::forget(failing);
    }
}

/// Says which seed it was, where it is dropped by a panic.
struct Failing(u64);

impl Drop for Failing {
    fn drop(&mut self) {
        eprintln!("AGENTAPI_SEED={} does it again", self.0);
    }
}

/// A time up to this one.
pub(crate) fn within(random: &mut Rng, longest: Duration) -> Duration {
    longest.mul_f64(random.f64())
}

/// Whether something happens that happens so often in a hundred times.
pub(crate) fn happens(random: &mut Rng, percent: u8) -> bool {
    random.u8(0..100) < percent
}
