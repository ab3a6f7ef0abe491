//! Speed and memory, side by side with darkstat, measured with public tools: `make bench`, or one part
//! alone with `make bench PART=core`.
//!
//! Instructions are callgrind's and repeat to a fraction of a percent. Cycles are perf's, on machines
//! that have the counters; elsewhere user time stands in for them, measured in pairs that take turns,
//! and their median is printed. Every number comes from this run. Where it says "missed", it is.

mod accuracy;
#[path = "../../tests/weeks/chance.rs"]
mod chance;
mod core;
mod darknet;
mod darkstat;
#[path = "../../tests/weeks/home.rs"]
mod home;
mod live;
mod memory;
#[path = "../../tests/support/netns.rs"]
mod netns;
mod page;
mod process;
mod read;
mod router;
#[path = "../../tests/support/skip.rs"]
mod skip;
mod table;
mod tools;
mod traces;
mod web;

/// The program that is measured.
const DUSKWATCH: &str = env!("CARGO_BIN_EXE_duskwatch");

type Part = fn() -> Result<(), String>;

const PARTS: [(&str, Part); 7] = [
    ("core", core::measure),
    ("read", read::measure),
    ("live", live::measure),
    ("memory", memory::measure),
    ("accuracy", accuracy::measure),
    ("page", page::measure),
    ("darknet", darknet::measure),
];

fn main() {
    // `cargo bench` adds --bench.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["work", "core", mode, trace] => core::work(mode, trace),
        ["work", "page", language, times] => page::work(language, times),
        _ => run(&words),
    }
}

fn run(wanted: &[&str]) {
    if let Some(unknown) = wanted.iter().find(|name| PARTS.iter().all(|(part, _)| part != *name)) {
        eprintln!("no part is named {unknown}; there are {}", PARTS.map(|(name, _)| name).join(", "));
        std::process::exit(2);
    }
    println!("{}", tools::machine());
    for (name, measure) in PARTS {
        if (wanted.is_empty() || wanted.contains(&name))
            && let Err(reason) = measure()
        {
            println!("  not measured: {reason}");
        }
    }
}
