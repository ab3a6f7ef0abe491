//! What the user wants left out: a machine that maps the network, a printer driver that never learns.

use heapless::Vec;

use crate::limits::DARK_EXCLUSIONS_MAX;
use crate::network::Prefix;
use crate::packet::{Address, Mac};

/// Something that is left out of the darknet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exclusion {
    /// What comes from this network or goes there.
    Prefix(Prefix),
    /// What goes to this port, of whichever transport protocol.
    Port(u16),
    /// What this device sends.
    Mac(Mac),
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Exclusions(Vec<Exclusion, DARK_EXCLUSIONS_MAX>);

impl Exclusions {
    /// `None` if there are too many.
    pub fn new(exclusions: &[Exclusion]) -> Option<Self> {
        Vec::from_slice(exclusions).ok().map(Self)
    }

    /// True if one of them holds for what this sender sent to this address and port.
    pub fn hold(&self, source: Address, mac: Mac, destination: Address, port: Option<u16>) -> bool {
        self.0.iter().any(|exclusion| match exclusion {
            Exclusion::Prefix(prefix) => prefix.contains(source) || prefix.contains(destination),
            Exclusion::Port(excluded) => port == Some(*excluded),
            Exclusion::Mac(excluded) => mac == *excluded,
        })
    }
}
