//! Who has an address, by what this machine knows without a frame: its own addresses, leases, hosts files and
//! the kernel's neighbors. The darknet takes them for signs, so that a device that sleeps is not missed.

use std::sync::Mutex;

use super::names::Names;
use super::neighbors;
use super::system;
use super::tap::lock;
use crate::monitor::Monitor;
use crate::packet::Address;
use crate::time::Timestamp;

/// Tells the darknet who is known now. At the start it is told of neighbors that answered `ever`.
pub fn tell(monitor: &Mutex<Monitor>, names: &Names, now: Timestamp, ever: bool) {
    let mut known = names.addresses(now);
    known.extend(
        system::device_addresses().unwrap_or_default().into_iter().map(|one| Address::from(one.address)),
    );
    match neighbors::list(ever) {
        Ok(neighbors) => known.extend(neighbors),
        Err(error) => log::debug!("the kernel does not tell of neighbors: {error}"),
    }
    // Collected before the lock is taken.
    let mut monitor = lock(monitor);
    for address in known {
        monitor.darknet_mut().note(address, now);
    }
}
