//! The clock and the schedule. Each actor has its own thread, and one actor runs at a time, until it waits. An actor
//! that waits lets the next event happen, and the actor that the event wakes continues.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::task::Waker;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The start of a simulation by its own clock: 2026-01-01T00:00:00Z.
const BEGINNING: Duration = Duration::from_secs(1_767_225_600);

pub struct World {
    base: Instant,
    state: Mutex<State>,
    turns: Mutex<Vec<Arc<Condvar>>>,
}

struct State {
    now: Duration,
    running: usize,
    unfinished: usize,
    number: u64,
    due: BinaryHeap<Reverse<(Duration, u64)>>,
    events: HashMap<u64, Event>,
    ended: HashSet<usize>,
    trace: DefaultHasher,
}

enum Event {
    /// The end of a wait of an actor.
    Wake { actor: usize, waker: Waker },
    /// An event outside the actors, such as the arrival of a request.
    Happen(Box<dyn FnOnce() + Send>),
}

impl World {
    /// Creates a clock and a schedule. The caller is the first actor, and is running.
    pub fn new() -> Arc<Self> {
        let state = State {
            now: Duration::ZERO,
            running: 0,
            unfinished: 0,
            number: 0,
            due: BinaryHeap::new(),
            events: HashMap::new(),
            ended: HashSet::new(),
            trace: DefaultHasher::new(),
        };
        Arc::new(Self { base: Instant::now(), state: Mutex::new(state), turns: Mutex::new(vec![Arc::default()]) })
    }

    pub fn now(&self) -> Duration {
        self.lock().now
    }

    /// Schedules an event after this time.
    pub fn happen_in(&self, time: Duration, what: impl FnOnce() + Send + 'static) {
        let mut state = self.lock();
        let at = state.now + time;
        state.add(at, Event::Happen(Box::new(what)));
    }

    /// Wakes this actor after this time.
    pub fn wake_in(&self, time: Duration, actor: usize, waker: Waker) {
        let mut state = self.lock();
        let at = state.now + time;
        state.add(at, Event::Wake { actor, waker });
    }

    /// Adds an event to the fingerprint, and prints it if `TRACE` is set. Two runs of one seed note the same events.
    pub fn note(&self, what: &str) {
        let mut state = self.lock();
        let now = state.now;
        (now, what).hash(&mut state.trace);
        if std::env::var_os("TRACE").is_some() {
            eprintln!("{:>12.6} {what}", now.as_secs_f64());
        }
    }

    /// Returns a hash of all noted events.
    pub fn fingerprint(&self) -> u64 {
        self.lock().trace.finish()
    }

    /// Starts the thread of a new actor. The thread waits for its first event before it runs `life`.
    pub fn spawn(self: &Arc<Self>, life: impl FnOnce(usize) + Send + 'static) -> std::thread::JoinHandle<()> {
        let actor = {
            let mut turns = self.turns.lock().unwrap();
            turns.push(Arc::default());
            turns.len() - 1
        };
        self.lock().unfinished += 1;
        self.wake_in(Duration::ZERO, actor, Waker::noop().clone());
        let world = Arc::clone(self);
        let body = move || {
            world.wait_for_turn(actor);
            let ended = Ends { world: Arc::clone(&world), actor };
            life(actor);
            drop(ended);
        };
        std::thread::Builder::new().name(format!("actor {actor}")).spawn(body).expect("a thread")
    }

    /// Returns whether all spawned actors have ended.
    pub fn is_quiet(&self) -> bool {
        self.lock().unfinished == 0
    }

    /// Lets time pass for this actor.
    pub fn sleep(&self, actor: usize, time: Duration) {
        let end = self.now() + time;
        self.wake_in(time, actor, Waker::noop().clone());
        while self.now() < end {
            self.idle(actor);
        }
    }

    /// Processes events until one wakes this actor.
    pub fn idle(&self, actor: usize) {
        if self.pass(actor) != actor {
            self.wait_for_turn(actor);
        }
    }

    /// Processes events until one wakes an actor, which runs next. Returns this actor.
    fn pass(&self, from: usize) -> usize {
        loop {
            let event = self.lock().next();
            match event {
                Some(Event::Happen(what)) => what(),
                Some(Event::Wake { actor, waker }) => {
                    waker.wake();
                    self.lock().running = actor;
                    if actor != from {
                        self.turn_of(actor).notify_one();
                    }
                    return actor;
                }
                None => {
                    eprintln!("actor {from} waits for something that never comes");
                    std::process::abort();
                }
            }
        }
    }

    fn wait_for_turn(&self, actor: usize) {
        let turn = self.turn_of(actor);
        drop(turn.wait_while(self.lock(), |state| state.running != actor).unwrap());
    }

    fn turn_of(&self, actor: usize) -> Arc<Condvar> {
        Arc::clone(&self.turns.lock().unwrap()[actor])
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

/// A guard that lets another actor continue when the thread of an actor ends or panics.
struct Ends {
    world: Arc<World>,
    actor: usize,
}

impl Drop for Ends {
    fn drop(&mut self) {
        self.world.lock().end(self.actor);
        self.world.pass(self.actor);
    }
}

impl State {
    fn add(&mut self, at: Duration, event: Event) -> u64 {
        self.number += 1;
        self.due.push(Reverse((at, self.number)));
        self.events.insert(self.number, event);
        self.number
    }

    /// Removes the next event, without events that were cancelled or belong to ended actors, and sets the clock to its
    /// time.
    fn next(&mut self) -> Option<Event> {
        while let Some(Reverse((at, number))) = self.due.pop() {
            if let Some(event) = self.events.remove(&number).filter(|event| !self.is_ended(event)) {
                self.now = self.now.max(at);
                return Some(event);
            }
        }
        None
    }

    fn is_ended(&self, event: &Event) -> bool {
        matches!(event, Event::Wake { actor, .. } if self.ended.contains(actor))
    }

    fn end(&mut self, actor: usize) {
        self.unfinished -= 1;
        self.ended.insert(actor);
    }
}

/// The simulation as one actor sees it.
pub struct View {
    pub world: Arc<World>,
    pub actor: usize,
    /// The number of milliseconds by which the clock of the actor's machine is ahead.
    pub ahead: i64,
    /// The time of a jump of the clock, and the milliseconds by which it jumps.
    pub jump: Option<(Duration, i64)>,
}

impl postbox::simulation::World for View {
    fn instant(&self) -> Instant {
        self.world.base + self.world.now()
    }

    fn system_time(&self) -> SystemTime {
        let now = self.world.now();
        let jump = self.jump.filter(|(from, _)| now >= *from).map_or(0, |(_, off)| off);
        let ahead = self.ahead + jump;
        let time = UNIX_EPOCH + BEGINNING + now;
        let off = Duration::from_millis(ahead.unsigned_abs());
        if ahead < 0 { time - off } else { time + off }
    }

    fn wake_at(&self, at: Instant, waker: Waker) -> u64 {
        let actor = self.actor;
        self.world.lock().add(at - self.world.base, Event::Wake { actor, waker })
    }

    fn cancel(&self, number: u64) {
        self.world.lock().events.remove(&number);
    }

    fn idle(&self) {
        self.world.idle(self.actor);
    }
}

/// Converts .NET ticks to the time since the start of the simulation. Returns `None` for an earlier time.
pub fn of_ticks(ticks: i64) -> Option<Duration> {
    let nanoseconds = (i128::from(ticks) - 621_355_968_000_000_000) * 100 - BEGINNING.as_nanos() as i128;
    u64::try_from(nanoseconds).ok().map(Duration::from_nanos)
}

/// Returns the time by a correct clock, in milliseconds since 1970.
pub fn unix_milliseconds(world: &World) -> u64 {
    u64::try_from((BEGINNING + world.now()).as_millis()).expect("a time")
}

/// Returns the time by a correct clock, in seconds since 1970.
pub fn unix_seconds(world: &World) -> u64 {
    (BEGINNING + world.now()).as_secs()
}
