//! Warnings of quotas that are nearly or wholly used up, for the log and the syslog receiver.

use std::fmt;
use std::sync::Mutex;

use super::alarm::Alarm;
use super::config::Interface;
use super::names::{Name, Names};
use super::tap::lock;
use crate::monitor::Monitor;
use crate::packet::Address;
use crate::quota::{Target, Usage, latest_address};
use crate::time::Timestamp;
use crate::view::units::Bytes;

/// A quota of which much is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warning {
    /// How much.
    pub usage: Usage,
    /// The device's latest address.
    pub address: Option<Address>,
    /// When it was found.
    pub time: Timestamp,
}

impl Warning {
    /// The device's name, if it has one.
    pub fn name(&self, names: &Names) -> Option<Name> {
        let Target::Device(mac) = self.usage.quota.target else { return None };
        names.device(mac).or_else(|| names.lookup(self.address?, mac))
    }
}

/// What a warning says.
pub struct Sentence<'a> {
    /// How much of which quota is used.
    pub usage: Usage,
    /// The interface's name, if it is the quota of one.
    pub interface: &'a str,
    /// The device's.
    pub name: Option<&'a str>,
}

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name, self.usage.quota.target) {
            (Some(name), _) => f.write_str(name),
            (None, Target::Device(mac)) => write!(f, "{mac}"),
            (None, Target::Interface(_)) => f.write_str(self.interface),
        }?;
        // A space that does not break is none to a log server.
        let bytes = Bytes(self.usage.quota.bytes).to_string();
        let (number, unit) = bytes.split_once('\u{a0}').unwrap_or_default();
        write!(f, " has used {} % of its {number} {unit} of this month", self.usage.percent())
    }
}

/// The name of the interface that a quota is of, among these; none if it is a device's.
pub fn interface<'a>(usage: &Usage, mut names: impl Iterator<Item = &'a str>) -> &'a str {
    match usage.quota.target {
        Target::Interface(index) => names.nth(index.into()).unwrap_or_default(),
        Target::Device(_) => "",
    }
}

/// Tells of the quotas that have reached a percentage to warn of.
#[inline(never)]
pub fn tell(
    monitor: &Mutex<Monitor>,
    interfaces: &[Interface],
    names: &Names,
    alarm: Option<&Alarm>,
    time: Timestamp,
) {
    lock(monitor).settle(time);
    while let Some(warning) = next(monitor, time) {
        let usage = warning.usage;
        let interface = interface(&usage, interfaces.iter().map(|interface| interface.name.as_str()));
        log::warn!("{}", Sentence { usage, interface, name: warning.name(names).as_deref() });
        if let Some(alarm) = alarm {
            alarm.warn(warning);
        }
    }
}

fn next(monitor: &Mutex<Monitor>, time: Timestamp) -> Option<Warning> {
    let mut monitor = lock(monitor);
    let usage = monitor.next_warning()?;
    let address = match usage.quota.target {
        Target::Device(mac) => latest_address(monitor.ledgers(), mac),
        Target::Interface(_) => None,
    };
    Some(Warning { usage, address, time })
}
