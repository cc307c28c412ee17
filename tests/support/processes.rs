//! Runs a test of this binary in its own process.

use std::process::Command;

const IN_CHILD: &str = "POSTBOX_TEST_IN_CHILD";

/// Returns the name that the test harness uses for a function, or for the test that contains a closure.
fn name<T>() -> &'static str {
    let path = std::any::type_name::<T>();
    let path = path.strip_suffix("::{{closure}}").unwrap_or(path);
    path.split_once("::").expect("the path begins with the crate").1
}

fn command(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    command
}

/// Returns a command that runs this test alone.
pub fn rerun<F: Fn()>(_: F) -> Command {
    command(name::<F>())
}

/// Runs the body of the calling test in another process, and fails the test if it fails there.
pub fn in_own_process<F: FnOnce()>(body: F) {
    in_prepared_process(|_| {}, body);
}

/// Runs the body of the calling test in another process, whose environment `prepare` changes. Fails the test if it fails
/// there.
pub fn in_prepared_process<F: FnOnce()>(prepare: impl FnOnce(&mut Command), body: F) {
    if std::env::var_os(IN_CHILD).is_some() {
        return body();
    }
    let test = name::<F>();
    let mut command = command(test);
    prepare(&mut command);
    let output = command.env(IN_CHILD, "1").output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "there is no test {test}: {text}");
}

/// Runs the body of the calling test in another process, in which AWS is configured by these variables only.
pub fn with_aws(variables: &[(&str, &str)], body: impl FnOnce()) {
    let only_these = |command: &mut Command| {
        command
            .env_clear()
            .env("HOME", "/nowhere")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(variables.iter().copied());
    };
    in_prepared_process(only_these, body);
}
