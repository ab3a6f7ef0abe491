//! The page of all hosts, which is made in parts while it is sent: it may be longer than a response in memory.

use super::{Body, Page};
use crate::daemon::names::Names;
use crate::limits::HOST_ROW_BYTES;
use crate::time::Timestamp;
use crate::view::languages::Language;
use crate::view::{Context, Hidden, HostsView};

/// The page, with the hosts as they were when it was asked for: its sums are theirs.
pub(super) struct Listing {
    view: HostsView,
    names: Names,
    now: Timestamp,
    utc_offset: i32,
    base: String,
    language: &'static Language,
    hidden: Hidden,
    custom_style: bool,
    administration: bool,
    has_begun: bool,
    /// The next row.
    next: usize,
}

impl Listing {
    /// This page, made as that context says, but with these names.
    pub fn new(view: HostsView, names: Names, context: &Context<'_>) -> Self {
        let Context { now, utc_offset, base, language, hidden, custom_style, administration, .. } = *context;
        let base = base.to_owned();
        let (has_begun, next) = (false, 0);
        Self {
            view,
            names,
            now,
            utc_offset,
            base,
            language,
            hidden,
            custom_style,
            administration,
            has_begun,
            next,
        }
    }
}

impl Body for Listing {
    fn next(&mut self, page: &mut Page) -> bool {
        let Self { now, utc_offset, language, hidden, custom_style, administration, .. } = *self;
        let context = Context {
            now,
            utc_offset,
            base: &self.base,
            names: &self.names,
            language,
            hidden,
            notice: None,
            custom_style,
            administration,
        };
        // A part has room for all that is written into it.
        if !self.has_begun {
            self.has_begun = true;
            let _ = self.view.write_begin(page, &context);
        }
        while page.room() >= HOST_ROW_BYTES {
            if self.next == self.view.rows().len() {
                let _ = self.view.write_end(page, &context);
                return false;
            }
            let _ = self.view.write_row(page, &context, self.next);
            self.next += 1;
        }
        true
    }
}
