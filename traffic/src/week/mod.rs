//! Weeks in a home of thirty devices, frame by frame, as its router sees them: who sleeps, who is asked for
//! all the same, who comes and goes, and what else good devices do that looks like a scan.
//!
//! Nobody here scans. What each device does is what such devices do, by the standards and by the sources that
//! stand next to it; where there are none, the comment says that it is an estimate. Flows on the Internet are
//! cut to their first packets, which are all that a detector of scans can see of them.
//!
//! Frames come one at a time, from a queue of what is due, so that a week takes no more memory than an hour.

mod devices;
mod dhcp;
mod internet;
mod neighbors;
mod tasks;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::Ipv4Addr;

use crate::frame::Mac;
use crate::rng::Rng;
use devices::Device;
use tasks::Task;

/// Monday, 23 March 2026, 00:00 in central Europe: daylight saving begins at the end of this week.
pub const MONDAY: u64 = 1_774_220_400;

/// When daylight saving begins, in seconds since 1970.
const SUMMER: u64 = 1_774_746_000;

/// The home's network is the first 24 bits of this.
pub const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);

/// The router's link-layer address on the LAN.
pub const ROUTER_MAC: Mac = [0x94, 0x83, 0xc4, 0x10, 0x20, 0x01];

const SECOND: u64 = 1_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The router's interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interface {
    /// The home.
    Lan,
    /// The provider.
    Wan,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// A frame passes an interface.
    Frame(Interface, Vec<u8>),
    /// The router has lost its power and is up again. It knows nothing of before, its leases included, and its
    /// clock is not set yet.
    Restart,
}

/// Something that the router sees, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Microseconds since the Unix epoch, by a clock that is right.
    pub time_micros: u64,
    /// What it is.
    pub what: What,
}

/// What to make.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Equal seeds give equal frames.
    pub seed: u64,
    /// How many days, from [`MONDAY`] on.
    pub days: u64,
}

/// A week in the home, or as many days as one likes.
pub struct Week {
    home: Home,
    end: u64,
}

impl Week {
    /// The week of these options.
    pub fn new(options: &Options) -> Self {
        let mut home = Home {
            rng: Rng::new(options.seed),
            now: MONDAY * SECOND,
            queue: BinaryHeap::new(),
            number: 0,
            devices: devices::household(),
            leases: Vec::new(),
            router: neighbors::Cache::default(),
            is_up: true,
        };
        home.begin();
        Self { home, end: MONDAY * SECOND + options.days * DAY }
    }

    /// The addresses for which the router's DHCP server has a lease now.
    pub fn leases(&self) -> impl Iterator<Item = Ipv4Addr> {
        let now = self.home.now;
        self.home.leases.iter().filter(move |lease| lease.until > now).map(|lease| lease.address)
    }
}

impl Iterator for Week {
    type Item = Sighting;

    fn next(&mut self) -> Option<Sighting> {
        loop {
            let Reverse(Entry { at, due, .. }) = self.home.queue.pop()?;
            if at >= self.end {
                return None;
            }
            self.home.now = at;
            match due {
                Due::Task(task) => self.home.run(task),
                // Nobody hears a router that has no power.
                Due::Seen(What::Frame(..)) if !self.home.is_up => {}
                Due::Seen(what) => return Some(Sighting { time_micros: at, what }),
            }
        }
    }
}

/// The home, and what is due in it.
struct Home {
    rng: Rng,
    /// Microseconds since the Unix epoch.
    now: u64,
    queue: BinaryHeap<Reverse<Entry>>,
    number: u64,
    devices: Vec<Device>,
    leases: Vec<dhcp::Lease>,
    /// Whom the router knows on the LAN.
    router: neighbors::Cache,
    /// False while it has no power.
    is_up: bool,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    at: u64,
    /// What is due at the same time comes in the order in which it was planned.
    number: u64,
    due: Due,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Seen(What),
    Task(Task),
}

impl Home {
    fn plan(&mut self, at: u64, task: Task) {
        self.push(at, Due::Task(task));
    }

    /// Lets a frame pass the LAN at this time.
    fn lan(&mut self, at: u64, frame: Vec<u8>) {
        self.push(at, Due::Seen(What::Frame(Interface::Lan, crate::frame::padded(frame))));
    }

    fn push(&mut self, at: u64, due: Due) {
        self.number += 1;
        self.queue.push(Reverse(Entry { at, number: self.number, due }));
    }

    /// A time of about this much from now.
    fn after(&mut self, mean: u64) -> u64 {
        self.now + self.rng.exponential(mean as f64).max(1)
    }

    /// A time between half and one and a half of this from now.
    fn about(&mut self, period: u64) -> u64 {
        self.now + period / 2 + self.rng.next_u64() % period
    }

    /// The time of day and the day of the week on the wall, Monday being 0.
    fn wall(&self) -> (u64, u64) {
        let saving = if self.now >= SUMMER * SECOND { HOUR } else { 0 };
        let since = self.now - MONDAY * SECOND + saving;
        (since % DAY / HOUR, since / DAY % 7)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_frames_in_order() {
        let week = |seed| Week::new(&Options { seed, days: 1 });
        let mut last = 0;
        let mut frames = 0;
        for (one, two) in week(1).zip(week(1)) {
            assert!(one.time_micros >= last);
            assert_eq!(one, two);
            last = one.time_micros;
            frames += 1;
        }
        assert!(frames > 10_000, "{frames}");
        assert!(last > MONDAY * SECOND + 23 * HOUR);
        assert!(week(1).zip(week(2)).any(|(one, two)| one != two));
    }
}
