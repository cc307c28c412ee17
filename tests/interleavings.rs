//! Checks of the hand-written synchronisation in thousands of interleavings of its threads.
//!
//! The files under test are compiled again here, with the locks and threads of shuttle. The scheduler of shuttle draws
//! interleavings, and reports a failed assertion or a deadlock with the schedule that leads to it. Each check also runs
//! with a deliberate fault, which must be found.
#![allow(dead_code)]

#[path = "../src/runtime/gate.rs"]
mod gate;
#[path = "../src/engine/in_flight.rs"]
#[allow(unused_imports)]
mod in_flight;
#[path = "../src/sys/park.rs"]
mod park;
#[path = "../src/runtime/wait.rs"]
mod wait;

/// The replacement of `src/sys`.
mod sys {
    pub(crate) use super::park;

    pub(crate) mod clock {
        pub(crate) fn now() -> std::time::Instant {
            std::time::Instant::now()
        }
    }

    pub(crate) mod sync {
        pub(crate) use shuttle::sync::MutexGuard;
        pub(crate) use shuttle::sync::atomic::{AtomicBool, Ordering};
        pub(crate) use shuttle::thread::{Thread, current, park_timeout};
        use std::sync::PoisonError;
        use std::time::Duration;

        #[derive(Default)]
        pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

        impl<T> Mutex<T> {
            pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
                self.0.lock().unwrap_or_else(PoisonError::into_inner)
            }
        }

        /// Shuttle's condition variable has no timeout. This one returns at once if the timeout is zero.
        #[derive(Default)]
        pub(crate) struct Condvar(shuttle::sync::Condvar);

        impl Condvar {
            pub(crate) fn notify_all(&self) {
                self.0.notify_all();
            }

            pub(crate) fn wait_timeout_while<'a, T>(
                &self,
                guard: MutexGuard<'a, T>,
                timeout: Duration,
                condition: impl FnMut(&mut T) -> bool,
            ) -> MutexGuard<'a, T> {
                if timeout.is_zero() {
                    return guard;
                }
                self.0.wait_while(guard, condition).unwrap_or_else(PoisonError::into_inner)
            }
        }
    }
}

use gate::Gate;
use in_flight::InFlight;
use park::ThisThread;
use shuttle::thread;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot};
use wait::{Waited, wait_for};

const LONG: Duration = Duration::from_secs(3600);

fn soon() -> Instant {
    Instant::now() + LONG
}

/// Checks that closing waits for every call that entered, and rejects later calls.
fn closing_waits_for_all(is_faulty: bool) {
    let (gate, under_way) = (Arc::new(Gate::default()), Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = (0..2)
        .map(|_| {
            let (gate, under_way) = (Arc::clone(&gate), Arc::clone(&under_way));
            thread::spawn(move || {
                if let Some(call) = gate.enter() {
                    under_way.fetch_add(1, Ordering::SeqCst);
                    // The fault: the call ends before its work does.
                    let call = if is_faulty {
                        drop(call);
                        None
                    } else {
                        Some(call)
                    };
                    thread::yield_now();
                    under_way.fetch_sub(1, Ordering::SeqCst);
                    drop(call);
                }
            })
        })
        .collect();
    assert!(gate.close(soon()), "all ended");
    assert_eq!(under_way.load(Ordering::SeqCst), 0, "closed while a call was under way");
    assert!(gate.enter().is_none());
    callers.into_iter().for_each(|caller| caller.join().unwrap());
}

/// A call that entered is notified when `close` has no time left to wait for it.
fn an_abandoned_call_is_notified(is_faulty: bool) {
    let (gate, abandoned) = (Arc::new(Gate::default()), Arc::new(Notify::new()));
    let caller = thread::spawn({
        let (gate, abandoned) = (Arc::clone(&gate), Arc::clone(&abandoned));
        move || {
            let notified = (!is_faulty).then(|| abandoned.notified());
            let Some(_call) = gate.enter() else { return };
            // The scheduler does not know `Notify`. This yield lets the scheduler run another thread at this point.
            thread::yield_now();
            // The fault: the call registers for the notification only now.
            let notified = notified.unwrap_or_else(|| abandoned.notified());
            let waited = wait_for(std::future::pending::<()>(), notified, soon(), &ThisThread::new());
            assert!(matches!(waited, Waited::Abandoned));
        }
    });
    gate.close(Instant::now());
    abandoned.notify_waiters();
    caller.join().unwrap();
}

/// A response wakes its caller, whenever it arrives.
fn a_response_wakes_its_caller(is_faulty: bool) {
    let (response, received) = oneshot::channel();
    let runtime = thread::spawn(move || {
        // The fault: no response arrives.
        if is_faulty { std::mem::forget(response) } else { response.send(7).unwrap() }
    });
    let waited = wait_for(received, std::future::pending(), soon(), &ThisThread::new());
    assert!(matches!(waited, Waited::Done(Ok(7))));
    runtime.join().unwrap();
}

/// Only one thread at a time has a claim on a message.
fn a_message_is_claimed_by_one_at_a_time(is_faulty: bool) {
    let (in_flight, sending) = (Arc::new(InFlight::default()), Arc::new(AtomicUsize::new(0)));
    let senders: Vec<_> = (0..2)
        .map(|_| {
            let (in_flight, sending) = (Arc::clone(&in_flight), Arc::clone(&sending));
            thread::spawn(move || {
                if let Some(claim) = in_flight.claim("id") {
                    // The fault: the claim is released before the message is sent.
                    let claim = if is_faulty {
                        drop(claim);
                        None
                    } else {
                        Some(claim)
                    };
                    assert_eq!(sending.fetch_add(1, Ordering::SeqCst), 0, "sent by two at once");
                    thread::yield_now();
                    sending.fetch_sub(1, Ordering::SeqCst);
                    drop(claim);
                }
            })
        })
        .collect();
    in_flight.settle("id");
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    assert!(in_flight.claim("id").is_some(), "the message is free again");
}

/// Checks that a confirmation frees the message, whether it arrives before or after the producer has returned.
fn a_confirmed_message_is_free(is_faulty: bool) {
    let in_flight = Arc::new(InFlight::default());
    // The fault: the confirmation may come before the message is claimed.
    let early = (!is_faulty).then(|| in_flight.claim("id").unwrap());
    let confirming = thread::spawn({
        let in_flight = Arc::clone(&in_flight);
        move || in_flight.settle("id")
    });
    early.unwrap_or_else(|| in_flight.claim("id").unwrap()).keep_until_marked(LONG);
    confirming.join().unwrap();
    assert!(in_flight.claim("id").is_some(), "the claim waits for a confirmation that has arrived");
}

type Check = fn(bool);

const CHECKS: [(&str, Check); 5] = [
    ("closing waits for all", closing_waits_for_all),
    ("an abandoned call is notified", an_abandoned_call_is_notified),
    ("a response wakes its caller", a_response_wakes_its_caller),
    ("a message is claimed by one at a time", a_message_is_claimed_by_one_at_a_time),
    ("a confirmed message is free", a_confirmed_message_is_free),
];

/// The number of random schedules per check, for each of two schedulers.
const SCHEDULES: usize = 2000;

fn run(check: Check, is_faulty: bool) {
    shuttle::check_random(move || check(is_faulty), SCHEDULES);
    // This scheduler finds faults that need only a few switches between threads, at any point of the program.
    shuttle::check_pct(move || check(is_faulty), SCHEDULES, 3);
}

fn main() {
    for (name, check) in CHECKS {
        run(check, false);
        println!("{name}: {} schedules", 2 * SCHEDULES);
        // The panic of the expected fault is not printed.
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let found = catch_unwind(AssertUnwindSafe(|| run(check, true)));
        std::panic::set_hook(hook);
        assert!(found.is_err(), "{name}: the fault was not found");
    }
}
