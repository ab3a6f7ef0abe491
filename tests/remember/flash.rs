//! What the flash has to bear.

use std::fs;

use rustix::process::Signal;

use crate::netns::{lab, wait_until};
use crate::program::Program;
use crate::scene::{Folder, Pair, cable, check_sums, log, snapshot};

#[test]
fn the_flash_budget_lengthens_the_interval_and_holds() {
    let Some(lab) = lab("the_flash_budget_lengthens_the_interval_and_holds", cable) else { return };
    let folder = Folder::new("budget");
    let pair = Pair::new(&lab);
    let size = {
        let directory = folder.path("sample");
        let mut program = Program::start(&lab, "router", &["-i", "lan0", "--dir", &directory]);
        pair.send(&program, 100);
        program.end(Signal::TERM);
        fs::metadata(snapshot(&directory)).unwrap().len()
    };

    let directory = folder.path("books");
    // The bars of more seconds make a snapshot larger, so this is for about four.
    let budget = 5 * size;
    let limit = budget.to_string();
    let options = ["-i", "lan0", "--dir", &directory, "--snapshot-interval", "1s", "--flash-budget", &limit];
    let number = |program: &Program, field: &str| {
        let about = program.json("/api/v1/about");
        about["store"][field].as_u64().unwrap_or_else(|| panic!("no {field} in {about}"))
    };
    let mut sent = 0;
    for run in 0..2 {
        let mut program = Program::start(&lab, "router", &options);
        assert_eq!(number(&program, "budget"), budget);
        if run == 0 {
            assert_eq!(number(&program, "interval"), 1);
        }
        // A signal each time: people may ask as often as they like.
        for _ in 0..6 {
            pair.send(&program, 10);
            sent += 10;
            program.signal(Signal::USR1);
            let written = number(&program, "written_today");
            assert!(written <= budget, "{written} of {budget} in run {run}");
        }
        wait_until("the interval grows", || number(&program, "interval") > 86_400 / 6);
        wait_until("what is left out is counted", || number(&program, "refused") > 0);
        wait_until("something was written", || number(&program, "written_today") >= size);
        program.end(Signal::TERM);
    }
    let program = Program::start(&lab, "router", &options);
    let written = number(&program, "written_today");
    assert!((size..=budget).contains(&written), "{written} of {budget}");
    let restored = check_sums(&program, "after the last run");
    assert!(restored > 0 && restored <= sent, "{restored} of {sent}");
    let told = log(&program).iter().filter(|line| line.contains("--flash-budget")).count();
    assert!(told <= 1, "{:?}", program.log());
}

#[test]
fn a_flood_of_signals_is_no_flood_of_writes() {
    let Some(lab) = lab("a_flood_of_signals_is_no_flood_of_writes", cable) else { return };
    let folder = Folder::new("flood");
    let directory = folder.path("books");
    let mut program = Program::start(&lab, "router", &["-i", "lan0", "--dir", &directory]);
    let pair = Pair::new(&lab);
    let begin = std::time::Instant::now();
    for _ in 0..5 {
        pair.send(&program, 1);
        for _ in 0..1_000 {
            program.signal(Signal::USR1);
        }
    }
    let about = program.json("/api/v1/about");
    let written = about["store"]["written_today"].as_u64().expect("a number");
    let snapshots = 1 + begin.elapsed().as_secs();
    let mut size = 0;
    // While one generation takes the place of another, there is none for a moment.
    wait_until("there is a snapshot", || {
        fs::metadata(snapshot(&directory)).map(|metadata| size = metadata.len()).is_ok()
    });
    // One more for those that were smaller.
    assert!(written <= (snapshots + 1) * size, "{written} bytes in {snapshots} s, {size} each");
    let (status, _) = program.end(Signal::TERM);
    assert!(status.success(), "{status}");
}
