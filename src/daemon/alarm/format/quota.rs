//! That a quota is nearly or wholly used up.

use std::fmt;

use syslog::Severity;

use super::fields::{
    Field, Hyphenated, INTERFACE, Put, SENTENCE, SEVERITY, SIGNATURE, SOURCE, SOURCE_MAC,
    SOURCE_MAC_HYPHENATED, SOURCE_NAME, SOURCE_V6, Subject, Value, Weight, field,
};
use crate::daemon::names::Name;
use crate::daemon::quotas::{Sentence, Warning};
use crate::quota::Target;

const PERCENT: Field = field("percent", "cn1Label=percent cn1", "duskwatch.percent");
const USED: Field = field("used", "cn2Label=used cn2", "duskwatch.used");
const QUOTA: Field = field("quota", "cn3Label=quota cn3", "duskwatch.quota");

/// A warning.
pub struct QuotaWarning<'a> {
    pub warning: &'a Warning,
    /// The interface's name, if it is the quota of one.
    pub interface: &'a str,
    /// The device's.
    pub name: Option<Name>,
}

impl Subject for QuotaWarning<'_> {
    fn id(&self) -> &'static str {
        "QUOTA"
    }

    fn signature(&self) -> &str {
        match self.warning.usage.level() {
            100 => "monthly quota used up",
            _ => "monthly quota nearly used up",
        }
    }

    fn weight(&self) -> Weight {
        match self.warning.usage.level() {
            100 => Weight { syslog: Severity::LOG_WARNING, cef: 5, word: "medium" },
            _ => Weight { syslog: Severity::LOG_NOTICE, cef: 3, word: "low" },
        }
    }

    fn ecs_kind(&self) -> (&'static str, &'static str) {
        ("event", "network")
    }

    fn put_fields(&self, put: &mut Put<'_>) -> fmt::Result {
        let Self { interface, name, warning: Warning { usage, address, .. } } = self;
        let sentence = Sentence { usage: *usage, interface, name: name.as_deref() };
        put(&SIGNATURE, Value::Text(self.signature()))?;
        put(&SEVERITY, Value::Word(&self.weight().word))?;
        put(&SENTENCE, Value::Sentence(format_args!("{sentence}")))?;
        if let Some(address) = address {
            put(if address.is_v4() { &SOURCE } else { &SOURCE_V6 }, Value::Word(address))?;
        }
        if let Target::Device(mac) = usage.quota.target {
            put(&SOURCE_MAC, Value::Word(&mac))?;
            put(&SOURCE_MAC_HYPHENATED, Value::Word(&Hyphenated(mac)))?;
        }
        if let Some(name) = name {
            put(&SOURCE_NAME, Value::Text(name))?;
        }
        put(&PERCENT, Value::Number(usage.percent()))?;
        put(&USED, Value::Number(usage.used))?;
        put(&QUOTA, Value::Number(usage.quota.bytes))?;
        match usage.quota.target {
            Target::Interface(_) => put(&INTERFACE, Value::Text(interface)),
            Target::Device(_) => Ok(()),
        }
    }
}
