//! The command line of the traffic generator.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use lexopt::prelude::*;
use traffic::cases;
use traffic::scenarios::{Options, Scenario};
use traffic::send::{self, FrameSize};

const HELP: &str = "\
Seeded network traffic whose truth is known.

    traffic SCENARIO -o FILE.pcap [--packets N] [--seed S] [--snaplen L] [--size B] [--end UNIXTIME]
                                  [--truth FILE]
        Write a scenario as a capture file of Ethernet frames.
    traffic cases -o DIRECTORY
        Write every decode case as a capture file of its own.
    traffic send SCENARIO --interface IF --rate PPS --seconds S [--size 60..1514|imix] [--seed S]
        Transmit a scenario on an interface. This needs CAP_NET_RAW: use it in network namespaces.
    traffic list
        List the scenarios and the cases.

    -o, --output PATH   the file or directory to write
    --packets N         how many packets (1,000,000; home 300,000, which it approaches)
    --seed S            equal seeds give equal bytes (1)
    --snaplen L         captured bytes of a frame at most (96)
    --size B            IP bytes of a flood's packets, 40 to 1500 (40); for send, the frames' size
    --end UNIXTIME      about when the trace ends (1700000000; home: now)
    --truth FILE        also write what is in it, one line for each address: address, packets and bytes
                        sent, packets and bytes received
    --interface IF      where to send
    --rate PPS          packets per second on average
    --seconds S         for how long
";

/// The packets of a home that is not told how many.
const HOME_PACKETS: u64 = 300_000;

#[derive(Default)]
struct Arguments {
    words: Vec<String>,
    output: Option<PathBuf>,
    packets: Option<u64>,
    seed: Option<u64>,
    snaplen: Option<u32>,
    size: Option<String>,
    end: Option<u64>,
    truth: Option<PathBuf>,
    interface: Option<String>,
    rate: Option<u32>,
    seconds: Option<f64>,
}

fn main() -> ExitCode {
    match parse().and_then(|arguments| run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("traffic: {message}");
            ExitCode::FAILURE
        }
    }
}

fn parse() -> Result<Arguments, String> {
    let mut arguments = Arguments::default();
    let mut parser = lexopt::Parser::from_env();
    let mut parse = || -> Result<(), lexopt::Error> {
        while let Some(argument) = parser.next()? {
            match argument {
                Short('h') | Long("help") => arguments.words = vec!["help".to_owned()],
                Short('o') | Long("output") => arguments.output = Some(parser.value()?.into()),
                Long("packets") => arguments.packets = Some(parser.value()?.parse()?),
                Long("seed") => arguments.seed = Some(parser.value()?.parse()?),
                Long("snaplen") => arguments.snaplen = Some(parser.value()?.parse()?),
                Long("size") => arguments.size = Some(parser.value()?.string()?),
                Long("end") => arguments.end = Some(parser.value()?.parse()?),
                Long("truth") => arguments.truth = Some(parser.value()?.into()),
                Long("interface") => arguments.interface = Some(parser.value()?.string()?),
                Long("rate") => arguments.rate = Some(parser.value()?.parse()?),
                Long("seconds") => arguments.seconds = Some(parser.value()?.parse()?),
                Value(word) => arguments.words.push(word.string()?),
                _ => return Err(argument.unexpected()),
            }
        }
        Ok(())
    };
    parse().map_err(|error| error.to_string())?;
    Ok(arguments)
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let words: Vec<&str> = arguments.words.iter().map(String::as_str).collect();
    match words[..] {
        ["help"] => {
            print!("{HELP}");
            Ok(())
        }
        ["list"] => {
            list();
            Ok(())
        }
        ["cases"] => write_cases(output(arguments)?),
        ["send", scenario] => transmit(find(scenario)?, arguments),
        [scenario] => write_scenario(find(scenario)?, arguments),
        _ => Err("one of SCENARIO, cases, send SCENARIO or list; --help explains".to_owned()),
    }
}

fn list() {
    println!("scenarios:");
    for scenario in Scenario::ALL {
        println!("  {:<44} {}", scenario.name(), scenario.about());
    }
    println!("cases:");
    for case in cases::all() {
        println!("  {:<44} {}", case.name, case.about);
    }
}

fn find(name: &str) -> Result<Scenario, String> {
    Scenario::from_name(name).ok_or_else(|| format!("no scenario is named {name}; see traffic list"))
}

fn output(arguments: &Arguments) -> Result<&Path, String> {
    arguments.output.as_deref().ok_or_else(|| "-o PATH is missing".to_owned())
}

fn write_cases(directory: &Path) -> Result<(), String> {
    let failed = |error| format!("cannot write to {}: {error}", directory.display());
    fs::create_dir_all(directory).map_err(failed)?;
    for case in cases::all() {
        let file = File::create(directory.join(format!("{}.pcap", case.name))).map_err(failed)?;
        case.write(BufWriter::new(file)).map_err(failed)?;
    }
    Ok(())
}

fn write_scenario(scenario: Scenario, arguments: &Arguments) -> Result<(), String> {
    let options = options(scenario, arguments)?;
    let path = output(arguments)?;
    let failed = |path: &Path, error| format!("cannot write {}: {error}", path.display());
    let file = File::create(path).map_err(|error| failed(path, error))?;
    let file = BufWriter::with_capacity(1 << 18, file);
    let snaplen = arguments.snaplen.unwrap_or(96);
    let Some(truth_path) = &arguments.truth else {
        return traffic::write_packets(scenario.packets(&options), snaplen, file)
            .map_err(|error| failed(path, error));
    };
    let truth =
        traffic::write_capture(scenario, &options, snaplen, file).map_err(|error| failed(path, error))?;
    File::create(truth_path)
        .and_then(|file| truth.write(BufWriter::new(file)))
        .map_err(|error| failed(truth_path, error))
}

fn options(scenario: Scenario, arguments: &Arguments) -> Result<Options, String> {
    let mut options = Options::default();
    if scenario == Scenario::Home {
        options.packets = HOME_PACKETS;
        options.end = SystemTime::now().duration_since(UNIX_EPOCH).map_or(options.end, |now| now.as_secs());
    }
    options.packets = arguments.packets.unwrap_or(options.packets);
    options.seed = arguments.seed.unwrap_or(options.seed);
    options.end = arguments.end.unwrap_or(options.end);
    if options.end > u64::from(u32::MAX) {
        return Err("--end takes seconds since 1970, at most 4294967295".to_owned());
    }
    if let Some(size) = &arguments.size {
        options.flood_size = match size.parse() {
            Ok(size @ 40..=1500) => size,
            _ => return Err("--size takes a number from 40 to 1500".to_owned()),
        };
    }
    Ok(options)
}

fn transmit(scenario: Scenario, arguments: &Arguments) -> Result<(), String> {
    let interface = arguments.interface.as_deref().ok_or("--interface IF is missing")?;
    let rate = arguments.rate.filter(|rate| *rate > 0).ok_or("--rate PPS is missing or 0")?;
    let seconds = arguments.seconds.unwrap_or(0.0);
    if !(seconds > 0.0 && seconds <= 86_400.0) {
        return Err("--seconds takes a number above 0 and up to 86400".to_owned());
    }
    let size = match &arguments.size {
        Some(text) => text.parse::<FrameSize>().map_err(|message| format!("--size {message}"))?,
        None => FrameSize::Scenario,
    };
    // A home stays below the number that it is asked for.
    let margin = if scenario == Scenario::Home { 1.25 } else { 1.0 };
    let options = Options {
        packets: (f64::from(rate) * seconds * margin).ceil() as u64,
        seed: arguments.seed.unwrap_or(1),
        ..Options::default()
    };
    let report = send::send(scenario.packets(&options), interface, size, rate, seconds)
        .map_err(|error| format!("cannot send on {interface}: {error}"))?;
    println!("{report}");
    Ok(())
}
