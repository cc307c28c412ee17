//! Systematic crashes: a process crashes before and after each request and each send.

use crate::oracle::{By, Destiny, Fate};
use crate::process::Process;
use crate::run::{Outcome, Plan, Stage};
use crate::{COMMANDS, command_key, count_command};
use postbox::LeaseMode;
use postbox::{ErrorCode, Message};
use std::sync::Arc;

/// The work of a process until it finishes or crashes.
type Act = fn(&Stage, &Arc<Process>);

/// Runs the handler of the greetings example: read, write, deposit, commit, clear. After a crash, it is repeated with
/// the same message.
pub fn handle(stage: &Stage, process: &Arc<Process>) {
    let oracle = &stage.network.oracle;
    let postbox = process.open(stage.plan.builder(), 1);
    let message = Message::new("greeting.made", "Hello Ada").with_id("greeting");
    if !oracle.knows("greeting") {
        oracle.announce(&message, Destiny::Sent, true);
    }
    let mut work = postbox.unit_of_work();
    if work.get_item(COMMANDS, command_key("greeting")).is_err() {
        return;
    }
    work.update(count_command("greeting")).expect("an action");
    work.deposit_post(message).expect("a deposit");
    if oracle.fate("greeting") == Fate::Never {
        oracle.learn("greeting", Fate::Unknown);
    }
    let committed = work.commit();
    let is_there = committed.as_ref().map_or_else(|error| error.code() == ErrorCode::DuplicateMessage, |()| true);
    if process.is_alive() && is_there {
        oracle.learn("greeting", Fate::Committed);
        process.begins(By::Clear);
        let _ = postbox.clear_outbox(&["greeting"]);
    }
}

/// A sweep of 30 messages that were committed a while ago.
pub fn sweep(stage: &Stage, process: &Arc<Process>) {
    let oracle = &stage.network.oracle;
    let postbox = process.open(stage.plan.builder(), 1);
    if !oracle.knows("0") {
        let messages: Vec<Message> = (0..30)
            .map(|n| Message::new("t", n.to_string()).with_id(n.to_string()).with_partition_key((n % 5).to_string()))
            .collect();
        messages.iter().for_each(|message| oracle.announce(message, Destiny::Sent, false));
        let depositor = Process::new(&stage.network, "depositor".into(), 0, None);
        depositor.open(stage.plan.builder(), 1).deposit_posts(&messages).expect("deposits without faults");
        messages.iter().for_each(|message| oracle.learn(message.id(), Fate::Committed));
        stage.network.world.sleep(0, std::time::Duration::from_secs(10));
    }
    process.begins(By::Sweep);
    let _ = postbox.sweep();
}

/// Runs the acts one after the other, each in a process that crashes at the given point, and checks the result. Returns
/// the number of points that each process passed.
fn run(acts: &[(Act, Option<u64>)], leases: LeaseMode) -> (Vec<u64>, Outcome) {
    std::thread::scope(|scope| {
        let judge = scope.spawn(|| {
            let stage = Stage::new(&Plan::fair(leases), None);
            let points = acts.iter().enumerate().map(|(place, &(act, dies_at))| {
                let process = Process::new(&stage.network, format!("process {place}"), 0, dies_at);
                act(&stage, &process);
                process.points()
            });
            (points.collect(), stage.verdict())
        });
        judge.join().expect("no panic")
    })
}

/// Crashes the act at each of its points, in one run per point. Returns the number of points.
pub fn every_point(act: Act, leases: LeaseMode) -> u64 {
    let (points, outcome) = run(&[(act, None)], leases);
    assert!(outcome.violations.is_empty(), "{:#?}", outcome.violations);
    assert_eq!(outcome.duplicates, 0, "nothing is sent twice when nobody dies");
    for point in 0..points[0] {
        let (_, outcome) = run(&[(act, Some(point))], leases);
        assert!(outcome.violations.is_empty(), "dead at point {point}: {:#?}", outcome.violations);
    }
    points[0]
}

/// Crashes the first act at each of its points, and then the second act at each of its points. Returns the number of
/// pairs of points.
pub fn every_pair(first: Act, second: Act, leases: LeaseMode) -> u64 {
    let mut pairs = 0;
    let (points, _) = run(&[(first, None)], leases);
    for one in 0..points[0] {
        let (points, _) = run(&[(first, Some(one)), (second, None)], leases);
        for other in 0..points[1] {
            let (_, outcome) = run(&[(first, Some(one)), (second, Some(other))], leases);
            assert!(outcome.violations.is_empty(), "dead at points {one} and {other}: {:#?}", outcome.violations);
            pairs += 1;
        }
    }
    pairs
}
