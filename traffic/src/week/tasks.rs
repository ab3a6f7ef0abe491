//! What is due when, and what it makes due.

use std::net::{Ipv4Addr, SocketAddr};

use super::devices::{
    AUTOMATION, Device, Kind, LINUX, MACHINE, NAS, PHONES, PRINTERS, SCREENS, SHARER, TABLET, THINGS,
    WINDOWS, WORK,
};
use super::internet::Probe;
use super::neighbors::temporary;
use super::{DAY, HOUR, Home, MINUTE, ROUTER, SECOND, What};
use crate::frame::{BROADCAST, arp_request, ethernet, ethertype, ip, protocol, udp};

/// Something that a device or the router does, and mostly does again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// A device comes or goes.
    Arrive(usize),
    Leave(usize),
    Renew(usize),
    /// New temporary addresses, and a new link-layer address for who wants one every day.
    Change(usize),
    /// A flow to the Internet.
    Surf(usize),
    Answer {
        service: Ipv4Addr,
        source: SocketAddr,
        probe: Probe,
    },
    Send {
        device: usize,
        destination: Ipv4Addr,
        probe: Probe,
    },
    /// One of the [`HABITS`].
    Habit(usize),
    /// Multicast and broadcast.
    Shout(usize),
    Share(usize),
    /// The work laptop's tunnel is down, and what it should carry goes to the router.
    Leak,
    /// Packets of a container's network that nobody translated.
    Container,
    Guest,
    Advertise,
    Noise,
    PowerCut,
    PowerBack,
}

/// Whom a habit turns to.
enum Target {
    /// A device, at the address that it has or had last.
    Device(usize),
    Fixed(Ipv4Addr),
}

use Target::{Device as Of, Fixed};

/// One device asks for others again and again, whether they are there or not.
struct Habit {
    device: usize,
    every: u64,
    probe: Probe,
    targets: &'static [Target],
}

const OLD_PRINTER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 77);
const OLD_STORAGE: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 10);

static HABITS: [Habit; 9] = [
    // Home Assistant's ping integration, by which people see who is at home.
    Habit {
        device: AUTOMATION,
        every: 30 * SECOND,
        probe: Probe::Ping,
        targets: &[Of(PHONES[0]), Of(PHONES[1]), Of(PHONES[2]), Of(PHONES[3])],
    },
    // Its integrations of printers (IPP) and televisions poll by default every minute and every ten seconds;
    // less often here, so that a week is not made of them.
    Habit {
        device: AUTOMATION,
        every: MINUTE,
        probe: Probe::Tcp(631),
        targets: &[Of(PRINTERS[0]), Of(PRINTERS[1])],
    },
    Habit {
        device: AUTOMATION,
        every: MINUTE,
        probe: Probe::Tcp(3000),
        targets: &[Of(SCREENS[0]), Of(SCREENS[1]), Of(SCREENS[2])],
    },
    // Windows asks its printers by SNMP how they are, and tries the port of one that has moved since.
    Habit {
        device: WINDOWS,
        every: 10 * MINUTE,
        probe: Probe::Udp(161),
        targets: &[Of(PRINTERS[0]), Of(PRINTERS[1])],
    },
    Habit { device: WINDOWS, every: 15 * MINUTE, probe: Probe::Tcp(9100), targets: &[Fixed(OLD_PRINTER)] },
    // A drive of a storage that is long gone, and one that is there.
    Habit {
        device: WINDOWS,
        every: 20 * MINUTE,
        probe: Probe::Tcp(445),
        targets: &[Fixed(OLD_STORAGE), Of(NAS)],
    },
    // A stale cache: the laptop wants the telephone that it shares with (KDE Connect, Syncthing).
    Habit {
        device: LINUX,
        every: 5 * MINUTE,
        probe: Probe::Tcp(22_000),
        targets: &[Of(PHONES[0]), Of(PHONES[1])],
    },
    // The storage's media server calls the players that it knows.
    Habit {
        device: NAS,
        every: 15 * MINUTE,
        probe: Probe::Tcp(8060),
        targets: &[Of(SCREENS[0]), Of(SCREENS[1]), Of(SCREENS[2]), Of(TABLET)],
    },
    Habit { device: WORK, every: HOUR, probe: Probe::Tcp(631), targets: &[Of(PRINTERS[1])] },
];

impl Home {
    pub fn begin(&mut self) {
        for device in 0..self.devices.len() {
            let soon = self.now + self.rng.next_u64() % (3 * MINUTE);
            match self.devices[device].kind {
                Kind::Thing => self.plan(soon, Task::Arrive(device)),
                Kind::Phone => {
                    self.plan(soon, Task::Arrive(device));
                    self.plan(soon + DAY / 3, Task::Change(device));
                }
                // Those that sleep at first had better not be known from a time before.
                _ => {
                    let morning = self.now + 7 * HOUR + self.rng.next_u64() % (3 * HOUR);
                    self.plan(morning, Task::Arrive(device));
                    self.plan(morning, Task::Change(device));
                }
            }
        }
        for habit in 0..HABITS.len() {
            self.plan(self.now + MINUTE, Task::Habit(habit));
        }
        for (after, task) in [
            (MINUTE, Task::Advertise),
            (2 * MINUTE, Task::Noise),
            (8 * HOUR, Task::Leak),
            (9 * HOUR, Task::Container),
            (10 * HOUR, Task::Guest),
            (11 * HOUR, Task::Share(SHARER)),
            // Wednesday night.
            (2 * DAY + 3 * HOUR, Task::PowerCut),
        ] {
            self.plan(self.now + after, task);
        }
    }

    pub fn run(&mut self, task: Task) {
        match task {
            Task::Arrive(device) => self.arrive(device),
            Task::Leave(device) => {
                self.devices[device].is_there = false;
                self.devices[device].neighbors = Default::default();
                if let Some(at) = self.comes_back(device) {
                    self.plan(at, Task::Arrive(device));
                }
            }
            Task::Renew(device) if self.devices[device].is_there => {
                self.renew(device);
                self.plan(self.now + 6 * HOUR, Task::Renew(device));
            }
            Task::Change(device) => self.change(device),
            Task::Surf(device) if self.devices[device].is_there => {
                self.surf(device);
                let at = self.next_flow(device);
                self.plan(at, task);
            }
            Task::Answer { service, source, probe } => self.answered(service, source, probe),
            Task::Send { device, destination, probe } => {
                self.send(self.now, device, destination, probe);
            }
            Task::Habit(habit) => self.habit(habit),
            Task::Shout(device) if self.devices[device].is_there => {
                self.shout(device);
                let at = self.about(20 * MINUTE);
                self.plan(at, task);
            }
            Task::Share(device) => {
                if self.devices[device].is_there {
                    self.share(device);
                }
                let at = self.after(2 * MINUTE);
                self.plan(at, task);
            }
            Task::Leak => self.leak(),
            Task::Container => self.container(),
            Task::Guest => self.guest(),
            Task::Advertise => {
                self.advertise();
                // RFC 4861, 6.2.1: 200 to 600 s.
                let at = self.now + 200 * SECOND + self.rng.next_u64() % (400 * SECOND);
                self.plan(at, task);
            }
            Task::Noise => {
                self.noise();
                let at = self.after(MINUTE);
                self.plan(at, task);
            }
            Task::PowerCut => {
                self.is_up = false;
                self.plan(self.now + 2 * MINUTE, Task::PowerBack);
            }
            Task::PowerBack => {
                self.is_up = true;
                // OpenWrt keeps its leases in memory.
                self.leases.clear();
                self.router = Default::default();
                self.push(self.now, super::Due::Seen(What::Restart));
                self.plan(self.now + 7 * DAY, Task::PowerCut);
            }
            Task::Renew(_) | Task::Surf(_) | Task::Shout(_) => {}
        }
    }

    fn arrive(&mut self, device: usize) {
        if self.devices[device].is_there {
            return;
        }
        self.devices[device].is_there = true;
        let at = self.join(device);
        self.plan(self.now + 6 * HOUR, Task::Renew(device));
        let first = self.next_flow(device).max(at);
        self.plan(first, Task::Surf(device));
        self.plan(at + 5 * SECOND, Task::Shout(device));
        if let Some(leaves) = self.goes(device) {
            self.plan(leaves, Task::Leave(device));
        }
    }

    /// How long a device stays, from now on.
    fn goes(&mut self, device: usize) -> Option<u64> {
        let (hour, day) = self.wall();
        let away = 8u64.saturating_sub(hour);
        Some(match self.devices[device].kind {
            Kind::Thing => return None,
            Kind::Sleeper => self.about(2 * HOUR),
            Kind::Computer => self.about(10 * HOUR),
            // To work and to school at eight; on Friday evening everybody leaves for the weekend.
            Kind::Phone if hour < 8 && day < 5 => self.about(HOUR).max(self.now + away * HOUR),
            Kind::Phone if day == 4 => self.about(2 * HOUR),
            Kind::Phone => self.now + (24 - hour + 8) * HOUR + self.rng.next_u64() % HOUR,
            Kind::Guest => self.about(3 * HOUR),
        })
    }

    /// When a device comes back that has just left.
    fn comes_back(&mut self, device: usize) -> Option<u64> {
        let (hour, day) = self.wall();
        let next_morning = self.now + (24 - hour + 7) * HOUR + self.rng.next_u64() % (2 * HOUR);
        Some(match self.devices[device].kind {
            Kind::Thing => self.about(MINUTE),
            // Two or three days later, in the evening.
            Kind::Sleeper => self.about(2 * DAY + DAY / 2),
            Kind::Computer => next_morning,
            Kind::Phone if day == 4 && hour > 12 || day >= 5 => self.about(2 * DAY).max(self.now + 40 * HOUR),
            Kind::Phone => self.about(9 * HOUR),
            Kind::Guest => return None,
        })
    }

    fn next_flow(&mut self, device: usize) -> u64 {
        let (hour, _) = self.wall();
        let mean = match self.devices[device].kind {
            Kind::Thing => 30 * MINUTE,
            Kind::Sleeper => 5 * MINUTE,
            _ if hour < 7 => 40 * MINUTE,
            _ if device == MACHINE => 20 * MINUTE,
            _ => 4 * MINUTE,
        };
        self.after(mean)
    }

    /// Temporary addresses live for a day (RFC 8981, 3.8). Android and Windows can take a new link-layer address
    /// for each day, and with it a new lease; the old one is nobody's.
    fn change(&mut self, device: usize) {
        let random = self.rng.next_u64();
        if let Some((now, before)) = &mut self.devices[device].temporary {
            (*now, *before) = (temporary(random), *now);
        }
        if device == PHONES[0] {
            let [.., a, b] = random.to_be_bytes();
            // Locally administered, as private ones are.
            self.devices[device].mac = [0x5a, 0x1e, 0x9b, 0xc4, a, b];
            self.devices[device].leased_until = 0;
        }
        if self.devices[device].is_there && self.devices[device].address.is_some() {
            self.join(device);
            // What keeps a telephone's address for long still has that of the day before; mDNS forgets it after
            // two minutes (RFC 6762, 10).
            if let (Some((_, before)), true) = (self.devices[device].temporary, device == PHONES[1]) {
                self.solicit(self.now + HOUR, LINUX, before);
            }
        }
        self.plan(self.now + DAY, Task::Change(device));
    }

    fn habit(&mut self, number: usize) {
        let habit = &HABITS[number];
        for (place, target) in (0..).zip(habit.targets) {
            let at = self.now + place * 200_000;
            let destination = match target {
                Fixed(address) => Some(*address),
                Of(device) => self.devices[*device].address,
            };
            if let Some(destination) = destination
                && self.devices[habit.device].address != Some(destination)
            {
                self.send(at, habit.device, destination, habit.probe);
            }
        }
        let at = self.about(habit.every);
        self.plan(at, Task::Habit(number));
    }

    /// mDNS (RFC 6762), SSDP, LLMNR (RFC 4795), NetBIOS's names (RFC 1002) and Dropbox's LAN sync.
    fn shout(&mut self, device: usize) {
        let (Some(address), mac) = (self.devices[device].address, self.mac(device)) else { return };
        let groups = [
            (Ipv4Addr::new(224, 0, 0, 251), 5353, 5353),
            (Ipv4Addr::new(239, 255, 255, 250), 50_123, 1900),
            (Ipv4Addr::new(224, 0, 0, 252), 61_234, 5355),
            (Ipv4Addr::new(192, 168, 1, 255), 137, 137),
            (Ipv4Addr::BROADCAST, 17_500, 17_500),
        ];
        // The last two are a computer's.
        let count = if self.devices[device].kind == Kind::Computer { 5 } else { 2 };
        let (group, from, to) = groups[self.rng.below(count) as usize];
        let (source, target) = (SocketAddr::from((address, from)), SocketAddr::from((group, to)));
        let [_, b, c, d] = group.octets();
        let group_mac = if group.is_multicast() { [1, 0, 0x5e, b & 0x7f, c, d] } else { BROADCAST };
        let packet = ip(&source, &target, protocol::UDP, &udp(&source, &target, &[0; 120]));
        self.lan(self.now, ethernet(mac, group_mac, ethertype::IPV4, &packet));
    }

    /// Domain controllers and file servers of the company: DNS, Kerberos, LDAP and SMB.
    fn leak(&mut self) {
        let (hour, day) = self.wall();
        if self.devices[WORK].is_there && (8..18).contains(&hour) && day < 5 {
            for n in 0..4u8 {
                let port = [53, 88, 389, 445][usize::from(n)];
                let probe = if port < 389 { Probe::Udp(port) } else { Probe::Tcp(port) };
                let server = self.rng.below(3) as u8;
                for destination in [Ipv4Addr::new(10, 20, n, 10 + server), Ipv4Addr::new(172, 20, n, 5)] {
                    self.send(self.now + u64::from(n) * SECOND, WORK, destination, probe);
                }
            }
        }
        let at = self.after(40 * MINUTE);
        self.plan(at, Task::Leak);
    }

    /// A container asks for another whose network was removed: its host sends it to the router.
    fn container(&mut self) {
        let network = 17 + self.rng.below(4) as u8;
        self.send(self.now, LINUX, Ipv4Addr::new(172, network, 0, 2), Probe::Tcp(5432));
        let at = self.after(2 * HOUR);
        self.plan(at, Task::Container);
    }

    /// Somebody visits, with a telephone that has been elsewhere.
    fn guest(&mut self) {
        let (hour, day) = self.wall();
        if (9..21).contains(&hour) {
            let [.., a, b, c, d] = self.rng.next_u64().to_be_bytes();
            let device = self.devices.len();
            self.devices.push(Device::new(Kind::Guest, [0xda, 0xa1, a, b, c, d]));
            self.remember_elsewhere(device);
            self.plan(self.now + SECOND, Task::Arrive(device));
        }
        let at = self.after(if day >= 5 { 3 * HOUR } else { 8 * HOUR });
        self.plan(at, Task::Guest);
    }

    /// A telephone that joins asks for the routers of networks where it was before, under the address that it
    /// had there (RFC 4436). If its own home has the same network, which is an estimate of one in three, its
    /// applications look for some of the things that it has there.
    fn remember_elsewhere(&mut self, device: usize) {
        let mac = self.devices[device].mac;
        let has_our_network = self.rng.percent(33);
        let (own, router) = if has_our_network {
            let last = self.rng.between(20, 250) as u8;
            (Ipv4Addr::new(192, 168, 1, last), if self.rng.percent(50) { ROUTER } else { OTHER_ROUTER })
        } else {
            (Ipv4Addr::new(192, 168, 0, 23), Ipv4Addr::new(192, 168, 0, 1))
        };
        self.lan(self.now, ethernet(mac, BROADCAST, ethertype::ARP, &arp_request(mac, own, router)));
        let things =
            if has_our_network { [0, 0, 0, 0, 0, 1, 1, 1, 2, 2][self.rng.below(10) as usize] } else { 0 };
        for _ in 0..things {
            let destination = Ipv4Addr::new(192, 168, 1, self.rng.between(20, 250) as u8);
            for hour in 0..3 {
                let at = self.now + hour * HOUR + 2 * MINUTE;
                self.plan(at, Task::Send { device, destination, probe: Probe::Tcp(8009) });
            }
        }
    }
}

/// Where many providers' routers are.
const OTHER_ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 254);

const _: () = assert!(THINGS.start == TABLET + 1);
