//! [`Peer`]: the running test once more, in a process of its own, to play another part.

use std::{
    env, io,
    io::{BufRead as _, BufReader, Lines, Write as _},
    process::{Child, ChildStdout, Command, Stdio},
};

const PART: &str = "AWS_EVENT_SOURCING_TEST_PART";

/// The part that this process is to play, when a test has started it for that.
pub(crate) fn part() -> Option<String> {
    env::var(PART).ok()
}

/// Says something to the test that has started this process.
pub(crate) fn say(line: &str) {
    // A line of its own, whatever the test runner has begun to say.
    writeln!(io::stdout().lock(), "\n{line}").expect("a pipe");
}

/// Waits until the test that has started this process goes on.
pub(crate) fn ready() {
    say("ready");
    io::stdin().lock().read_line(&mut String::new()).expect("a pipe");
}

/// This program, so that it runs the test of that name in that part.
pub(crate) fn program(test: &str, part: &str) -> Command {
    let mut program = Command::new(env::current_exe().expect("a path"));
    program.args([test, "--exact", "--nocapture"]).env(PART, part);
    program
}

/// A process that plays a part.
pub(crate) struct Peer {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    pub(crate) fn start(mut program: Command) -> Self {
        let mut process =
            program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a process should start");
        let lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        Self { process, lines }
    }

    /// Waits until it is ready.
    pub(crate) fn wait(&mut self) {
        assert!(self.any(|line| line == "ready"), "the process has ended early");
    }

    /// Has it go on.
    pub(crate) fn go_on(&mut self) {
        self.process.stdin.take().expect("a pipe").write_all(b"\n").expect("a pipe");
    }

    /// Ends it on the spot, as a power cut or an operator would.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("a process should be killed");
    }

    /// Waits for its end, which has to be a good one, and gives what it has said until then.
    pub(crate) fn finish(mut self) -> Vec<String> {
        let said: Vec<_> = self.by_ref().collect();
        let passed = said.iter().any(|line| line.contains("1 passed"));
        assert!(self.process.wait().expect("an end").success() && passed, "{}", said.join("\n"));
        said
    }
}

/// What it says.
impl Iterator for Peer {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        self.lines.next().map(|line| line.expect("a line"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Of a test that has failed: nobody is left behind. One that has ended cannot be killed.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
