//! Ends and new starts that somebody wanted, and the files that others read.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;

use crate::netns::{lab, wait_until};
use crate::program::{Program, always};
use crate::scene::{Folder, Pair, books, cable, captured, check_sums, log, names, snapshot, version};

#[test]
fn everything_comes_back_and_counting_goes_on() {
    let Some(lab) = lab("everything_comes_back_and_counting_goes_on", cable) else { return };
    let folder = Folder::new("comes-back");
    let directory = folder.path("books");
    let options = ["-i", "lan0", "--dir", &directory];
    let pair = Pair::new(&lab);

    let mut program = Program::start(&lab, "router", &options);
    pair.send(&program, 20);
    let before = books(&program);
    let (status, _) = program.end(Signal::TERM);
    assert!(status.success(), "{status}");
    assert_eq!(names(Path::new(&directory)), ["duskwatch.snapshot"]);

    let mut program = Program::start(&lab, "router", &options);
    assert_eq!(books(&program), before);
    assert_eq!(captured(&program), 20);
    pair.send(&program, 5);
    assert_eq!(check_sums(&program, "counting goes on"), 25);
    let after = books(&program);
    assert_eq!(after[0]["books"]["first"], before[0]["books"]["first"], "when counting began");
    assert_eq!(after[2]["host"]["first_seen"], before[2]["host"]["first_seen"]);
    program.end(Signal::INT);
    assert_eq!(names(Path::new(&directory)), ["duskwatch.snapshot", "duskwatch.snapshot.1"]);
}

#[test]
fn two_programs_do_not_share_a_directory() {
    let Some(lab) = lab("two_programs_do_not_share_a_directory", cable) else { return };
    let folder = Folder::new("shared");
    let directory = folder.path("books");
    let options = ["-i", "lan0", "--dir", &directory];
    let mut first = Program::start(&lab, "router", &options);
    let mut second = lab.command("router", env!("CARGO_BIN_EXE_duskwatch"), &options);
    let output = second.args(["-p", "0"]).output().expect("the program was built before its tests");
    let message = String::from_utf8(output.stderr).expect("the program speaks UTF-8");
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(
        message.contains(&format!("--dir {directory}: another duskwatch keeps its state there")),
        "{message}"
    );
    first.end(Signal::TERM);
    Program::start(&lab, "router", &options).end(Signal::TERM);
}

#[test]
fn a_signal_saves_now_but_only_what_has_changed() {
    let Some(lab) = lab("a_signal_saves_now_but_only_what_has_changed", cable) else { return };
    let folder = Folder::new("signal");
    let (directory, export) = (folder.path("books"), folder.path("export"));
    let options = ["-i", "lan0", "--dir", &directory, "--export", &export];
    let (snapshot, export) = (snapshot(&directory), Path::new(&export));
    let pair = Pair::new(&lab);
    let mut program = Program::start(&lab, "router", &options);
    // The export is written whenever the signal comes, and after the snapshot: so it tells when it came.
    let signal = || {
        let before = version(export);
        program.signal(Signal::USR1);
        wait_until("the signal is obeyed", || version(export) != before);
    };
    signal();
    assert_eq!(version(&snapshot), None, "nothing was counted yet");
    pair.send(&program, 3);
    signal();
    let first = version(&snapshot);
    assert!(first.is_some());
    signal();
    assert_eq!(version(&snapshot), first, "nothing has changed");
    pair.send(&program, 1);
    signal();
    let second = version(&snapshot);
    assert_ne!(second, first);
    program.end(Signal::TERM);
    assert_eq!(version(&snapshot), second, "nothing has changed at the end either");
}

#[test]
fn an_export_is_json_and_comes_back_by_an_import() {
    let Some(lab) = lab("an_export_is_json_and_comes_back_by_an_import", cable) else { return };
    let folder = Folder::new("export");
    let export = folder.path("export");
    let pair = Pair::new(&lab);
    let mut program = Program::start(&lab, "router", &["-i", "lan0", "--export", &export]);
    pair.send(&program, 10);
    program.signal(Signal::USR1);
    wait_until("the signal is obeyed", || Path::new(&export).exists());
    assert!(fs::read_to_string(&export).unwrap().contains("\"10.9.9.9\""));
    pair.send(&program, 7);
    let before = books(&program);
    program.end(Signal::TERM);

    let text = fs::read_to_string(&export).unwrap();
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    let header = &lines[0]["header"];
    assert_eq!(header["format"], 2, "{header}");
    assert!(header["started"]["seconds"].as_u64() > Some(1_700_000_000), "{header}");
    assert_eq!(lines[1]["interface"]["name"], "lan0", "{}", lines[1]);
    for kind in ["protocol", "bar", "host", "port"] {
        assert!(lines.iter().any(|line| line.get(kind).is_some()), "no {kind} in {text}");
    }

    let again = folder.path("again");
    let options = ["-i", "lan0", "--import", &export, "--export", &again];
    let mut program = Program::start(&lab, "router", &options);
    assert_eq!(books(&program), before);
    program.end(Signal::TERM);
    let text = fs::read_to_string(&again).unwrap();
    let header_again: Value = serde_json::from_str(text.lines().next().expect("a line")).unwrap();
    assert_eq!(header_again["header"]["started"], header["started"], "when counting began");

    let lines: Vec<&str> = text.lines().filter(|line| !line.contains("10.9.9.9")).collect();
    fs::write(&again, lines.join("\n")).unwrap();
    let program = Program::start(&lab, "router", &["-i", "lan0", "--import", &again]);
    assert_eq!(captured(&program), 0);
    let log = log(&program);
    assert_eq!(log.iter().filter(|line| line.contains("--import")).count(), 1, "{log:?}");
}

#[test]
fn the_day_gets_its_line() {
    let Some(lab) = lab("the_day_gets_its_line", cable) else { return };
    let folder = Folder::new("daylog");
    let daylog = folder.path("day.log");
    let pair = Pair::new(&lab);
    let mut program = Program::start(&lab, "router", &["-i", "lan0", "--daylog", &daylog]);
    pair.send(&program, 4);
    program.end(Signal::TERM);
    let text = fs::read_to_string(&daylog).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("# logging started at "), "{text}");
    assert!(lines[lines.len() - 1].starts_with("# logging stopped at "), "{text}");
    // Two lines if midnight came in between.
    let sum = |column: usize| -> u64 {
        let days = lines[1..lines.len() - 1].iter();
        days.map(|line| line.split('|').nth(column).expect("a column").parse::<u64>().unwrap()).sum()
    };
    assert_eq!([sum(2), sum(3), sum(4), sum(5)], [4 * 128, 0, 4, 0], "{text}");
    assert!(lines[1].ends_with("|lan0"), "{text}");

    // The books are kept: the day is not over, and its line will come when it is.
    let directory = folder.path("books");
    let daylog = folder.path("kept.log");
    let options = ["-i", "lan0", "--daylog", &daylog, "--dir", &directory];
    let mut program = Program::start(&lab, "router", &options);
    pair.send(&program, 4);
    let days = |program: &Program| {
        program.json("/api/v1/summary")["history"]["days"].as_array().expect("bars").len()
    };
    let midnight_came = days(&program) > 1;
    program.end(Signal::TERM);
    let text = fs::read_to_string(&daylog).unwrap();
    assert!(midnight_came || text.lines().all(|line| line.starts_with("# logging ")), "{text}");
    assert_eq!(text.lines().next(), text.lines().find(|line| line.contains("started")));
}

#[test]
fn a_missing_directory_is_made_for_the_user() {
    let Some(lab) = lab("a_missing_directory_is_made_for_the_user", cable) else { return };
    let folder = Folder::new("missing");
    let directory = folder.path("books");
    let program = Program::start(&lab, "router", &["-i", "lan0", "--dir", &directory]);
    let metadata = fs::metadata(&directory).unwrap();
    let status = fs::read_to_string(format!("/proc/{}/status", program.pid())).unwrap();
    let uid = status.lines().find_map(|line| line.strip_prefix("Uid:")).expect("a user");
    assert_eq!(uid.split_whitespace().next(), Some(metadata.uid().to_string().as_str()));
    assert_eq!(metadata.permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_place_that_cannot_be_written_to_is_one_line() {
    let Some(lab) = lab("a_place_that_cannot_be_written_to_is_one_line", cable) else { return };
    let folder = Folder::new("forbidden");
    let forbidden = folder.path("forbidden");
    fs::create_dir(&forbidden).unwrap();
    fs::set_permissions(&forbidden, fs::Permissions::from_mode(0o555)).unwrap();
    let file = folder.path("file");
    fs::write(&file, "").unwrap();
    let (nowhere, export) = (format!("{file}/books"), format!("{forbidden}/export"));
    for [option, place] in
        [["--dir", &forbidden], ["--dir", &file], ["--dir", &nowhere], ["--export", &export]]
    {
        let mut command =
            lab.command("router", env!("CARGO_BIN_EXE_duskwatch"), &["-i", "lan0", option, place]);
        let output = command.args(always()).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{error}");
        let about: Vec<_> = error.lines().filter(|line| line.contains(option)).collect();
        assert_eq!(about.len(), 1, "{error}");
        assert_eq!(error.lines().last(), Some(about[0]), "{error}");
        assert!(about[0].starts_with("error: ") && about[0].contains("forbidden"), "{error}");
    }
}

/// The table of vendors can be read by root alone, which the program is no longer when it looks something up.
#[test]
fn a_device_keeps_its_name_without_its_lease_and_over_a_restart() {
    let Some(lab) = lab("a_device_keeps_its_name_without_its_lease_and_over_a_restart", cable) else {
        return;
    };
    let mac = "00:01:42:00:00:11";
    lab.ip("one", &format!("link set eth0 address {mac}"));
    // A new address of its own makes a device forget its neighbours, and the answer would be counted.
    lab.ip("one", "neigh replace 192.168.77.1 lladdr 02:00:00:00:00:01 dev eth0 nud permanent");
    lab.ip("router", &format!("neigh replace 192.168.77.11 lladdr {mac} dev lan0 nud permanent"));
    let folder = Folder::new("device-names");
    let [directory, leases, table] = ["books", "leases", "vendors"].map(|name| folder.path(name));
    fs::write(&leases, format!("0 {mac} 192.168.77.11 telephone *\n")).unwrap();
    let list = "Registry,Assignment,Organization Name,Organization Address\nMA-L,000142,Maker Inc.,\n";
    fs::write(&table, vendors::build(&[list]).unwrap()).unwrap();
    fs::set_permissions(&table, fs::Permissions::from_mode(0o600)).unwrap();
    let options = ["-i", "lan0", "--dir", &directory, "--leases", &leases, "--vendors", &table];
    let host = |program: &Program| program.json("/api/v1/hosts/192.168.77.11")["host"].clone();

    let pair = Pair::from(&lab, "192.168.77.11:5000");
    let mut program = Program::start(&lab, "router", &options);
    pair.send(&program, 20);
    assert_eq!((&host(&program)["name"], &host(&program)["vendor"]), (&"telephone".into(), &"Maker".into()));
    let page = program.get("/hosts/").body;
    assert!(page.contains(&format!("<code>{mac}</code> <small><bdi>Maker</bdi></small>")), "{page}");
    program.end(Signal::TERM);
    assert_eq!(names(Path::new(&directory)), ["duskwatch.names", "duskwatch.snapshot"]);
    let kept = fs::read_to_string(Path::new(&directory).join("duskwatch.names")).unwrap();
    assert_eq!(kept, format!("last {mac} telephone\n"));

    fs::remove_file(&leases).unwrap();
    fs::write(&table, "DUSKVND1 and then something else").unwrap();
    let mut program = Program::start(&lab, "router", &options);
    assert_eq!(host(&program)["name"], "telephone", "the last one");
    assert_eq!(host(&program).get("vendor"), None);
    let remark = format!("{table}: no vendors are shown: it is cut off, or longer than it says");
    wait_until("it says why", || program.log().iter().any(|line| line.contains(&remark)));
    program.end(Signal::TERM);

    let name = format!("{mac}=<img src=x onerror=alert(1)>");
    let named: Vec<&str> = options.into_iter().chain(["--name", &name]).collect();
    let program = Program::start(&lab, "router", &named);
    assert_eq!(host(&program)["name"], "<img src=x onerror=alert(1)>");
    let page = program.get("/hosts/").body;
    assert!(
        page.contains("<bdi>&lt;img src=x onerror=alert(1)&gt;</bdi>") && !page.contains("<img src=x"),
        "{page}"
    );
}
