//! The capture against real packets: bridges, clients and a routed WAN in network namespaces.
//!
//! What cannot run here (no root, no namespaces, no nftables) is named.

#[path = "support/netns.rs"]
mod netns;
#[path = "support/skip.rs"]
mod skip;

use std::collections::HashMap;
use std::fs;
use std::io::PipeWriter;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use duskwatch::daemon::capture::coverage::Meter;
use duskwatch::daemon::capture::devices::System;
use duskwatch::daemon::capture::{Batch, Capture, InterfaceSpec, Options, Presence, Sink};
use duskwatch::limits::CAPTURE_BLOCK_MILLIS;
use duskwatch::network::Role;
use duskwatch::packet::{Frame, LinkType};
use duskwatch::time::Timestamp;
use netns::{Lab, home_network, lab, wait_until};

/// Who sent a UDP datagram to whom, and to which port.
type Datagram = (Ipv4Addr, Ipv4Addr, u16);

#[derive(Default)]
struct Record {
    datagrams: HashMap<(usize, Datagram), u64>,
    frames: u64,
    copies: u64,
    batches: u64,
    /// Per interface: whether it is captured, how many devices it has, and its networks.
    present: HashMap<usize, (bool, usize, Vec<String>)>,
    comings_and_goings: Vec<(usize, bool)>,
}

/// Counts datagrams, independently of the program's own decoder.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Record>>);

impl Recorder {
    fn lock(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap()
    }

    fn count(&self, interface: usize, source: &str, destination: &str, port: u16) -> u64 {
        let key = (interface, (source.parse().unwrap(), destination.parse().unwrap(), port));
        self.lock().datagrams.get(&key).copied().unwrap_or(0)
    }
}

/// What takes an interface's frames.
struct OfInterface<'a>(&'a Recorder, usize);

impl Batch for OfInterface<'_> {
    fn frame(&mut self, frame: &Frame<'_>, now: Timestamp) {
        assert!(now.seconds > 1_700_000_000, "the time stamp is the wall clock's");
        let mut record = self.0.lock();
        record.frames += 1;
        if let Some(datagram) = udp(frame) {
            *record.datagrams.entry((self.1, datagram)).or_default() += 1;
        }
    }

    fn bridged_copy(&mut self, _: Timestamp) {
        self.0.lock().copies += 1;
    }

    fn end(self) {
        self.0.lock().batches += 1;
    }
}

impl Sink for Recorder {
    type Batch<'a> = OfInterface<'a>;

    fn begin(&mut self, interface: usize) -> OfInterface<'_> {
        OfInterface(self, interface)
    }

    fn changed(&mut self, interface: usize, presence: &Presence<'_>) {
        let mut record = self.lock();
        let here = presence.link.is_some();
        if record.present.get(&interface).is_none_or(|before| before.0 != here) {
            record.comings_and_goings.push((interface, here));
        }
        let devices = presence.devices.map_or(0, |set| set.devices.len());
        let networks = presence.networks.prefixes().iter().map(|prefix| prefix.to_string()).collect();
        record.present.insert(interface, (here, devices, networks));
    }
}

fn udp(frame: &Frame<'_>) -> Option<Datagram> {
    let (ethertype, mut offset) = match frame.link {
        LinkType::Ethernet => (12, 14),
        LinkType::LinuxSll2 => (0, 20),
        other => panic!("unexpected link type {other:?}"),
    };
    let mut kind = frame.bytes.get(ethertype..ethertype + 2)?;
    while kind == [0x81, 0x00] || kind == [0x88, 0x64] {
        let tag = if kind[0] == 0x81 { 4 } else { 8 };
        offset += tag;
        kind = frame.bytes.get(offset - 2..offset)?;
    }
    let ip = frame.bytes.get(offset..)?;
    let is_ip = kind == [0x08, 0x00] || kind == [0x00, 0x21];
    if !is_ip || ip.len() < 28 || ip[9] != 17 {
        return None;
    }
    let address = |at: usize| Ipv4Addr::new(ip[at], ip[at + 1], ip[at + 2], ip[at + 3]);
    Some((address(12), address(16), u16::from_be_bytes([ip[22], ip[23]])))
}

/// A capture that runs in a namespace until it is dropped.
struct Running {
    recorder: Recorder,
    meters: Vec<Arc<Meter>>,
    thread_id: u64,
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

fn options(lab: &mut Lab, space: &str) -> Options {
    let class_net = lab.sysfs(space).join("class/net");
    Options {
        system: System { class_net, proc_net: "/proc/thread-self/net".into(), ..System::default() },
        ..Options::default()
    }
}

fn capture(lab: &Lab, space: &str, interfaces: &[(&str, Role)], options: Options) -> Result<Running, String> {
    let enter = lab.entrance(space);
    let specs: Vec<_> = interfaces
        .iter()
        .map(|(name, role)| InterfaceSpec { name: (*name).to_owned(), role: *role })
        .collect();
    let (waiter, stop) = std::io::pipe().unwrap();
    let recorder = Recorder::default();
    let mut sink = recorder.clone();
    let (opened, result) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        enter();
        match Capture::open(&specs, options) {
            Err(error) => opened.send(Err(error)).unwrap(),
            Ok(mut capture) => {
                let thread_id = rustix::thread::gettid().as_raw_nonzero().get() as u64;
                opened.send(Ok((capture.meters(), thread_id))).unwrap();
                capture.run(&mut sink, waiter.as_fd()).unwrap();
            }
        }
    });
    let (meters, thread_id) = result.recv().unwrap()?;
    Ok(Running { recorder, meters, thread_id, stop: Some(stop), thread: Some(thread) })
}

impl Running {
    fn count(&self, interface: usize, source: &str, destination: &str, port: u16) -> u64 {
        self.recorder.count(interface, source, destination, port)
    }

    /// The thread's CPU time so far.
    fn cpu_time(&self) -> Duration {
        let text = fs::read_to_string(format!("/proc/self/task/{}/schedstat", self.thread_id)).unwrap();
        Duration::from_nanos(text.split_whitespace().next().unwrap().parse().unwrap())
    }

    /// How often the thread has gone to sleep so far.
    fn sleeps(&self) -> u64 {
        let text = fs::read_to_string(format!("/proc/self/task/{}/status", self.thread_id)).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
        line.trim().parse().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        let outcome = self.thread.take().unwrap().join();
        if !std::thread::panicking() {
            outcome.unwrap();
        }
    }
}

fn socket(lab: &Lab, space: &str, address: &str) -> UdpSocket {
    lab.inside(space, || {
        let socket = UdpSocket::bind(address).unwrap();
        socket.set_broadcast(true).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        socket
    })
}

/// Sends and makes sure that each datagram arrives, so that what the capture must have seen is known.
fn exchange(from: &UdpSocket, to: &UdpSocket, destination: &str, count: u64) {
    for _ in 0..count {
        from.send_to(b"duskwatch", destination).unwrap();
        let mut buffer = [0; 32];
        assert_eq!(to.recv(&mut buffer).expect("the datagram arrives"), 9);
    }
}

#[test]
fn every_frame_of_a_bridge_counts_once() {
    let Some(mut lab) = lab("every_frame_of_a_bridge_counts_once", home_network) else { return };
    let options = options(&mut lab, "router");
    let running = capture(&lab, "router", &[("br-lan", Role::Lan), ("wan0", Role::Wan)], options).unwrap();
    let one = socket(&lab, "one", "0.0.0.0:5000");
    let two = socket(&lab, "two", "0.0.0.0:5000");
    let router = socket(&lab, "router", "0.0.0.0:5000");
    let server = socket(&lab, "server", "10.99.0.2:5000");

    exchange(&one, &two, "192.168.77.12:5000", 100); // from client to client
    exchange(&one, &server, "10.99.0.2:5000", 50); // routed out
    let mut buffer = [0; 32];
    one.send_to(b"x", "10.99.0.2:5000").unwrap();
    let (_, nat) = server.recv_from(&mut buffer).unwrap();
    exchange(&server, &one, &nat.to_string(), 30); // routed back
    exchange(&one, &two, "192.168.77.255:5000", 20); // a client's broadcast, which the router hears too
    exchange(&router, &one, "192.168.77.255:5000", 10); // the router's own broadcast, out on both ports
    exchange(&router, &one, "192.168.77.11:5000", 7); // the router to one client

    let count = |interface, source: &str, destination: &str, port| {
        running.count(interface, source, destination, port)
    };
    wait_until("the last datagrams are read", || count(0, "192.168.77.1", "192.168.77.11", 5000) == 7);
    wait_until("the WAN's datagrams are read", || count(1, "10.99.0.2", "10.99.0.1", nat.port()) == 30);
    assert_eq!(count(0, "192.168.77.11", "192.168.77.12", 5000), 100);
    assert_eq!(count(0, "192.168.77.11", "10.99.0.2", 5000), 51);
    assert_eq!(count(1, "10.99.0.1", "10.99.0.2", 5000), 51);
    assert_eq!(count(0, "10.99.0.2", "192.168.77.11", 5000), 30);
    assert_eq!(count(0, "192.168.77.11", "192.168.77.255", 5000), 20);
    assert_eq!(count(0, "192.168.77.1", "192.168.77.255", 5000), 10);
    let record = running.recorder.lock();
    assert!(record.copies >= 100 + 20 + 2 * 10, "the copies left out are counted: {}", record.copies);
    assert_eq!(record.present[&0], (true, 2, vec!["192.168.77.0/24".to_owned()]));
    assert_eq!(record.present[&1], (true, 1, vec!["10.99.0.1/32".to_owned()]));
}

#[test]
fn with_named_only_no_other_device_is_opened() {
    let Some(mut lab) = lab("with_named_only_no_other_device_is_opened", home_network) else { return };
    let options = Options { named_only: true, ..options(&mut lab, "router") };
    let bridge = fs::read_to_string(options.system.class_net.join("br-lan/ifindex")).unwrap();
    let running = capture(&lab, "router", &[("br-lan", Role::Lan)], options).unwrap();
    let one = socket(&lab, "one", "0.0.0.0:5000");
    let server = socket(&lab, "server", "10.99.0.2:5000");
    exchange(&one, &server, "10.99.0.2:5000", 50);
    wait_until("what is routed passes the bridge", || {
        running.count(0, "192.168.77.11", "10.99.0.2", 5000) == 50
    });
    // A socket on all devices has the number 0 there.
    let sockets = lab.inside("router", || fs::read_to_string("/proc/thread-self/net/packet").unwrap());
    let devices: Vec<_> =
        sockets.lines().skip(1).map(|line| line.split_whitespace().nth(4).unwrap()).collect();
    assert_eq!(devices, [bridge.trim()], "{sockets}");
}

#[test]
fn devices_that_come_and_go_are_followed() {
    let Some(mut lab) = lab("devices_that_come_and_go_are_followed", home_network) else { return };
    let options = options(&mut lab, "router");
    let running = capture(&lab, "router", &[("br-lan", Role::Lan), ("wan0", Role::Wan)], options).unwrap();
    let state = |interface| running.recorder.lock().present.get(&interface).cloned().unwrap_or_default();
    let ports = |wanted| wait_until("the ports are followed", || state(0).1 == wanted);
    let one = socket(&lab, "one", "0.0.0.0:5000");
    let two = socket(&lab, "two", "0.0.0.0:5000");
    let count = |port| running.count(0, "192.168.77.11", "192.168.77.12", port);
    ports(2);

    // A port leaves and comes back, and the traffic after that counts once again.
    lab.ip("router", "link set lan2 nomaster");
    ports(1);
    lab.ip("router", "link set lan2 master br-lan");
    ports(2);
    exchange(&one, &two, "192.168.77.12:5000", 10);
    wait_until("the traffic is seen", || count(5000) == 10);

    // A port is deleted and made anew, with another number.
    drop(two);
    lab.ip("router", "link del lan2");
    ports(1);
    lab.cable("router", "lan2", "two", "eth0");
    lab.ip("two", "addr add 192.168.77.12/24 brd + dev eth0");
    lab.ip("router", "link set lan2 master br-lan");
    ports(2);
    lab.ip("one", "neigh flush all");
    let two = socket(&lab, "two", "0.0.0.0:5001");
    exchange(&one, &two, "192.168.77.12:5001", 10);
    wait_until("the traffic of the new port is seen", || count(5001) == 10);

    // The whole bridge goes down and up, then the WAN's device.
    let captured =
        |interface, wanted| wait_until("the interface is followed", || state(interface).0 == wanted);
    for (interface, device) in [(0, "br-lan"), (1, "wan0")] {
        lab.ip("router", &format!("link set {device} down"));
        captured(interface, false);
        lab.ip("router", &format!("link set {device} up"));
        captured(interface, true);
    }
    let server = socket(&lab, "server", "0.0.0.0:5000");
    let router = socket(&lab, "router", "0.0.0.0:5002");
    exchange(&router, &server, "10.99.0.2:5000", 10);
    let on_wan = || running.count(1, "10.99.0.1", "10.99.0.2", 5000);
    wait_until("the WAN is seen after it was down", || on_wan() == 10);

    // The WAN's device vanishes under traffic and comes back with another address.
    drop(server);
    lab.ip("router", "link del wan0");
    captured(1, false);
    assert_eq!(state(1).2, ["10.99.0.1/32"], "the last known address stays");
    lab.cable("router", "wan0", "server", "eth0");
    lab.ip("router", "addr add 10.99.0.7/24 brd + dev wan0");
    lab.ip("server", "addr add 10.99.0.2/24 brd + dev eth0");
    wait_until("the new address is known", || state(1).2 == ["10.99.0.7/32"]);
    captured(1, true);
    lab.ip("router", "neigh flush all");
    let server = socket(&lab, "server", "0.0.0.0:5000");
    exchange(&router, &server, "10.99.0.2:5000", 10);
    wait_until("the new WAN is seen", || running.count(1, "10.99.0.7", "10.99.0.2", 5000) == 10);

    let expected =
        [(0, true), (1, true), (0, false), (0, true), (1, false), (1, true), (1, false), (1, true)];
    assert_eq!(running.recorder.lock().comings_and_goings, expected, "each is told once");
    let cpu = running.cpu_time();
    assert!(cpu < Duration::from_secs(1), "no spinning: {cpu:?} of CPU time");
}

#[test]
fn an_interface_is_waited_for_or_named() {
    let Some(mut lab) = lab("an_interface_is_waited_for_or_named", Lab::new) else { return };
    lab.add("router");
    let options = options(&mut lab, "router");
    let interfaces = [("late0", Role::Lan)];
    let fails = |options: &Options| capture(&lab, "router", &interfaces, options.clone()).err().unwrap();
    assert_eq!(fails(&options), "-i late0: there is no such interface");
    let bad = Options { filter: Some("tcp prot 80".to_owned()), ..options.clone() };
    assert!(fails(&bad).starts_with("--filter 'tcp prot 80': "), "{}", fails(&bad));

    let running = capture(&lab, "router", &interfaces, Options { wait: true, ..options.clone() }).unwrap();
    lab.add_device_pair("router", "late0", "far0");
    wait_until("the late interface is captured", || {
        running.recorder.lock().comings_and_goings == [(0, false), (0, true)]
    });
    drop(running);
    lab.ip("router", "link set late0 down");
    assert_eq!(fails(&options), "-i late0: it is down");
}

#[test]
fn coverage_is_whole_unless_something_is_left_out() {
    let Some(mut lab) = lab("coverage_is_whole_unless_something_is_left_out", home_network) else { return };
    let options = options(&mut lab, "router");
    let interfaces = [("br-lan", Role::Lan), ("wan0", Role::Wan)];
    let whole = capture(&lab, "router", &interfaces, options.clone()).unwrap();
    let filter = Some("udp port 5001".to_owned());
    let filtered = capture(&lab, "router", &interfaces, Options { filter, ..options.clone() }).unwrap();
    let one = socket(&lab, "one", "0.0.0.0:5000");
    let two = socket(&lab, "two", "0.0.0.0:5000");
    let server = socket(&lab, "server", "0.0.0.0:5000");
    exchange(&one, &two, "192.168.77.12:5000", 300);
    exchange(&one, &server, "10.99.0.2:5000", 300);

    for (interface, least) in [(0, 300 * 2 + 300), (1, 300)] {
        let coverage = || whole.meters[interface].coverage();
        wait_until("the kernel's counters are read", || coverage().kernel_packets >= least);
        wait_until("nearly all is seen", || coverage().percent().is_some_and(|percent| percent > 99.0));
        assert_eq!(coverage().dropped, 0);
        assert_eq!(coverage().captured.merged_frames, 0);
        assert_eq!(filtered.meters[interface].coverage().percent(), None, "unknown with a filter");
    }
}

#[test]
fn a_frame_on_loopback_passes_once() {
    let Some(mut lab) = lab("a_frame_on_loopback_passes_once", home_network) else { return };
    let options = options(&mut lab, "router");
    let running = capture(&lab, "router", &[("lo", Role::Lan)], options).unwrap();
    let sender = socket(&lab, "router", "127.0.0.1:5000");
    let receiver = socket(&lab, "router", "127.0.0.1:5001");
    exchange(&sender, &receiver, "127.0.0.1:5001", 300);
    let coverage = || running.meters[0].coverage();
    wait_until("the kernel's counters are read", || coverage().kernel_packets >= 300);
    wait_until("all is seen", || coverage().percent() == Some(100.0));
    assert_eq!(coverage().kernel_packets, 300, "not once as sent and once as received");
}

/// A frame with a UDP datagram to `port`, behind the VLAN tag and PPPoE header that are asked for.
fn udp_frame(vlan: Option<u16>, pppoe: bool, port: u16) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    if let Some(id) = vlan {
        frame.extend([0x81, 0x00]);
        frame.extend(id.to_be_bytes());
    }
    frame.extend(if pppoe { [0x88, 0x64] } else { [0x08, 0x00] });
    if pppoe {
        frame.extend([0x11, 0, 0, 1, 0, 38, 0, 0x21]); // version and type, session 1, length, PPP: IPv4
    }
    frame.extend([0x45, 0, 0, 36, 0, 0, 0, 0, 64, 17, 0, 0, 198, 51, 100, 1, 10, 99, 0, 1]);
    frame.extend([0x13, 0x88]);
    frame.extend(port.to_be_bytes());
    frame.extend([0, 16, 0, 0]);
    frame.extend([0; 8]);
    frame
}

/// The kernel need not know VLANs or PPP for this: what it would say of such devices is written to files.
#[test]
fn vlan_and_pppoe_frames_are_picked_out_of_the_lower_device() {
    let Some(mut lab) = lab("vlan_and_pppoe_frames_are_picked_out_of_the_lower_device", Lab::new) else {
        return;
    };
    lab.add("router");
    lab.add("server");
    lab.cable("router", "wan0", "server", "eth0");
    let real = lab.sysfs("router");
    let system = System {
        class_net: real.with_extension("class"),
        proc_net: real.with_extension("proc"),
        vlan: |name| (name == "wan0.5").then(|| (5, "wan0".to_owned())),
    };
    for (name, event) in [("wan0.5", "DEVTYPE=vlan\n"), ("pppoe-wan", "DEVTYPE=ppp\n")] {
        let directory = system.class_net.join(name);
        fs::create_dir_all(&directory).unwrap();
        let files =
            [("uevent", event), ("ifindex", "9"), ("flags", "0x1003"), ("mtu", "1492"), ("type", "1")];
        for (file, text) in files {
            fs::write(directory.join(file), text).unwrap();
        }
    }
    std::os::unix::fs::symlink(real.join("class/net/wan0"), system.class_net.join("wan0")).unwrap();
    fs::create_dir_all(&system.proc_net).unwrap();
    fs::write(system.proc_net.join("pppoe"), "Id Address Device\n1 02:00:00:00:00:02 wan0.5\n").unwrap();
    let options = Options { system: system.clone(), ..Options::default() };

    let interfaces = [("wan0", Role::Wan), ("wan0.5", Role::Wan), ("pppoe-wan", Role::Wan)];
    let running = capture(&lab, "router", &interfaces, options.clone()).unwrap();
    let only = Options { filter: Some("udp dst port 7003".to_owned()), ..options.clone() };
    let refused = capture(&lab, "router", &interfaces, only.clone()).err().unwrap();
    assert_eq!(refused, "-i pppoe-wan: --filter cannot look into PPPoE on a VLAN");
    let filtered = capture(&lab, "router", &interfaces[..2], only).unwrap();
    let send = || {
        lab.inside("server", || {
            let mut sender = pcap::Capture::from_device("eth0").unwrap().open().unwrap();
            let kinds = [
                (None, false, 7000),
                (None, true, 7001),
                (Some(6), false, 7002),
                (Some(5), false, 7003),
                (Some(5), true, 7004),
            ];
            for (vlan, pppoe, port) in kinds.into_iter().cycle().take(50) {
                sender.sendpacket(udp_frame(vlan, pppoe, port)).unwrap();
            }
        });
    };
    send();
    let counts = |running: &Running, interface| {
        [7000, 7001, 7002, 7003, 7004].map(|port| running.count(interface, "198.51.100.1", "10.99.0.1", port))
    };
    wait_until("all frames are seen", || counts(&running, 0) == [10; 5]);
    wait_until("the VLAN's frames are seen", || counts(&running, 1) == [0, 0, 0, 10, 10]);
    wait_until("the PPPoE session's frames are seen", || counts(&running, 2) == [0, 0, 0, 0, 10]);
    wait_until("a filter looks behind the tag", || counts(&filtered, 1) == [0, 0, 0, 10, 0]);
    drop((running, filtered));

    // The same session without a VLAN, where a filter can look inside.
    fs::write(system.proc_net.join("pppoe"), "Id Address Device\n1 02:00:00:00:00:02 wan0\n").unwrap();
    let only = Options { filter: Some("udp dst port 7001".to_owned()), ..options };
    let filtered = capture(&lab, "router", &interfaces[2..], only).unwrap();
    send();
    wait_until("a filter looks inside the session", || counts(&filtered, 0) == [0, 10, 0, 0, 0]);
    drop(filtered);
    fs::remove_dir_all(&system.class_net).unwrap();
    fs::remove_dir_all(&system.proc_net).unwrap();
}

#[test]
fn offloaded_traffic_is_seen() {
    const TEST: &str = "offloaded_traffic_is_seen";
    let Some(mut lab) = lab(TEST, home_network) else { return };
    let rules = "add table ip f; \
                 add flowtable ip f ft { hook ingress priority 0; devices = { lan1, lan2, wan0 }; }; \
                 add chain ip f forward { type filter hook forward priority 0; }; \
                 add rule ip f forward ip protocol udp flow add @ft";
    let nft = lab.command("router", "nft", &[rules]).stderr(std::process::Stdio::null()).status();
    if !nft.is_ok_and(|status| status.success()) {
        skip::skipped(TEST, "needs nftables' flow tables in the kernel");
        return;
    }
    let options = options(&mut lab, "router");
    let running = capture(&lab, "router", &[("br-lan", Role::Lan), ("wan0", Role::Wan)], options).unwrap();
    let one = socket(&lab, "one", "0.0.0.0:5000");
    let server = socket(&lab, "server", "0.0.0.0:5000");
    let mut buffer = [0; 32];
    for _ in 0..500 {
        one.send_to(b"there", "10.99.0.2:5000").unwrap();
        let (_, nat) = server.recv_from(&mut buffer).unwrap();
        server.send_to(b"back", nat).unwrap();
        one.recv(&mut buffer).unwrap();
    }
    wait_until("all of both directions is seen on both sides", || {
        running.count(0, "192.168.77.11", "10.99.0.2", 5000) == 500
            && running.count(0, "10.99.0.2", "192.168.77.11", 5000) == 500
            && running.count(1, "10.99.0.1", "10.99.0.2", 5000) == 500
    });
}

#[test]
fn a_quiet_link_costs_no_wakeups() {
    let Some(mut lab) = lab("a_quiet_link_costs_no_wakeups", home_network) else { return };
    let options = options(&mut lab, "router");
    let running = capture(&lab, "router", &[("br-lan", Role::Lan), ("wan0", Role::Wan)], options).unwrap();
    wait_until("the capture runs", || running.recorder.lock().present.len() == 2);
    let one = socket(&lab, "one", "0.0.0.0:5000");
    let count = || running.count(0, "192.168.77.11", "10.99.0.2", 5000);

    // A trickle wakes us at most once per block time and interface, however many packets it has.
    let rate = sleeps_per_second(&running, || {
        one.send_to(b"tick", "10.99.0.2:5000").unwrap();
    });
    println!("wake-ups per second with 20 packets per second on two interfaces: {rate:.1}");
    let most = 2.0 * 1000.0 / f64::from(CAPTURE_BLOCK_MILLIS);
    assert!(rate <= 1.2 * most, "{rate} wake-ups per second");

    // Silence wakes us not at all. The last blocks, and ARP's last questions, run out first.
    let mut last = running.sleeps();
    wait_until("the trickle is read", || count() > 0);
    wait_until("the last block is read", || {
        let rate = sleeps_per_second(&running, || ());
        let before = std::mem::replace(&mut last, running.sleeps());
        println!("wake-ups per second in silence: {rate:.1}");
        before == last
    });
}

/// How often the capture's thread goes to sleep in a second, measured over three.
fn sleeps_per_second(running: &Running, mut meanwhile: impl FnMut()) -> f64 {
    let (began, sleeps) = (Instant::now(), running.sleeps());
    while began.elapsed() < Duration::from_secs(3) {
        meanwhile();
        std::thread::sleep(Duration::from_millis(50));
    }
    (running.sleeps() - sleeps) as f64 / began.elapsed().as_secs_f64()
}

/// Sends small frames from the router to the server at a steady rate; returns how many.
fn flood(lab: &Lab, frames_per_second: f64, duration: Duration) -> u64 {
    let router = socket(lab, "router", "0.0.0.0:5000");
    router.connect("10.99.0.2:5000").unwrap();
    let (began, mut sent) = (Instant::now(), 0u64);
    while began.elapsed() < duration {
        let due = (began.elapsed().as_secs_f64() * frames_per_second) as u64;
        while sent < due {
            router.send(&[0; 18]).unwrap();
            sent += 1;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    sent
}

/// That none are lost at this rate depends on who else uses the machine, so it is printed; that each is
/// either seen or counted as lost does not.
#[test]
fn every_frame_of_a_flood_is_seen_or_counted_as_dropped() {
    const TEST: &str = "every_frame_of_a_flood_is_seen_or_counted_as_dropped";
    let Some(mut lab) = lab(TEST, home_network) else { return };
    let options = options(&mut lab, "router");
    let running = capture(&lab, "router", &[("br-lan", Role::Lan), ("wan0", Role::Wan)], options).unwrap();
    let _server = socket(&lab, "server", "0.0.0.0:5000");
    let sent = flood(&lab, 100_000.0, Duration::from_secs(2));
    let seen = || running.count(1, "10.99.0.1", "10.99.0.2", 5000);
    let dropped = || running.meters[1].coverage().dropped;
    wait_until("all is accounted for", || seen() + dropped() >= sent);
    let each = running.cpu_time().as_nanos() / u128::from(sent);
    println!("60-byte frames at 100,000 per second: {} dropped of {sent}, {each} ns each", dropped());
}

#[test]
fn what_a_stalled_capture_loses_is_told() {
    let Some(mut lab) = lab("what_a_stalled_capture_loses_is_told", home_network) else { return };
    let options = Options { ring_size: 256 << 10, ..options(&mut lab, "router") };
    let running = capture(&lab, "router", &[("wan0", Role::Wan)], options).unwrap();
    let server = socket(&lab, "server", "0.0.0.0:5000");
    let router = socket(&lab, "router", "0.0.0.0:5001");
    exchange(&router, &server, "10.99.0.2:5000", 1);
    let sent = {
        // Whoever holds the record stops the capture, at a time when nothing else is in the ring.
        wait_until("the capture runs", || running.count(0, "10.99.0.1", "10.99.0.2", 5000) == 1);
        let _stalled = running.recorder.lock();
        1 + flood(&lab, 100_000.0, Duration::from_secs(1))
    };
    let seen = || running.count(0, "10.99.0.1", "10.99.0.2", 5000);
    let coverage = || running.meters[0].coverage();
    wait_until("the loss is told", || coverage().dropped > 0 && seen() + coverage().dropped >= sent);
    let coverage = coverage();
    println!("{} of {sent} lost, {:?} % seen", coverage.dropped, coverage.percent());
    assert!(coverage.percent().is_some_and(|percent| percent < 60.0), "{coverage:?}");
}
