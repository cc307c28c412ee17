//! Medians, ratios and their spread, which suit measurements on a shared machine.

use std::time::Duration;

/// Measurements of one quantity.
#[derive(Default)]
pub struct Series(Vec<f64>);

impl Series {
    pub fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    pub fn add_micros(&mut self, time: Duration) {
        self.add(time.as_secs_f64() * 1e6);
    }

    pub fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len() as f64
    }

    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// Returns the quantile of the measurements, from 0 to 1.
    pub fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1) as f64;
        sorted.get((last * part).round() as usize).copied().unwrap_or(f64::NAN)
    }

    /// Returns the first and the third quartile, which have half of the measurements between them.
    pub fn quartiles(&self) -> (f64, f64) {
        (self.quantile(0.25), self.quantile(0.75))
    }
}

/// Measurements of Postbox and of a baseline (`raw`), taken in turns, so that a disturbance affects both.
#[derive(Default)]
pub struct Comparison {
    pub raw: Series,
    pub postbox: Series,
    /// The ratio of Postbox to the baseline, for each round.
    pub ratios: Series,
}

impl Comparison {
    pub fn add_round(&mut self, raw: f64, postbox: f64) {
        self.raw.add(raw);
        self.postbox.add(postbox);
        self.ratios.add(postbox / raw);
    }

    /// Returns the ratio of the medians.
    pub fn ratio(&self) -> f64 {
        self.postbox.median() / self.raw.median()
    }

    /// Prints one line of the table, whose header [`head`] prints.
    pub fn print(&self, what: &str, unit: &str, goal: &str) {
        let (low, high) = self.ratios.quartiles();
        println!(
            "| {what:<38} | {:>8.1} {unit} | {:>8.1} {unit} | {:>6.3} | {:>6.3} | {low:.3} to {high:.3} | {goal} |",
            self.raw.median(),
            self.postbox.median(),
            self.ratio(),
            self.ratios.median(),
        );
    }
}

/// Prints the header of the table.
pub fn head() {
    println!("\n| what | raw SDK | Postbox | ratio of medians | median ratio of rounds | half of the rounds | goal |");
    println!("|---|---|---|---|---|---|---|");
}

/// Returns the processor time that this process has used.
pub fn processor_time() -> Duration {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a timespec of this function.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut now) };
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}
