//! Measures contenders against each other: samples A B C A B C .., each a small batch, in one process.
//!
//! A machine that others use is slow for seconds at a time. Contenders measured one after the other, as criterion and
//! divan do, then differ by what else ran; tango-bench pairs two builds of one function, not several ways to the same
//! answer from one agent. Here each round gives every contender a sample within the same few milliseconds, and what is
//! reported is the median of the rounds' ratios with its quartiles. The order within a round is turned from round to
//! round, so that nobody always runs behind the same one.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How much is measured.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effort {
    /// Shows that the benchmarks work, and no figures.
    pub(crate) is_smoke: bool,
    /// Measures one contender of each race, for a profiler.
    pub(crate) only: Option<String>,
}

impl Effort {
    /// So many, or so few in a smoke run.
    pub(crate) fn pick(&self, full: usize, smoke: usize) -> usize {
        if self.is_smoke { smoke } else { full }
    }
}

/// Ways to the same end. The first is what the others are compared with.
pub(crate) struct Race<'a> {
    title: String,
    rounds: usize,
    only: Option<String>,
    contenders: Vec<Contender<'a>>,
    /// Pairs of which the ratio is printed too.
    related: Vec<[&'static str; 2]>,
}

struct Contender<'a> {
    name: String,
    /// How often it is done in a sample: enough to be timed, little enough to alternate quickly.
    batch: u32,
    run: Box<dyn FnMut(u32) -> Duration + 'a>,
    /// Seconds for once, one for each round.
    samples: Vec<f64>,
}

impl<'a> Race<'a> {
    /// So many rounds, or a few in a smoke run.
    pub(crate) fn new(effort: &Effort, title: impl Into<String>, rounds: usize) -> Self {
        const SMOKE_ROUNDS: usize = 2;
        let rounds = effort.pick(rounds, SMOKE_ROUNDS);
        Self { title: title.into(), rounds, only: effort.only.clone(), contenders: Vec::new(), related: Vec::new() }
    }

    /// One that does its work as often as it is told.
    pub(crate) fn add(&mut self, name: impl Into<String>, batch: u32, mut run: impl FnMut(u32) + 'a) {
        self.add_timed(name, batch, move |count| {
            let begun = Instant::now();
            run(count);
            begun.elapsed()
        });
    }

    /// One that says itself how long that took, because it runs elsewhere.
    pub(crate) fn add_timed(&mut self, name: impl Into<String>, batch: u32, run: impl FnMut(u32) -> Duration + 'a) {
        let name = name.into();
        if self.only.as_ref().is_none_or(|only| *only == name) {
            self.contenders.push(Contender { name, batch, run: Box::new(run), samples: Vec::new() });
        }
    }

    /// Has the first compared with the second as well, if both take part.
    pub(crate) fn relate(&mut self, first: &'static str, second: &'static str) {
        self.related.push([first, second]);
    }

    /// Measures, after a round that does not count, and prints a table.
    pub(crate) fn run(mut self) {
        for contender in &mut self.contenders {
            (contender.run)(contender.batch);
        }
        for round in 0..self.rounds {
            let count = self.contenders.len();
            for place in 0..count {
                if let Some(contender) = self.contenders.get_mut((round + place) % count) {
                    contender.sample();
                }
            }
        }
        self.print();
    }

    fn print(&self) {
        println!("\n### {}\n", self.title);
        println!("| | median | quartiles | ratio | quartiles |\n| --- | ---: | ---: | ---: | ---: |");
        let Some(first) = self.contenders.first() else { return };
        for contender in &self.contenders {
            let [low, median, high] = quartiles(contender.samples.clone());
            let [least, ratio, most] = contender.ratios(first);
            let name = &contender.name;
            let (low, median, high) = (time(low), time(median), time(high));
            println!("| {name} | {median} | {low} .. {high} | {ratio:.2} | {least:.2} .. {most:.2} |");
        }
        let named = |name| self.contenders.iter().find(|contender| contender.name == name);
        for [first, second] in self.related.iter().copied() {
            let (Some(one), Some(other)) = (named(first), named(second)) else { continue };
            let [least, ratio, most] = one.ratios(other);
            println!("| {first} / {second} | | | {ratio:.2} | {least:.2} .. {most:.2} |");
        }
    }
}

impl Contender<'_> {
    /// Quartiles of what it took for each time of another one, in the same round.
    fn ratios(&self, other: &Contender<'_>) -> [f64; 3] {
        quartiles(self.samples.iter().zip(&other.samples).map(|(own, other)| own / other).collect())
    }

    fn sample(&mut self) {
        let took = (self.run)(black_box(self.batch));
        self.samples.push(took.as_secs_f64() / f64::from(self.batch));
    }
}

/// The lower quartile, the median and the upper quartile; zeroes of nothing.
pub(crate) fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [1, 2, 3]
        .map(|quarter| values.get((values.len() * quarter / 4).min(values.len().saturating_sub(1))))
        .map(|value| value.copied().unwrap_or_default())
}

fn time(seconds: f64) -> String {
    let micros = Duration::from_secs_f64(seconds).as_secs_f64() * 1e6;
    if micros < 1000.0 { format!("{micros:.1} µs") } else { format!("{:.2} ms", micros / 1000.0) }
}
