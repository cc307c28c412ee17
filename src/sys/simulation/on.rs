//! The time of a simulation, for builds with `cfg(postbox_simulation)`. A thread that entered a simulation uses its
//! clock and runs all tasks itself.

use crate::sys::park::Waiter;
use crate::sys::simulation::Mutation;
use crate::sys::sync::Mutex;
use aws_sdk_dynamodb::config::{AsyncSleep, SharedAsyncSleep, Sleep};
use std::cell::RefCell;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant, SystemTime};
use tokio::runtime::Handle;

/// The clocks and timers of a simulation, which replace those of the system for its threads.
pub trait World: Send + Sync {
    /// Returns the time of the monotonic clock.
    fn instant(&self) -> Instant;
    /// Returns the time of day of the machine of this thread.
    fn system_time(&self) -> SystemTime;
    /// Calls the waker at this time, unless the wake-up is [cancelled](Self::cancel) with the returned number.
    fn wake_at(&self, at: Instant, waker: Waker) -> u64;
    /// Cancels a wake-up.
    fn cancel(&self, number: u64);
    /// Parks this thread, which has nothing to do until one of its wakers is called.
    fn idle(&self);
}

struct Entered {
    world: Arc<dyn World>,
    mutation: Option<Mutation>,
    latest_tick: i64,
}

thread_local! {
    static ENTERED: RefCell<Option<Entered>> = const { RefCell::new(None) };
}

/// Makes this thread part of a simulation, with this deliberate mistake.
pub fn enter(world: Arc<dyn World>, mutation: Option<Mutation>, seed: u64) {
    fastrand::seed(seed);
    ENTERED.set(Some(Entered { world, mutation, latest_tick: 0 }));
}

fn world() -> Option<Arc<dyn World>> {
    ENTERED.with_borrow(|entered| entered.as_ref().map(|entered| Arc::clone(&entered.world)))
}

pub(crate) fn instant() -> Option<Instant> {
    world().map(|world| world.instant())
}

pub(crate) fn system_time() -> Option<SystemTime> {
    world().map(|world| world.system_time())
}

pub(crate) fn mutated(mutation: Mutation) -> bool {
    ENTERED.with_borrow(|entered| entered.as_ref().is_some_and(|entered| entered.mutation == Some(mutation)))
}

/// Returns a tick that is later than all ticks that this thread received before. Each thread simulates a process.
pub(crate) fn next_tick(after: impl FnOnce(i64) -> i64) -> Option<i64> {
    ENTERED.with_borrow_mut(|entered| {
        let latest = &mut entered.as_mut()?.latest_tick;
        *latest = after(*latest);
        Some(*latest)
    })
}

/// Returns the random part of an id, which depends on the seed only.
pub(crate) fn random_bytes() -> Option<[u8; 16]> {
    world().map(|_| fastrand::u128(..).to_ne_bytes())
}

/// A timer on the clock of the simulation.
pub(crate) struct SleepUntil {
    world: Arc<dyn World>,
    at: Instant,
    number: Option<u64>,
}

pub(crate) fn sleep(time: Duration) -> Option<SleepUntil> {
    let world = world()?;
    Some(SleepUntil { at: world.instant() + time, world, number: None })
}

/// Sleeps by the simulated clock of this thread.
async fn simulated_sleep(time: Duration) {
    if let Some(sleep) = sleep(time) {
        sleep.await;
    }
}

impl Future for SleepUntil {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if let Some(number) = self.number.take() {
            self.world.cancel(number);
        }
        if self.world.instant() >= self.at {
            return Poll::Ready(());
        }
        self.number = Some(self.world.wake_at(self.at, context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for SleepUntil {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.world.cancel(number);
        }
    }
}

/// Returns the timer of the SDK's retries and timeouts for a thread of a simulation.
pub(crate) fn sleeper() -> Option<SharedAsyncSleep> {
    #[derive(Debug)]
    struct Sleeper;
    impl AsyncSleep for Sleeper {
        fn sleep(&self, time: Duration) -> Sleep {
            Sleep::new(simulated_sleep(time))
        }
    }
    world().map(|_| SharedAsyncSleep::new(Sleeper))
}

/// A runtime without a thread, whose tasks run while a caller waits.
#[derive(Clone)]
pub(crate) struct Simulated {
    runtime: Arc<tokio::runtime::Runtime>,
    /// Whether the future of the caller was woken. If it was woken, the thread is not idle.
    woken: Arc<Woken>,
}

#[derive(Default)]
struct Woken {
    is: AtomicBool,
    waiting: Mutex<Option<Waker>>,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.is.store(true, Ordering::Relaxed);
        self.wake_waiting();
    }
}

impl Woken {
    fn wake_waiting(&self) {
        if let Some(waker) = self.waiting.lock().as_ref() {
            waker.wake_by_ref();
        }
    }
}

impl Waiter for Simulated {
    fn waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.woken))
    }

    /// Runs tasks until the waker is called or this time has passed.
    fn park(&self, time: Duration) {
        self.wait_for(simulated_sleep(time), true);
    }
}

impl Simulated {
    /// Starts a runtime if this thread belongs to a simulation.
    pub(crate) fn start() -> Option<std::io::Result<Self>> {
        let world = world()?;
        let woken = Arc::<Woken>::default();
        let idle = Arc::clone(&woken);
        let built = tokio::runtime::Builder::new_current_thread()
            .on_thread_park(move || {
                if !idle.is.load(Ordering::Relaxed) {
                    world.idle();
                    // The wake-up may concern another task, so the future of the caller is woken too. Otherwise, tokio
                    // would park the thread, which only the simulation may do.
                    idle.wake_waiting();
                }
            })
            .build();
        Some(built.map(|runtime| Self { runtime: Arc::new(runtime), woken }))
    }

    pub(crate) fn handle(&self) -> &Handle {
        self.runtime.handle()
    }

    /// Runs tasks until the future is done.
    pub(crate) fn finish(&self, future: impl Future) {
        self.wait_for(future, false);
    }

    fn wait_for(&self, future: impl Future, or_woken: bool) {
        let waker = Waker::from(Arc::clone(&self.woken));
        let mut future = pin!(future);
        self.runtime.block_on(std::future::poll_fn(|context| {
            *self.woken.waiting.lock() = Some(context.waker().clone());
            let was_woken = self.woken.is.swap(false, Ordering::Relaxed);
            if was_woken && or_woken {
                return Poll::Ready(());
            }
            future.as_mut().poll(&mut Context::from_waker(&waker)).map(drop)
        }));
    }
}
