//! The supervisor with workers that are this test program again, in its test `a_worker`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::worker::{DESCRIPTORS, Port};
use super::*;
use crate::Control;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the worker's tasks do: the common part of the call.
#[derive(Clone, Copy)]
enum Job {
    /// Answer with the square of the argument.
    Square = 0,
    /// The same, but task 3 kills its worker, always.
    Die = 1,
    /// Task 3 does not end.
    Hang = 2,
    /// Print, a lot.
    Print = 3,
    /// Answer with a large result.
    Large = 4,
    /// All tasks take 50 ms, and the worker that gets tasks first gets many.
    Slow = 5,
}

/// Not a test: the worker's loop.
#[test]
fn a_worker() {
    if std::env::var_os(DESCRIPTORS).is_none() {
        return;
    }
    let mut port = Port::open().unwrap();
    let mut job = 0;
    while let Some(frame) = port.receive().unwrap() {
        let (kind, from, _, len) = frame.header();
        let mut body = vec![0; len];
        frame.read(&mut body).unwrap();
        if kind == FrameKind::Call {
            // An empty one says that the call is over.
            job = body.first().copied().unwrap_or(job);
            continue;
        }
        let mut next = from;
        loop {
            let first = next;
            let mut results = Vec::new();
            while let Some(task) = port.claim() {
                next = task + 1;
                results.extend(task_result(job, task, body.get(task - from).copied()));
            }
            if !port.results(first, next, &results).unwrap() {
                break;
            }
        }
    }
    std::process::exit(0);
}

fn task_result(job: u8, task: usize, argument: Option<u8>) -> Vec<u8> {
    let third = task == 3;
    if job == Job::Die as u8 && third {
        eprintln!("something terrible");
        std::process::exit(7);
    }
    if job == Job::Hang as u8 && third {
        std::thread::sleep(Duration::from_secs(60));
    }
    if job == Job::Print as u8 {
        for _ in 0..20_000 {
            println!("a line that nobody reads");
        }
    }
    if job == Job::Slow as u8 {
        std::thread::sleep(Duration::from_millis(50));
    }
    if job == Job::Large as u8 {
        return vec![task as u8; 30_000_000];
    }
    let square = (argument.map_or(task as u64, u64::from)).pow(2);
    square.to_le_bytes().to_vec()
}

/// Collects all that happens.
#[derive(Default)]
struct Collected {
    answers: Vec<(usize, Vec<u8>)>,
    failures: Vec<(usize, Failure)>,
    printed: usize,
    chunks: usize,
    /// How often results came.
    frames: usize,
    stop_at_first: bool,
}

impl Client for Collected {
    fn arguments(&mut self, from: usize, to: usize) -> rx_data::Result<Vec<u8>> {
        self.chunks += 1;
        Ok((from..to).map(|task| task as u8 + 1).collect())
    }

    fn results(&mut self, from: usize, to: usize, bytes: Vec<u8>) -> rx_data::Result<()> {
        self.frames += 1;
        let each = bytes.len() / (to - from);
        self.answers.extend((from..to).zip(bytes.chunks_exact(each)).map(|(task, bytes)| (task, bytes.to_vec())));
        Ok(())
    }

    fn failed(&mut self, task: usize, failure: Failure) -> rx_data::Result<()> {
        self.failures.push((task, failure));
        Ok(())
    }

    fn printed(&mut self, bytes: &[u8]) {
        self.printed += bytes.len();
    }

    fn goes_on(&mut self) -> bool {
        !self.stop_at_first || self.answers.is_empty()
    }
}

impl Collected {
    /// The squares, checked to be one a task, in order of tasks.
    fn squares(&self) -> Vec<u64> {
        let mut answers = self.answers.clone();
        answers.sort();
        assert!(answers.windows(2).all(|w| w[0].0 < w[1].0));
        answers.into_iter().map(|(_, bytes)| u64::from_le_bytes(bytes.try_into().unwrap())).collect()
    }
}

fn plan(job: Job, tasks: usize) -> Plan {
    Plan {
        command: Command {
            program: std::env::current_exe().unwrap(),
            args: ["--exact", "procs::tests::a_worker", "--nocapture"].map(Into::into).into(),
            env: Vec::new(),
        },
        workers: 2,
        keep: 2,
        tasks,
        common: Arc::new(vec![job as u8]),
        arguments: false,
        chunk: None,
        timeout: None,
        head_start: false,
        retries: 1,
    }
}

fn done(plan: &Plan) -> Collected {
    let mut client = Collected::default();
    run(plan, &Control::new(), &mut client).unwrap();
    client
}

#[test]
fn few_tasks_stay_with_one_worker_only_if_they_are_short() {
    let few = |job| Plan { head_start: true, ..plan(job, 4) };
    assert_eq!(done(&few(Job::Square)).squares(), done(&plan(Job::Square, 4)).squares());
    // Both workers have sent results.
    let client = done(&few(Job::Slow));
    assert!(client.answers.len() == 4 && client.frames > 1, "{} frames", client.frames);
}

#[test]
fn every_task_is_answered_once() {
    for tasks in [0, 1, 2, 7, 10_000] {
        let squares = done(&plan(Job::Square, tasks)).squares();
        assert_eq!(squares, (0..tasks as u64).map(|x| x * x).collect::<Vec<_>>());
    }
    for chunk in [None, Some(1), Some(30), Some(1000)] {
        let with_arguments = done(&Plan { arguments: true, chunk, ..plan(Job::Square, 200) });
        assert_eq!(with_arguments.squares(), (1..=200).map(|x| x * x).collect::<Vec<u64>>());
        assert!(chunk.is_none_or(|chunk| with_arguments.chunks == 200_usize.div_ceil(chunk)));
    }
}

#[test]
fn a_task_that_kills_its_worker_fails_and_no_other_does() {
    let client = done(&plan(Job::Die, 8));
    assert_eq!(client.squares(), [0, 1, 4, 16, 25, 36, 49]);
    let [(3, Failure::Died { how, times: 2, stderr })] = &client.failures[..] else { panic!("{:?}", client.failures) };
    assert_eq!(how, "ended with exit status 7");
    assert!(stderr.contains("something terrible"), "{stderr}");
}

#[test]
fn a_task_that_takes_too_long_is_stopped() {
    let timeout = Duration::from_millis(300);
    let client = done(&Plan { timeout: Some(timeout), ..plan(Job::Hang, 8) });
    assert_eq!(client.squares().len(), 7);
    assert_eq!(client.failures, [(3, Failure::TimedOut(timeout))]);
}

#[test]
fn what_tasks_print_is_not_a_result() {
    let client = done(&plan(Job::Print, 4));
    assert_eq!(client.squares(), [0, 1, 4, 9]);
    assert!(client.printed >= 4 * 20_000 * 25);
}

#[test]
fn large_results_pass() {
    let client = done(&plan(Job::Large, 3));
    assert_eq!(client.answers.len(), 3);
    assert!(client.answers.iter().all(|(task, bytes)| bytes.len() == 30_000_000 && bytes[12_345] == *task as u8));
}

#[test]
fn tasks_are_taken_away_from_the_busy() {
    // One worker would take 4 s; chunks alone would leave it with a quarter of the tasks at least.
    let plan = Plan { workers: 4, keep: 4, ..plan(Job::Slow, 80) };
    assert_eq!(done(&plan).squares().len(), 80);
}

#[test]
fn a_call_can_be_stopped_and_workers_serve_the_next_one() {
    let control = Arc::new(Control::new());
    let other = control.clone();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        other.cancel();
        Instant::now()
    });
    let mut client = Collected::default();
    let error = run(&plan(Job::Hang, 5), &control, &mut client).unwrap_err();
    assert_eq!(error.kind, rx_data::ErrorKind::Interrupted);
    assert!(stopper.join().unwrap().elapsed() < Duration::from_millis(400));

    let mut client = Collected { stop_at_first: true, ..Collected::default() };
    run(&Plan { chunk: Some(1), ..plan(Job::Slow, 50) }, &Control::new(), &mut client).unwrap();
    assert!(client.answers.len() < 10);
    assert_eq!(done(&plan(Job::Square, 4)).squares(), [0, 1, 4, 9]);
}

#[test]
fn a_program_that_is_no_worker_is_an_error() {
    let command = |program: &str, args: &[&str]| Command {
        program: program.into(),
        args: args.iter().map(Into::into).collect(),
        env: Vec::new(),
    };
    let fails = |command| run(&Plan { command, ..plan(Job::Square, 3) }, &Control::new(), &mut Collected::default());
    let missing = fails(command("/no/such/program", &[])).unwrap_err();
    assert_eq!(missing.kind, rx_data::ErrorKind::Worker);
    let ends = fails(command("/bin/sh", &["-c", "echo no library >&2; exit 4"])).unwrap_err();
    assert!(ends.message.contains("exit status 4"), "{}", ends.message);
    assert!(ends.hint.unwrap().contains("no library"));
}
