//! After the constructors the core does not allocate: counted by the allocator itself. One test, since
//! the count is of the whole process.

mod books;

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use books::{Random, START, monitor};
use duskwatch::daemon::clock::{Clock, Zone};
use duskwatch::daemon::evidence::ring::Limits;
use duskwatch::daemon::evidence::{self, Evidence};
use duskwatch::darknet::{Category, Darknet, Touch};
use duskwatch::ledger::{Capacity, Ledger};
use duskwatch::limits::{HOSTS_SHOWN_MAX, PORTS_SHOWN_MAX};
use duskwatch::monitor::Monitor;
use duskwatch::packet::{Frame, LinkType};
use duskwatch::snapshot::{self, Header, Writer};
use duskwatch::table::Seed;
use duskwatch::time::Timestamp;
use duskwatch::view::{
    AboutView, Context, DarknetView, DeviceKey, DeviceSort, DeviceView, DevicesView, EvidenceFacts, Facts,
    HostView, HostsQuery, HostsView, MetricsView, NameFacts, PortsView, ProtocolsView, SenderFacts,
    SideBySideView, SourceView, StoreFacts, SummaryView,
};

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How many allocations the work makes.
fn allocations(work: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    work();
    ALLOCATIONS.load(Ordering::Relaxed) - before
}

#[test]
fn nothing_allocates_after_the_start() {
    assert_eq!(allocations(|| drop(Box::new(1))), 1, "the count counts");

    let capacity = Capacity { hosts: 128, port_rows: 512, devices: 32 };
    let mut monitor = monitor(&["br-lan", "pppoe-wan"], capacity);
    // Some of the hosts that the frames are for.
    let dark = ["8.0.0.0/26", "192.168.1.0/26"].map(|prefix| prefix.parse().expect("a prefix"));
    *monitor.darknet_mut() = Darknet::new(&dark, 1024, Seed::new(1, 0)).expect("there are few");
    let rules =
        "alert tcp any any -> any 1: (threshold:type limit, track by_src, count 1, seconds 60; sid:1;)";
    monitor.darknet_mut().set_rules(duskwatch::daemon::rules::parse("rules", rules).expect("rules"));
    // Records for a collector are made, and taken.
    monitor.ledgers_mut().iter_mut().for_each(Ledger::record_flows);
    let mut records = 0;
    let mut random = Random::new(1);
    let frames: Vec<_> = (0..50_000).map(|_| (random.below(2), random.frame(2_000))).collect();
    let observed = allocations(|| {
        for (number, (interface, frame)) in (0..).zip(&frames) {
            monitor.observe(*interface as usize, frame, &[], Timestamp::from_seconds(START + number / 16));
            while monitor.ledgers_mut()[*interface as usize].next_flow_record().is_some() {
                records += 1;
            }
        }
    });
    assert_eq!(observed, 0, "observe");
    assert!(records > 1_000, "there are records");
    assert!(monitor.darknet().recent().any(|event| event.rule.is_some()), "a rule has spoken");
    let mut events = monitor.darknet().recent().count() as u64;
    let ticked = allocations(|| {
        while monitor.tick(Timestamp::from_seconds(START + 40_000)).is_some() {
            events += 1;
        }
    });
    assert_eq!(ticked, 0, "tick");
    assert!(events > 1, "the dark was touched");
    evidence_does_not_allocate();
    views_do_not_allocate(&monitor, capacity);
    // The clock runs on, back and far ahead.
    let settled = allocations(|| {
        for seconds in [START + 4_000, START, START + 90 * 86_400, u64::MAX] {
            monitor.settle(Timestamp::from_seconds(seconds));
        }
    });
    assert_eq!(settled, 0, "settle");

    let mut buffer = vec![0; snapshot::size_max(&monitor)];
    let header = Header::default();
    let mut length = 0;
    let encoded = allocations(|| {
        let mut writer = Writer::new(&mut buffer, &header);
        for ledger in monitor.ledgers() {
            writer.ledger(ledger);
        }
        length = writer.finish().map_or(0, <[u8]>::len);
    });
    assert_eq!(encoded, 0, "snapshot");
    assert!(snapshot::verify(&buffer[..length]).is_ok());
}

/// The capture's part of keeping evidence, while the writer's thread is at its own.
fn evidence_does_not_allocate() {
    let directory = std::env::temp_dir().join(format!("duskwatch-allocations-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory");
    let options = evidence::Options {
        directory: directory.clone(),
        limits: Limits { bytes: 1 << 20, age: 3600 },
        interfaces: vec!["br-lan".to_owned()],
    };
    let evidence = Evidence::start(options, Clock::new(None, Zone::utc())).expect("a ring");
    let frame = Frame { link: LinkType::Ethernet, bytes: &[0x2e; 300], wire_length: 1500 };
    let touch = Touch { signature: "packet to a dark address", category: Category::Other, is_alerted: false };
    let mut packets = 0;
    let mut keep = || {
        packets += 1;
        evidence.keep(0, &frame, touch, Timestamp::from_seconds(START));
    };
    // The counters are of all threads, so the writer has to have nothing to do: a first packet is written at
    // once, and those after it together, a second later.
    keep();
    while evidence.statistics().ring.written < 1 {
        std::thread::yield_now();
    }
    let kept = allocations(|| (0..30).for_each(|_| keep()));
    assert_eq!(kept, 0, "evidence");
    evidence.stop();
    let statistics = evidence.statistics();
    assert_eq!((statistics.ring.written, statistics.dropped), (packets, 0));
    std::fs::remove_dir_all(&directory).expect("it is there");
}

/// Every view of both interfaces, copied and written in every form.
fn views_do_not_allocate(monitor: &Monitor, capacity: Capacity) {
    let context = Context { utc_offset: 3_600, ..Context::at(Timestamp::from_seconds(START + 3_200)) };
    let facts = Facts {
        store: Some(StoreFacts { budget: Some(1 << 20), ..StoreFacts::default() }),
        alarm: Some(SenderFacts::default()),
        evidence: Some(EvidenceFacts::default()),
        names: Some(NameFacts::default()),
        ..Facts::default()
    };
    let mut summary = SummaryView::new();
    let mut hosts = HostsView::with_capacity(capacity.hosts.into(), HOSTS_SHOWN_MAX);
    let mut devices = DevicesView::with_capacity(monitor.ledgers()[0].accounts().rows_max());
    let mut device = DeviceView::new();
    let mut host = HostView::new();
    let mut ports = PortsView::with_capacity(PORTS_SHOWN_MAX);
    let mut protocols = ProtocolsView::new();
    let mut darknet = DarknetView::default();
    let mut source = SourceView::new(true);
    let suspect = monitor.darknet().sources().next().expect("the dark was touched").address();
    let mut side_by_side = SideBySideView::with_interfaces(monitor.ledgers().len());
    let mut about = AboutView::new();
    let mut metrics = MetricsView::new();
    let mut page = Page::new();
    for ledger in monitor.ledgers() {
        let name = Some(ledger.name());
        let (address, _) = ledger.hosts().next().expect("there are hosts");
        let owner = ledger.accounts().iter().next().expect("there are devices").1.owner;
        let copied = allocations(|| {
            let shown = [
                summary.copy(monitor, name),
                hosts.copy(monitor, name, HostsQuery::default()),
                host.copy(monitor, name, address),
                devices.copy(monitor, name, DeviceSort::Now, 0),
                device.copy(monitor, name, DeviceKey::Owner(owner)),
                ports.copy(monitor, name),
                protocols.copy(monitor, name),
                darknet.copy(monitor, name),
                source.copy(monitor, name, suspect),
                about.copy(monitor, name),
                side_by_side.copy(monitor),
            ];
            metrics.copy(monitor);
            assert!(shown.iter().all(Result::is_ok), "{shown:?}");
        });
        assert_eq!(copied, 0, "copies");
        page.expect("summary.html", |page| summary.write_html(page, &context));
        page.expect("summary.json", |page| summary.write_json(page, &context));
        page.expect("hosts.html", |page| hosts.write_html(page, &context));
        page.expect("hosts.json", |page| hosts.write_json(page, &context));
        page.expect("host.html", |page| host.write_html(page, &context, None));
        page.expect("host.json", |page| host.write_json(page, &context));
        page.expect("devices.html", |page| devices.write_html(page, &context));
        page.expect("devices.json", |page| devices.write_json(page, &context));
        page.expect("device.html", |page| device.write_html(page, &context));
        page.expect("device.json", |page| device.write_json(page, &context));
        page.expect("ports.html", |page| ports.write_html(page, &context));
        page.expect("ports.json", |page| ports.write_json(page, &context));
        page.expect("protocols.html", |page| protocols.write_html(page, &context));
        page.expect("protocols.json", |page| protocols.write_json(page, &context));
        page.expect("ports.html?all", |page| side_by_side.write_ports_html(page, &context));
        page.expect("ports.json?all", |page| side_by_side.write_ports_json(page, &context));
        page.expect("protocols.html?all", |page| side_by_side.write_protocols_html(page, &context));
        page.expect("protocols.json?all", |page| side_by_side.write_protocols_json(page, &context));
        page.expect("darknet.html", |page| darknet.write_html(page, &context));
        page.expect("darknet.json", |page| darknet.write_json(page, &context));
        page.expect("source.html", |page| source.write_html(page, &context));
        page.expect("source.json", |page| source.write_json(page, &context));
        page.expect("about.html", |page| about.write_html(page, &context, &facts));
        page.expect("about.json", |page| about.write_json(page, &context, &facts));
        page.expect("metrics", |page| metrics.write(page, &context, &facts));
    }
}

/// A page's memory, allocated before anything is counted.
struct Page {
    bytes: Box<[u8]>,
    length: usize,
}

impl Page {
    fn new() -> Self {
        Self { bytes: vec![0; 1 << 20].into(), length: 0 }
    }

    /// Panics unless something is written, and without an allocation.
    fn expect(&mut self, what: &str, write: impl FnOnce(&mut Self) -> fmt::Result) {
        self.length = 0;
        let mut written = Ok(());
        let count = allocations(|| written = write(self));
        assert_eq!(written, Ok(()), "{what}");
        assert!(self.length > 100, "{what}: {} bytes", self.length);
        assert_eq!(count, 0, "{what}");
    }
}

impl fmt::Write for Page {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}
