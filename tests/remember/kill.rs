//! What a sudden end leaves.

use std::net::UdpSocket;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::process::Signal;

use crate::netns::{lab, wait_until};
use crate::program::Program;
use crate::scene::{Folder, cable, captured, check_sums, log, names, snapshot};
use crate::wire::socket;

const ROUNDS: u64 = 16;

/// xorshift64*: small, seeded, the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % end
    }
}

/// What the client has sent so far. Whoever holds it holds the traffic up.
type Sent = Mutex<u64>;

/// Sends datagrams to some thousand hosts behind the router, which has no way to them.
fn talk(client: &UdpSocket, sent: &Sent, over: &AtomicBool) {
    let mut random = Random(1);
    while !over.load(Ordering::Relaxed) {
        {
            let mut sent = sent.lock().expect("nobody panics with it");
            for _ in 0..20 {
                let host = [10, 0, random.below(10) as u8, random.below(256) as u8];
                let port = 1 + random.below(500) as u16;
                client.send_to(&[0; 40], (std::net::Ipv4Addr::from(host), port)).expect("it goes out");
                *sent += 1;
            }
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Counts that a snapshot must have, because it was made after they were seen.
#[derive(Default)]
struct Floor {
    seen: (f64, u64),
    saved: u64,
}

impl Floor {
    /// Looks at the counts and at the time of the latest snapshot.
    fn look(&mut self, program: &Program) {
        let about = program.json("/api/v1/about");
        if about["store"]["saved"].as_f64().is_some_and(|saved| saved > self.seen.0) {
            self.saved = self.seen.1;
            let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later");
            self.seen = (now.as_secs_f64(), captured(program));
        }
    }
}

#[test]
fn a_kill_at_any_moment_leaves_whole_books() {
    let Some(lab) = lab("a_kill_at_any_moment_leaves_whole_books", cable) else { return };
    let seed = match std::env::var("DUSKWATCH_SEED") {
        Ok(seed) => seed.parse().expect("DUSKWATCH_SEED takes a number"),
        Err(_) => SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later").as_micros() as u64 | 1,
    };
    println!("DUSKWATCH_SEED={seed} makes the same kills");
    let mut random = Random(seed);
    let folder = Folder::new("kill");
    let directory = folder.path("books");
    // Fewer hosts fit than there are: some have to make room.
    let options = ["-i", "lan0", "--dir", &directory, "--snapshot-interval", "1s", "--hosts-max", "1000"];
    let client = socket(&lab, "one", "0.0.0.0:5000");
    let (sent, over) = (Sent::new(0), AtomicBool::new(false));
    let unfinished = Path::new(&directory).join("duskwatch.snapshot.new");
    let (mut saves, mut cut_off, mut counted) = (0, 0, 0);
    thread::scope(|scope| {
        let _end = End(&over);
        scope.spawn(|| talk(&client, &sent, &over));
        let mut floor = Floor::default();
        for round in 0..ROUNDS {
            let context = format!("seed {seed}, round {round}");
            let had_one = snapshot(&directory).exists();
            let (mut program, before) = {
                let held_up = sent.lock().expect("nobody panics with it");
                let program = Program::start(&lab, "router", &options);
                let before = check_sums(&program, &context);
                assert!(before >= floor.saved, "{context}: {before} of {}", floor.saved);
                assert!(before <= *held_up, "{context}: {before} of {}", *held_up);
                (program, before)
            };
            let log = log(&program);
            // Where there was none yet, the first may have been complete but for its name.
            let restored = log.iter().any(|line| line.contains("are restored"));
            assert!(restored || !had_one, "{context}: {log:?}");
            assert!(!log.iter().any(|line| line.contains("snapshot is not")), "{context}: {log:?}");
            let files = names(Path::new(&directory));
            let known = ["duskwatch.snapshot", "duskwatch.snapshot.1", "duskwatch.snapshot.new"];
            assert!(files.iter().all(|name| known.contains(&name.as_str())), "{context}: {files:?}");
            saves += u32::from(before > counted);
            counted = before;

            floor.seen = (0.0, before);
            floor.saved = before;
            if round == 0 {
                wait_until("there is something to come back to", || snapshot(&directory).exists());
            }
            let life = Duration::from_micros(random.below(1_600_000));
            let begin = Instant::now();
            while begin.elapsed() + Duration::from_millis(100) < life {
                floor.look(&program);
                thread::sleep(Duration::from_millis(20));
            }
            thread::sleep(life.saturating_sub(begin.elapsed()));
            if random.below(2) == 0 {
                program.signal(Signal::USR1);
                let patience = Instant::now() + Duration::from_millis(200);
                while !unfinished.exists() && Instant::now() < patience {}
                let moment = Instant::now() + Duration::from_micros(random.below(2) * random.below(500));
                while Instant::now() < moment {}
            }
            program.end(Signal::KILL);
            cut_off += u32::from(unfinished.exists());
        }
    });
    println!("{cut_off} of {ROUNDS} kills came while a snapshot was written, {saves} lost only a part");
    assert!(counted > 0, "seed {seed}: nothing ever came back");
}

/// Ends the traffic, also when the test has failed.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
