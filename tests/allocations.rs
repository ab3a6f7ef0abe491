//! After the constructors the core does not allocate: counted by the allocator itself. One test, since
//! the count is of the whole process.

mod books;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use books::{Random, START, monitor};
use duskwatch::ledger::Capacity;
use duskwatch::snapshot::{self, Header, Writer};
use duskwatch::time::Timestamp;

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

    let mut monitor = monitor(&["br-lan", "pppoe-wan"], Capacity { hosts: 128, port_rows: 512 });
    let mut random = Random::new(1);
    let frames: Vec<_> = (0..50_000).map(|_| (random.below(2), random.frame(2_000))).collect();
    let observed = allocations(|| {
        for (number, (interface, frame)) in (0..).zip(&frames) {
            monitor.observe(*interface as usize, frame, Timestamp::from_seconds(START + number / 16));
        }
    });
    assert_eq!(observed, 0, "observe");
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
