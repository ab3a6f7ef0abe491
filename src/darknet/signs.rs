//! When each address was last known to be somebody's: an 8-way set-associative table, allocated once.

use alloc::boxed::Box;
use alloc::vec;

use crate::limits::{GRACE_SECONDS, LIT_SECONDS};
use crate::packet::Address;
use crate::table::Seed;

const WAYS: usize = 8;

/// Whether somebody has an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Light {
    /// There was a sign of whoever has it within [`LIT_SECONDS`].
    Lit,
    /// There was one within [`GRACE_SECONDS`]: a device that sleeps or has left.
    Grace,
    /// The last one is longer ago: a device that is gone, or asleep for days.
    Left,
    /// None is remembered.
    Dark,
}

/// One address and the second of its last sign, 0 if there is none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sign {
    address: Address,
    /// Seconds since 1970 (good until 2106).
    last: u32,
}

/// The table. In a full set the address goes whose last sign is oldest.
#[derive(Clone, Debug)]
pub(super) struct Signs {
    slots: Box<[Sign]>,
    seed: Seed,
    forgotten: u64,
}

impl Signs {
    /// A table of this many addresses, rounded up to a power of two.
    pub fn with_capacity(capacity: usize, seed: Seed) -> Self {
        let slots = capacity.next_power_of_two().max(WAYS);
        Self { slots: vec![Sign::default(); slots].into_boxed_slice(), seed, forgotten: 0 }
    }

    /// Notes a sign of whoever has this address.
    pub fn note(&mut self, address: Address, now: u32) {
        let set = self.set(address);
        let Some(ways) = self.slots.get_mut(set..set + WAYS) else { return };
        let known = ways.iter().position(|sign| sign.address == address && sign.last != 0);
        let oldest = || (0..WAYS).min_by_key(|&way| ways.get(way).map_or(u32::MAX, |sign| sign.last));
        let Some(sign) = known.or_else(oldest).and_then(|way| ways.get_mut(way)) else { return };
        if known.is_none() && sign.last != 0 && now.saturating_sub(sign.last) < GRACE_SECONDS {
            self.forgotten += 1;
        }
        *sign = Sign { address, last: now.max(1) };
    }

    /// Whether somebody has this address.
    pub fn light(&self, address: Address, now: u32) -> Light {
        let set = self.set(address);
        let ways = self.slots.get(set..set + WAYS).unwrap_or_default();
        let sign = ways.iter().find(|sign| sign.address == address && sign.last != 0);
        // A clock that was set back makes no address dark.
        match sign.map(|sign| now.saturating_sub(sign.last)) {
            Some(age) if age < LIT_SECONDS => Light::Lit,
            Some(age) if age < GRACE_SECONDS => Light::Grace,
            Some(_) => Light::Left,
            None => Light::Dark,
        }
    }

    /// Addresses that were forgotten before their grace was over, for want of room.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    fn set(&self, address: Address) -> usize {
        self.seed.address(address) as usize & (self.slots.len() - WAYS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::SIGN_BYTES;

    const NOW: u32 = 1_700_000_000;

    fn address(n: u32) -> Address {
        Address::v4(0x0a00_0000 + n)
    }

    #[test]
    fn an_address_goes_dark_in_steps() {
        let mut signs = Signs::with_capacity(16, Seed::new(1, 2));
        assert_eq!(signs.light(address(1), NOW), Light::Dark);
        signs.note(address(1), NOW);
        assert_eq!(signs.light(address(1), NOW + LIT_SECONDS - 1), Light::Lit);
        assert_eq!(signs.light(address(1), NOW + LIT_SECONDS), Light::Grace);
        assert_eq!(signs.light(address(1), NOW + GRACE_SECONDS - 1), Light::Grace);
        assert_eq!(signs.light(address(1), NOW + GRACE_SECONDS), Light::Left);
        assert_eq!(signs.light(address(1), NOW - 5000), Light::Lit, "the clock was set back");
        assert_eq!(signs.light(address(2), NOW), Light::Dark);
    }

    #[test]
    fn a_full_set_forgets_the_oldest_and_counts_it() {
        let mut signs = Signs::with_capacity(WAYS, Seed::new(1, 2));
        for n in 0..=WAYS as u32 {
            signs.note(address(n), NOW + n);
        }
        assert_eq!((signs.light(address(0), NOW), signs.forgotten()), (Light::Dark, 1));
        assert!((1..=WAYS as u32).all(|n| signs.light(address(n), NOW) == Light::Lit));
        signs.note(address(0), NOW + 2 * GRACE_SECONDS);
        assert_eq!(signs.forgotten(), 1, "that of a dark address is no loss");
    }

    #[test]
    fn a_home_fits_and_costs_what_limits_says() {
        assert!(size_of::<Sign>() <= SIGN_BYTES);
        for seed in 0..20 {
            let mut signs = Signs::with_capacity(1024, Seed::new(seed, 7));
            (0..254).for_each(|n| signs.note(address(n), NOW));
            let dark = (0..254).filter(|&n| signs.light(address(n), NOW) == Light::Dark).count() as u64;
            assert_eq!(dark, signs.forgotten());
            assert!(dark == 0, "seed {seed}: {dark} of a full /24 were forgotten");
        }
    }
}
