//! The command on a terminal: questions, the progress bar, the live view. `script` of util-linux is the terminal.

use crate::reading::filled;
use crate::{Outbox, assert_expected};
use postbox::Message;
use std::io::Write;
use std::process::{Command, Stdio};

/// Runs a command line of the shell, in which `postbox` is the command, on a terminal of 80
/// columns, types the input, and returns the output.
fn on_a_terminal(outbox: &Outbox, line: &str, input: &str, variables: &[(&str, &str)]) -> String {
    let line = line.replace("postbox ", &format!("'{}' ", env!("CARGO_BIN_EXE_postbox")));
    let mut child = Command::new("script")
        .args(["-qec", &format!("stty -echo cols 80 rows 25; {line}"), "/dev/null"])
        .env("POSTBOX_EMBEDDED_DB", outbox.file())
        .env("TERM", "xterm-256color")
        .env_remove("NO_COLOR")
        .env_remove("COLUMNS")
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script(1) runs");
    child.stdin.as_mut().unwrap().write_all(input.as_bytes()).unwrap();
    let shown = child.wait_with_output().unwrap().stdout;
    String::from_utf8(shown).unwrap().replace("\r\n", "\n")
}

#[test]
fn lists_have_colours_and_fit_the_width() {
    let outbox = filled("tty");
    assert_expected("terminal-list-parked.txt", &on_a_terminal(&outbox, "postbox list --state parked", "", &[]));
    let plain = on_a_terminal(&outbox, "postbox list --state parked", "", &[("NO_COLOR", "1")]);
    assert_expected("list-parked.txt", &plain);
    assert_expected("terminal-watch.txt", &on_a_terminal(&outbox, "postbox watch --count 2 --interval 10ms", "", &[]));
}

#[test]
fn commands_ask_and_do_nothing_unless_confirmed() {
    let outbox = filled("asked");
    let question = "Make 1 message outstanding again? [y/N]";
    let no = on_a_terminal(&outbox, "postbox unpark --all", "n\n", &[]);
    assert!(no.contains(question) && no.contains("nothing was done"), "{no}");
    assert_eq!(outbox.counts(), [2, 1, 1]);
    let yes = on_a_terminal(&outbox, "postbox unpark --all", "y\n", &[]);
    assert!(yes.contains(question) && yes.contains("1 message released"), "{yes}");
    assert_eq!(yes.matches("table brighter_outbox in").count(), 1, "{yes}");
    assert_eq!(outbox.counts(), [3, 1, 0]);
    let evil = on_a_terminal(&outbox, "postbox replay --causation \"$(printf 'a\\033[2Jb')\"", "n\n", &[]);
    assert!(evil.contains("with the causation id a\u{fffd}[2Jb again? [y/N]"), "{evil:?}");
}

#[test]
fn a_progress_bar_is_shown_only_in_a_terminal() {
    let outbox = Outbox::new("bar");
    let messages: Vec<Message> = (0..500).map(|_| Message::new("t", "x")).collect();
    outbox.postbox().deposit_posts(&messages).unwrap();
    let sweep = "postbox sweep --to stdout --older-than 0s --yes >/dev/null";
    let shown = on_a_terminal(&outbox, sweep, "", &[]);
    assert!(shown.contains("sending") && shown.contains("500/500") && shown.contains('█'), "{shown}");
    assert!(shown.ends_with("500 messages sent\n"), "{shown:?}");
    let ids = messages.iter().map(|message| message.id()).collect::<Vec<_>>().join(" ");
    let shown = on_a_terminal(&outbox, &format!("postbox clear {ids} --to stdout --yes >/dev/null"), "", &[]);
    assert!(shown.contains("sending") && shown.contains("/500"), "{shown}");
    let replayed = outbox.run(&["replay", "--all", "--yes"]);
    let location = format!("table brighter_outbox in {}\n", outbox.file());
    assert_eq!((replayed.err, replayed.out.as_str()), (location, "500 messages outstanding again\n"));
}
