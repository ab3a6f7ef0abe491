//! By what somebody came to be watched.

/// Why a frame is a matter of the darknet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// It went to an address that the user declared dark.
    Given,
    /// ... to an address of a LAN's own network of whose holder there is no sign.
    Unused,
    /// ... to such an address, but somebody had it before: good devices go on asking for those that sleep or are
    /// gone.
    Left,
    /// ... to such an address, in a network that was not watched for long enough to know.
    Learning,
    /// It left a LAN for a network that the Internet does not carry and that is not in use here (RFC 6890).
    Bogon,
    /// An ARP message came from an address outside the networks of its LAN.
    ForeignSender,
    /// It bears the mark of a scanner, and went to an address that is not dark.
    Mark,
    /// It is one of many SYNs from a LAN to one port of many addresses, of which nearly none answers.
    FanOut,
}

impl Signal {
    /// The name that the report uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Given => "dark network",
            Self::Unused | Self::Left | Self::Learning => "unused address",
            Self::Bogon => "bogon",
            Self::ForeignSender => "foreign sender",
            Self::Mark => "mark of a tool",
            Self::FanOut => "fan-out",
        }
    }

    /// True if it was for an address that nobody has.
    pub const fn is_dark(self) -> bool {
        matches!(self, Self::Given | Self::Unused | Self::Left | Self::Learning | Self::Bogon)
    }

    /// True if it counts towards the verdict that its sender looks for hosts.
    pub(super) const fn is_evidence(self) -> bool {
        matches!(self, Self::Given | Self::Unused)
    }

    /// True if nobody is told at once: what may be a device that has not said anything yet, an address whose
    /// answer is on its way, or what a mark says by chance.
    pub(super) const fn is_quiet(self) -> bool {
        matches!(self, Self::Learning | Self::Bogon | Self::Mark)
    }
}
