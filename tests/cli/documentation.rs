//! Checks the output on the operators' page, and the completions and manual pages.

use crate::{Outbox, Run};
use std::path::Path;
use std::process::Command;

/// Returns the blocks of a page that show a terminal.
fn console_blocks(page: &str) -> Vec<&str> {
    page.split("```console\n").skip(1).map(|block| block.split("```").next().unwrap()).collect()
}

/// Returns the commands of a block with their output.
fn sessions(block: &str) -> Vec<(String, String)> {
    let mut sessions: Vec<(String, String)> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), sessions.last_mut()) {
            (Some(command), _) => sessions.push((command.to_owned(), String::new())),
            (None, Some((_, output))) => *output += &format!("{line}\n"),
            (None, None) => panic!("a block starts with a command: {line}"),
        }
    }
    sessions
}

/// Returns the words of a text, with a placeholder for those that differ between runs: times, ages, ids, ports.
fn words(text: &str) -> Vec<String> {
    let varies = |word: &str| {
        let is_age = word.len() > 1 && word[..word.len() - 1].chars().all(|c| c.is_ascii_digit());
        (is_age && word.ends_with(['s', 'm', 'h', 'd']))
            || (word.starts_with("20") && word.ends_with('Z'))
            || (word.len() == 36 && word.matches('-').count() == 4)
            || word.starts_with("http://127.0.0.1:")
    };
    text.split_whitespace().map(|word| if varies(word) { "~".to_owned() } else { word.to_owned() }).collect()
}

#[test]
fn the_operators_page_matches_the_output() {
    let outbox = Outbox::new("page");
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operators.md")).unwrap();
    let bin = Path::new(env!("CARGO_BIN_EXE_postbox")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut checked = 0;
    for (command, expected) in console_blocks(&page).into_iter().flat_map(sessions) {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{{ {command}\n}} 2>&1")]).current_dir(&outbox.directory);
        shell.env("PATH", &path).env("HOME", &outbox.directory).env("POSTBOX_EMBEDDED_DB", "outbox.db");
        shell.env("COLUMNS", "80").env_remove("CLICOLOR_FORCE");
        let run = Run::from(shell.output().unwrap());
        assert_eq!(words(&run.out), words(&expected), "\n$ {command}\n{}", run.out);
        checked += 1;
    }
    assert!(checked >= 8, "the page shows {checked} commands");
}

#[test]
fn completions_and_manual_pages_are_generated() {
    let outbox = Outbox::new("generated");
    let bash = outbox.run(&["completions", "bash"]).done();
    assert!(bash.contains("create-table") && bash.contains("--older-than"));
    let check = Command::new("bash").args(["-n", "/dev/stdin"]).stdin(std::process::Stdio::piped()).spawn();
    let mut check = check.unwrap();
    std::io::Write::write_all(&mut check.stdin.take().unwrap(), bash.as_bytes()).unwrap();
    assert!(check.wait().unwrap().success(), "bash reads it");
    let directory = outbox.path("completions");
    std::fs::create_dir(&directory).unwrap();
    outbox.run(&["completions", &directory]).done();
    for file in ["postbox.bash", "_postbox", "postbox.fish"] {
        assert!(Path::new(&directory).join(file).exists(), "{file}");
    }
    let pages = outbox.path("man/man1");
    outbox.run(&["man", &pages]).done();
    let page = std::fs::read_to_string(Path::new(&pages).join("postbox.1")).unwrap();
    assert!(page.starts_with(".ie") || page.contains(".TH postbox 1"), "{page}");
    assert!(page.contains("create\\-table"), "{page}");
    assert!(Path::new(&pages).join("postbox-sweep.1").exists());
}
