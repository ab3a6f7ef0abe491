//! The measuring tools: callgrind, perf, the shell's `time`, and the median.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::thread;

use crate::traces;

/// A command line: a program and its arguments.
pub type Line = Vec<String>;

/// How many pairs of runs a ratio of times is taken from.
pub const PAIRS: usize = 7;

/// The machine that the numbers are from.
pub fn machine() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split(": ").nth(1)).unwrap_or("unknown").to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let counters =
        if has_cycles() { "hardware counters" } else { "no hardware counters: user time stands for cycles" };
    format!("{}, {} MHz, {cores} processors; {counters}", field("model name"), field("cpu MHz"))
}

/// Instructions that commands take in user space. They are counted at the same time, which makes no
/// difference to them.
pub fn instructions<const N: usize>(lines: [&[String]; N]) -> Result<[u64; N], String> {
    let counts = thread::scope(|scope| {
        let threads = lines.map(|line| scope.spawn(|| callgrind(line)));
        threads.map(|thread| thread.join().unwrap_or(Err("callgrind's thread failed".to_owned())))
    });
    let mut instructions = [0; N];
    for (slot, count) in instructions.iter_mut().zip(counts) {
        *slot = count?;
    }
    Ok(instructions)
}

fn callgrind(line: &[String]) -> Result<u64, String> {
    let mut all = vec!["valgrind".into(), "--tool=callgrind".into(), "--callgrind-out-file=/dev/null".into()];
    all.extend_from_slice(line);
    let output = run(&all)?;
    let text = String::from_utf8_lossy(&output.stderr);
    let counted = text.lines().find_map(|line| line.split("Collected : ").nth(1)?.trim().parse().ok());
    counted.ok_or_else(|| format!("callgrind gave no count for {}", line.join(" ")))
}

/// User and system time of a command in seconds, to the millisecond.
pub fn cpu_time(line: &[String]) -> Result<(f64, f64), String> {
    let script = "TIMEFORMAT='%3U %3S'; { time \"$@\" >/dev/null 2>&1; } 2>&1";
    let mut all: Line = vec!["bash".into(), "-c".into(), script.into(), "time".into()];
    all.extend_from_slice(line);
    let output = run(&all)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let times: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match times[..] {
        [user, system] => Ok((user, system)),
        _ => Err(format!("no time for {}: {text}", line.join(" "))),
    }
}

/// True if perf can count cycles here.
pub fn has_cycles() -> bool {
    static KNOWN: OnceLock<bool> = OnceLock::new();
    *KNOWN.get_or_init(|| counted_cycles(&["true".to_owned()]).is_some())
}

/// Cycles in user space, where the machine has hardware counters.
pub fn cycles(line: &[String]) -> Option<u64> {
    if has_cycles() { counted_cycles(line) } else { None }
}

fn counted_cycles(line: &[String]) -> Option<u64> {
    let mut all: Line = ["perf", "stat", "-x,", "-e", "cycles:u", "--"].map(String::from).to_vec();
    all.extend_from_slice(line);
    let output = run(&all).ok()?;
    let text = String::from_utf8_lossy(&output.stderr);
    text.lines().find(|line| line.contains("cycles"))?.split(',').next()?.parse().ok()
}

/// What a pair of commands cost, ours and the other's, measured in turns.
pub struct Pair {
    /// The medians: cycles where they can be counted, otherwise seconds of user time.
    pub ours: f64,
    /// The other's.
    pub other: f64,
    /// The median of the pairs' ratios, the other's to ours.
    pub ratio: f64,
}

/// Runs two commands in turns.
pub fn pair(ours: &[String], other: &[String]) -> Result<Pair, String> {
    let cost = |line: &[String]| match cycles(line) {
        Some(cycles) => Ok(cycles as f64),
        None => cpu_time(line).map(|(user, _)| user),
    };
    let mut costs = Vec::new();
    for _ in 0..PAIRS {
        costs.push((cost(ours)?, cost(other)?));
    }
    Ok(Pair {
        ours: median(costs.iter().map(|cost| cost.0)),
        other: median(costs.iter().map(|cost| cost.1)),
        ratio: median(costs.iter().map(|cost| cost.1 / cost.0)),
    })
}

/// The middle of some numbers.
pub fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

/// This program again, to do one thing.
pub fn again(words: &[&str]) -> Line {
    let program = std::env::current_exe().expect("this program's path");
    let mut line = vec![program.display().to_string()];
    line.extend(words.iter().map(|&word| word.to_owned()));
    line
}

/// The words of a command line.
pub fn line(words: &[&str], file: &Path) -> Line {
    let mut line: Line = words.iter().map(|&word| word.to_owned()).collect();
    line.push(file.display().to_string());
    line
}

fn run(line: &[String]) -> Result<Output, String> {
    let [program, arguments @ ..] = line else { return Err("an empty command".to_owned()) };
    let mut command = Command::new(program);
    // darkstat exports into the directory that it was started in, which is not to be the repository.
    command.args(arguments).current_dir(traces::directory()).stdin(Stdio::null());
    let output = command.output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    Err(format!("{} failed: {}", line.join(" "), String::from_utf8_lossy(&output.stderr)))
}
