//! Corrects the wall clock by the `Date` header of the responses of AWS.
//!
//! Leases, waits and the creation times of messages compare the clocks of several machines. A machine whose clock is
//! wrong would send messages too early or too late, and AWS would reject its signatures.

use crate::sys::clock;
use crate::sys::sync::Mutex;
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::date_time::{DateTime, Format};
use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime};

/// The correction of the clock of this process. All clients read this clock, so the responses to all of them correct
/// it.
pub(crate) static SERVER_CLOCK: ServerClock = ServerClock::new(clock::correct);

/// The number of samples that are kept. Their median is the correction.
const SAMPLES: usize = 5;
/// The minimum difference for a correction to start. Smaller differences are not corrected at first, because the `Date`
/// header has whole seconds only. An existing correction continues down to half of this difference.
const LEAST_CORRECTION_MS: i64 = 1000;
/// The maximum duration of a request whose response is used as a sample. If the request took longer, the time at which
/// the response was sent is not known precisely enough.
const MAX_ROUND_TRIP: Duration = Duration::from_secs(1);
/// The maximum drift between the wall clock and the monotonic clock. A larger drift shows that the machine was
/// suspended or that its clock was set, so a sample from that time and all earlier samples are not used.
const MAX_DRIFT_MS: i64 = 1000;
/// Hosts of AWS. Other servers may have a wrong clock.
const AWS_HOSTS: [&str; 4] = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn"];

pub(crate) struct ServerClock {
    samples: Mutex<Samples>,
    /// Applies a correction in milliseconds to the clock of the process.
    apply: fn(i64),
}

#[derive(Debug)]
struct Samples {
    /// The samples: the time of the server minus the time of this machine, in milliseconds. The latest sample is the
    /// last one.
    offsets: VecDeque<i64>,
    last: Option<Reading>,
    correction: i64,
    /// The time at which the correction was applied, if there is one.
    corrected_since: Option<Instant>,
    /// Whether AWS rejected signatures that were created with a correction. No other correction is applied then.
    is_rejected: bool,
}

/// The two clocks of this machine, not corrected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    steady: Instant,
    wall: SystemTime,
}

impl Reading {
    pub(crate) fn now() -> Self {
        Self { steady: Instant::now(), wall: SystemTime::now() }
    }

    /// Returns the time by which the wall clock advanced since then, minus the time by which the monotonic clock
    /// advanced, in milliseconds.
    fn drift_since(&self, then: Self) -> i64 {
        let steady = i64::try_from(self.steady.duration_since(then.steady).as_millis()).unwrap_or(i64::MAX);
        milliseconds_between(self.wall, then.wall).saturating_sub(steady)
    }
}

impl std::fmt::Debug for ServerClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.samples.lock().fmt(f)
    }
}

impl ServerClock {
    const fn new(apply: fn(i64)) -> Self {
        let samples =
            Samples { offsets: VecDeque::new(), last: None, correction: 0, corrected_since: None, is_rejected: false };
        Self { samples: Mutex::new(samples), apply }
    }

    /// Takes a sample from the response to a request to [AWS](is_aws).
    pub(crate) fn observe(&self, sent: Reading, received: Reading, response: &HttpResponse) {
        let headers = response.headers();
        if headers.get("x-amzn-requestid").is_none() || headers.get("age").or(headers.get("via")).is_some() {
            return;
        }
        let is_rejection = response.status().is_client_error() && says_that_the_time_is_wrong(response);
        if is_rejection && self.reject(sent) {
            return;
        }
        let round_trip = received.steady.duration_since(sent.steady);
        // A rejected time is wrong by minutes, so that the duration of the request does not matter.
        if round_trip >= MAX_ROUND_TRIP && !is_rejection {
            return;
        }
        let date = headers.get("date").and_then(|date| DateTime::from_str(date, Format::HttpDate).ok());
        if let Some(date) = date.and_then(|date| SystemTime::try_from(date).ok()) {
            if is_rejection {
                // The earlier samples led to the rejected time.
                self.samples.lock().offsets.clear();
            }
            self.sample(sent, received, round_trip, date);
        }
    }

    fn sample(&self, sent: Reading, received: Reading, round_trip: Duration, date: SystemTime) {
        if received.drift_since(sent).abs() >= MAX_DRIFT_MS {
            return;
        }
        let mut samples = self.samples.lock();
        if samples.last.is_some_and(|last| received.drift_since(last).abs() >= MAX_DRIFT_MS) {
            samples.offsets.clear();
        }
        samples.last = Some(received);
        if samples.offsets.len() == SAMPLES {
            samples.offsets.pop_front();
        }
        let half = i64::try_from(round_trip.as_millis() / 2).unwrap_or(0);
        // The header is truncated to whole seconds, so its time is half a second too early on average.
        samples.offsets.push_back(milliseconds_between(date, sent.wall).saturating_add(500).saturating_sub(half));
        let median = samples.median();
        // The median varies within the precision of the header. Such small changes must not change the correction.
        let least = if samples.correction == 0 { LEAST_CORRECTION_MS } else { LEAST_CORRECTION_MS / 2 };
        let correction = if median.abs() < least || samples.is_rejected { 0 } else { median };
        if (correction - samples.correction).abs() >= LEAST_CORRECTION_MS || correction == 0 {
            self.set(&mut samples, correction);
        }
    }

    fn set(&self, samples: &mut Samples, correction: i64) {
        if correction == samples.correction {
            return;
        }
        samples.correction = correction;
        samples.corrected_since = samples.last.filter(|_| correction != 0).map(|last| last.steady);
        (self.apply)(correction);
        match correction {
            0 => tracing::warn!(target: "postbox", "Postbox no longer corrects the clock of this machine"),
            _ => tracing::warn!(
                target: "postbox", correction_ms = correction,
                "the clock of this machine differs from that of AWS: Postbox corrects its times"
            ),
        }
    }

    /// Ends the correction if AWS rejected a signature that was created with it. Returns whether this is so.
    fn reject(&self, sent: Reading) -> bool {
        let mut samples = self.samples.lock();
        // Requests that were signed before the correction are rejected rightly.
        let is_corrected = samples.corrected_since.is_some_and(|since| sent.steady >= since);
        if is_corrected {
            samples.is_rejected = true;
            self.set(&mut samples, 0);
        }
        is_corrected
    }
}

impl Samples {
    fn median(&self) -> i64 {
        let mut sorted: Vec<i64> = self.offsets.iter().copied().collect();
        sorted.sort_unstable();
        sorted[sorted.len() / 2]
    }
}

/// The corrected clock, with which the AWS SDK signs requests.
#[derive(Debug)]
pub(crate) struct CorrectedTime;

impl TimeSource for CorrectedTime {
    fn now(&self) -> SystemTime {
        clock::system_time()
    }
}

/// Returns whether the server of this URL belongs to AWS.
pub(crate) fn is_aws(url: &str) -> bool {
    let host = url.strip_prefix("https://").map(|rest| rest.split(['/', ':', '?']).next().unwrap_or_default());
    host.is_some_and(|host| AWS_HOSTS.iter().any(|domain| host.ends_with(domain)))
}

pub(crate) fn says_that_the_time_is_wrong(response: &HttpResponse) -> bool {
    is_about_the_time(&String::from_utf8_lossy(response.body().bytes().unwrap_or_default()))
}

/// Returns whether a message of AWS says that the signature was rejected for its time.
pub(crate) fn is_about_the_time(message: &str) -> bool {
    ["Signature expired", "Signature not yet current"].iter().any(|text| message.contains(text))
}

fn milliseconds_between(later: SystemTime, earlier: SystemTime) -> i64 {
    let whole = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    later.duration_since(earlier).map_or_else(|error| -whole(error.duration()), whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_types::body::SdkBody;
    use std::cell::Cell;

    const URL: &str = "https://dynamodb.eu-central-1.amazonaws.com/";

    thread_local! {
        static APPLIED: Cell<i64> = const { Cell::new(0) };
    }

    /// A clock of AWS that is ahead of this machine, and requests to it.
    struct World {
        clock: ServerClock,
        now: Reading,
        ahead_ms: i64,
        headers: Vec<(&'static str, &'static str)>,
        round_trip: Duration,
    }

    impl World {
        fn new(ahead_ms: i64) -> Self {
            APPLIED.set(0);
            Self {
                clock: ServerClock::new(|correction| APPLIED.set(correction)),
                now: Reading {
                    steady: Instant::now(),
                    wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
                },
                ahead_ms,
                headers: vec![("x-amzn-RequestId", "1")],
                round_trip: Duration::from_millis(20),
            }
        }

        /// Makes a request and returns the correction after its response.
        fn request(&mut self) -> i64 {
            self.respond(200, "{}", URL)
        }

        fn respond(&mut self, status: u16, body: &'static str, url: &str) -> i64 {
            let sent = self.now;
            self.advance(self.round_trip);
            let ahead = Duration::from_millis(self.ahead_ms.unsigned_abs());
            let there = sent.wall + self.round_trip / 2;
            let there = if self.ahead_ms < 0 { there - ahead } else { there + ahead };
            let date = DateTime::from(there).fmt(Format::HttpDate).unwrap();
            let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
            // The formatter adds fractions of a second if there are any. The header of AWS has none, so they are
            // removed.
            let date = date.split('.').next().unwrap().trim_end_matches(" GMT").to_owned() + " GMT";
            response.headers_mut().insert("date", date);
            for (name, value) in self.headers.clone() {
                response.headers_mut().insert(name, value);
            }
            if is_aws(url) {
                self.clock.observe(sent, self.now, &response);
            }
            APPLIED.get()
        }

        fn advance(&mut self, time: Duration) {
            self.now = Reading { steady: self.now.steady + time, wall: self.now.wall + time };
        }
    }

    fn is_near(correction: i64, expected: i64) -> bool {
        (correction - expected).abs() <= 1000
    }

    #[test]
    fn a_clock_that_is_off_is_corrected() {
        for ahead in [3_600_000, -600_000, 5000] {
            let mut world = World::new(ahead);
            let correction = (0..7).map(|_| world.request()).next_back().unwrap();
            assert!(is_near(correction, ahead), "{ahead}: {correction}");
        }
    }

    #[test]
    fn a_clock_that_is_right_is_not_corrected() {
        for ahead in [0, 400, -400] {
            let mut world = World::new(ahead);
            for _ in 0..7 {
                assert_eq!(world.request(), 0, "{ahead}");
                world.advance(Duration::from_millis(170));
            }
        }
    }

    #[test]
    fn a_correction_does_not_vary_with_the_precision_of_the_header() {
        for ahead in [1000, 1400, 2500] {
            let mut world = World::new(ahead);
            let mut corrections: Vec<i64> = Vec::new();
            for _ in 0..100 {
                corrections.push(world.request());
                world.advance(Duration::from_millis(170));
            }
            corrections.dedup();
            // The first samples are few, so that their median may be off by half a second.
            assert!(corrections.len() <= 3, "{ahead}: {corrections:?}");
            assert!(is_near(corrections[corrections.len() - 1], ahead), "{ahead}: {corrections:?}");
        }
    }

    #[test]
    fn one_wrong_response_of_five_changes_nothing() {
        let mut world = World::new(0);
        (0..4).for_each(|_| assert_eq!(world.request(), 0));
        world.ahead_ms = 86_400_000;
        assert_eq!(world.request(), 0);
    }

    #[test]
    fn earlier_samples_are_dropped_after_the_clock_was_set() {
        let mut world = World::new(0);
        (0..5).for_each(|_| assert_eq!(world.request(), 0));
        world.now.wall -= Duration::from_secs(7200);
        world.ahead_ms = 7_200_000;
        let correction = world.request();
        assert!(is_near(correction, 7_200_000), "{correction}");
    }

    #[test]
    fn only_prompt_responses_of_aws_are_samples() {
        let mut slow = World::new(60_000);
        slow.round_trip = Duration::from_millis(1200);
        assert_eq!(slow.request(), 0);
        for header in ["age", "via"] {
            let mut cached = World::new(60_000);
            cached.headers.push((header, "1"));
            assert_eq!(cached.request(), 0, "{header}");
        }
        let mut unknown = World::new(60_000);
        unknown.headers.clear();
        assert_eq!(unknown.request(), 0);
        for url in
            ["https://localhost:8000/", "http://dynamodb.eu-central-1.amazonaws.com/", "https://amazonaws.com.example/"]
        {
            assert_eq!(World::new(60_000).respond(200, "{}", url), 0, "{url}");
        }
    }

    #[test]
    fn a_correction_ends_if_its_signatures_are_rejected() {
        let mut world = World::new(60_000);
        assert_ne!(world.request(), 0);
        let refusal = r#"{"message":"Signature expired: 20261128T100000Z is now earlier than 20261128T100500Z"}"#;
        assert_eq!(world.respond(400, refusal, URL), 0);
        assert_eq!(world.request(), 0);
    }
}
