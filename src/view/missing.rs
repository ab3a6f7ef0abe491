//! What is shown where there is no page: that there is none, and where the pages are.

use core::fmt;

use super::Context;
use super::books::Header;
use super::page::{Page, Place};
use crate::monitor::Monitor;

/// The page of what is not there.
#[derive(Default)]
pub struct MissingView {
    header: Header,
}

impl MissingView {
    /// Copies the interfaces, for the navigation. Allocates nothing.
    pub fn copy(&mut self, monitor: &Monitor) {
        // Without an interface there is less to choose from, and no other way to say so.
        let _ = self.header.copy(monitor, None);
    }

    /// Writes the page.
    pub fn write_html(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        let page = Page { header: &self.header, context, place: Place::Missing };
        page.write(out, &|html| _ = html.say(Place::Missing.label()), |html| {
            html.markup("<h1>").say(Place::Missing.label()).markup("</h1>\n");
            // The script has nothing to ask for again.
            html.markup("<p data-still>{There is no such page, interface, device or host here.}</p>\n");
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{INTERFACE_NAME_MAX, INTERFACES_MAX};
    use crate::view::languages::{ENGLISH, LANGUAGES};
    use crate::view::samples::seeded_interfaces;

    #[test]
    fn it_leads_to_the_pages_in_the_readers_language() {
        let context =
            Context { language: LANGUAGES[1], ..Context::at(crate::time::Timestamp::from_seconds(0)) };
        let mut view = MissingView::default();
        view.copy(&seeded_interfaces(&["br-lan", "wan"]));
        let mut out = String::new();
        view.write_html(&mut out, &context).unwrap();
        assert!(out.contains("<h1>Nicht gefunden</h1>") && out.contains("lang=\"de\""), "{out}");
        assert!(out.contains("<a href=\"/?interface=wan\"><bdi>wan</bdi>"), "{out}");
        assert!(out.contains("<a href=\"/hosts/?interface=br-lan\">Rechner</a>"), "{out}");
        assert!(!out.contains("aria-current"), "none of the pages is shown: {out}");

        let names: Vec<String> = (0..INTERFACES_MAX).map(|n| format!("{n:<<INTERFACE_NAME_MAX$}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        view.copy(&seeded_interfaces(&names));
        out.clear();
        view.write_html(&mut out, &Context { language: &ENGLISH, ..context }).unwrap();
        assert!(out.len() < 16_384, "{}", out.len());
    }
}
