//! One interface of ours while it comes, changes and goes.

use std::sync::Arc;

use super::addresses::{self, DeviceAddress};
use super::coverage::Meter;
use super::devices::DeviceSet;
use super::handle::{Handle, Read};
use super::{Batch, InterfaceSpec, Options, Presence, Sink};
use crate::limits::{CAPTURE_BATCH, CAPTURE_EMPTY_WAKEUPS_MAX};
use crate::network::{Networks, Role};

pub(super) struct Interface {
    pub name: String,
    role: Role,
    set: Option<DeviceSet>,
    networks: Networks,
    pub handle: Option<Handle>,
    pub meter: Arc<Meter>,
    /// Why nothing is captured, if nothing is.
    waiting: Option<String>,
    /// True if no message of the kernel will tell when to try again.
    pub retry: bool,
    /// Wake-ups in a row for which there was nothing to read.
    empty_wakeups: u32,
}

impl Interface {
    pub fn new(spec: &InterfaceSpec, options: &Options) -> Self {
        Self {
            name: spec.name.clone(),
            role: spec.role,
            set: None,
            networks: Networks::new(),
            handle: None,
            meter: Arc::new(Meter::new(options.system.clone(), options.filter.is_some())),
            waiting: None,
            retry: false,
            empty_wakeups: 0,
        }
    }

    /// Why nothing is captured, if nothing is.
    pub fn waiting(&self) -> Option<&str> {
        self.waiting.as_deref()
    }

    pub fn presence(&self) -> Presence<'_> {
        Presence {
            name: &self.name,
            link: self.handle.as_ref().filter(|_| self.waiting.is_none()).map(Handle::link),
            networks: &self.networks,
            devices: self.set.as_ref(),
        }
    }

    /// Brings the interface in line with what its devices are now. True if anything has changed.
    pub fn look(&mut self, options: &Options, addresses: &[DeviceAddress]) -> bool {
        let set = options.system.resolve(&self.name, options.named_only);
        let networks = match set {
            Some(_) => addresses::networks(&self.name, self.role, addresses),
            None => self.networks.clone(),
        };
        let changed = set != self.set || networks.prefixes() != self.networks.prefixes();
        if set.as_ref().map(place) != self.set.as_ref().map(place) {
            self.close();
        }
        let other_devices = set != self.set;
        self.set = set;
        self.networks = networks;
        let was_waiting = self.waiting.is_some();
        self.waiting = self.capture(changed, options).err();
        if other_devices {
            // Once they are read, so that what passed before is not missed.
            self.meter.follow(self.set.as_ref());
            if let Some(left_out) = self.set.as_ref().map(|set| set.left_out).filter(|left_out| *left_out > 0)
            {
                log::warn!("{}: {left_out} of its ports are more than can be read", self.name);
            }
        }
        changed || was_waiting != self.waiting.is_some()
    }

    /// Sees to it that there is a handle and that it has the right filter, or says why not.
    fn capture(&mut self, changed: bool, options: &Options) -> Result<(), String> {
        self.retry = false;
        let set = self.set.as_ref().ok_or("there is no such interface")?;
        if !set.interface.up || (!set.bridge && !set.devices.iter().all(|device| device.up)) {
            return Err("it is down".to_owned());
        }
        let result = match &mut self.handle {
            Some(_) if !changed => Ok(()),
            Some(handle) => handle.follow(set, &self.networks, options),
            None => Handle::open(set, &self.networks, options).map(|handle| self.handle = Some(handle)),
        };
        if result.is_err() {
            self.close();
            self.retry = true;
        }
        result
    }

    /// Reads one batch. False if the handle had to be closed.
    pub fn drain(&mut self, index: usize, sink: &mut impl Sink) -> bool {
        let Some(handle) = &mut self.handle else { return true };
        let mut batch = sink.begin(index);
        let drained = handle.drain(CAPTURE_BATCH, |read, now| match read {
            Read::Frame(frame) => batch.frame(&frame, now),
            Read::Copy => batch.bridged_copy(now),
        });
        batch.end();
        let losses_are_old = self.meter.add(handle.take_seen());
        if losses_are_old {
            self.read_losses();
        }
        self.empty_wakeups = if matches!(drained, Ok(0)) { self.empty_wakeups + 1 } else { 0 };
        // A device that goes down wakes us once for nothing; a descriptor that does so for ever is broken.
        let usable = drained.is_ok() && self.empty_wakeups < CAPTURE_EMPTY_WAKEUPS_MAX;
        if !usable {
            self.close();
        }
        usable
    }

    /// Asks the kernel what did not fit the ring.
    pub fn read_losses(&mut self) {
        if let Some(handle) = &mut self.handle {
            self.meter.add_dropped(handle.take_dropped());
        }
    }

    fn close(&mut self) {
        self.read_losses();
        self.handle = None;
        self.empty_wakeups = 0;
    }
}

/// What a handle stays bound to; with another one it has to be opened anew.
fn place(set: &DeviceSet) -> (bool, u32) {
    match set.devices.first() {
        Some(device) if !set.bridge => (false, device.index),
        _ => (true, set.interface.index),
    }
}
