//! What whoever knows the password may do.

use core::fmt;
use core::net::IpAddr;

use super::Context;
use super::books::{Header, NotFound};
use super::html::Html;
use super::languages::Phrase;
use super::page::{Page, Place};
use super::units::Bytes;
use crate::limits::{NAME_BYTES_MAX, PASSWORD_BYTES_MAX};
use crate::monitor::Monitor;
use crate::packet::{Address, Mac};
use crate::time::Timestamp;

/// Who looks at the page.
#[derive(Clone, Copy, Debug)]
pub enum Visitor<'a> {
    /// Nobody can log in: no password is set.
    Anyone,
    /// Somebody who has yet to give the password.
    Stranger,
    /// Somebody who gave it. The token goes with every form.
    Administrator {
        /// What shows that a form is from this page.
        token: &'a str,
        /// The latest snapshot, if snapshots are kept.
        state: Option<State>,
        /// Whether devices can be given names.
        renames: bool,
    },
}

/// The latest snapshot.
#[derive(Clone, Copy, Debug, Default)]
pub struct State {
    /// When it was saved.
    pub saved: Option<Timestamp>,
    /// Its size in bytes.
    pub size: u64,
}

/// What a link on another page wants to be done, for the forms to begin with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The host to forget.
    pub address: Option<Address>,
    /// The device to rename.
    pub mac: Option<Mac>,
}

impl Wanted {
    /// What these fields of a query or form say; what is no address is nothing.
    pub fn of<T: AsRef<str>>(field: impl Fn(&str) -> Option<T>) -> Self {
        let address = field("address").and_then(|text| text.as_ref().parse::<IpAddr>().ok());
        let mac = field("mac").and_then(|text| Mac::parse(text.as_ref()));
        Self { address: address.map(Address::from), mac }
    }
}

/// The query by which the page gets it, and nothing for nothing.
impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.address, self.mac) {
            (Some(address), _) => write!(f, "?address={address}"),
            (None, Some(mac)) => write!(f, "?mac={mac}"),
            (None, None) => Ok(()),
        }
    }
}

/// How the latest action went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The password was wrong.
    WrongPassword,
    /// The counters of an interface start anew.
    Reset,
    /// The counters of all interfaces start anew.
    ResetAll,
    /// A host was forgotten.
    Forgotten,
    /// A device has got another name.
    Renamed,
    /// There is no such host or interface.
    Unknown,
    /// A snapshot was saved.
    Saved,
    /// The books are those of an upload now.
    Restored,
    /// It was not done, and why.
    Failed,
}

impl Outcome {
    /// What the page says, with a place for what it is about.
    const fn phrase(self) -> Phrase {
        match self {
            Self::WrongPassword => Phrase("The password is wrong.%"),
            Self::Reset => Phrase("The counters of % start at zero."),
            Self::ResetAll => Phrase("All counters start at zero.%"),
            Self::Forgotten => Phrase("% is forgotten."),
            Self::Renamed => Phrase("% has its new name."),
            Self::Unknown => Phrase("% is not known here."),
            Self::Saved => Phrase("A snapshot of % bytes was saved."),
            Self::Restored => Phrase("The books are restored; those before are in the previous snapshot.%"),
            Self::Failed => Phrase("Not done: %"),
        }
    }

    /// True if what was asked for is not done.
    const fn is_trouble(self) -> bool {
        matches!(self, Self::WrongPassword | Self::Unknown | Self::Failed)
    }
}

/// The page of forms.
#[derive(Default)]
pub struct AdminView {
    /// The interfaces.
    pub header: Header,
}

impl AdminView {
    /// Copies the interfaces. Allocates nothing.
    pub fn copy(&mut self, monitor: &Monitor, interface: Option<&str>) -> Result<(), NotFound> {
        self.header.copy(monitor, interface).map(|_| ())
    }

    /// Writes the page. `wanted` is what its forms begin with; `said` is how the latest action went, and what it was
    /// about.
    pub fn write_html(
        &self,
        out: &mut dyn fmt::Write,
        context: &Context,
        visitor: Visitor<'_>,
        wanted: Wanted,
        said: Option<(Outcome, &str)>,
    ) -> fmt::Result {
        let page = Page { header: &self.header, context, place: Place::Admin };
        page.write(out, &|html| _ = html.markup("{Administration}"), |html| {
            html.markup("<h1>{Administration}</h1>\n");
            if let Some((outcome, what)) = said {
                let class = if outcome.is_trouble() { "<p class=\"notice\"" } else { "<p" };
                html.markup(class).markup(" role=\"status\">");
                html.phrase(outcome.phrase().0, &[&what]).markup("</p>\n");
            }
            match visitor {
                Visitor::Anyone => {
                    html.markup("<p>{There is no password, so these pages only show. To set one, put what} ");
                    html.markup(
                        "<code>duskwatch --hash-password</code> {prints into a file, and name that with} ",
                    );
                    html.markup("<code>--password-file</code>.</p>\n");
                }
                Visitor::Stranger => {
                    let form = Form { page: &page, token: "", wanted };
                    form.begin(html, "login");
                    html.markup("<label>{Password} <input type=\"password\" name=\"password\" required");
                    html.markup(" autocomplete=\"current-password\" maxlength=\"").text(PASSWORD_BYTES_MAX);
                    html.markup("\"></label>");
                    // They come back with the way to the forms.
                    if let Some(address) = wanted.address {
                        html.markup("\n<input type=\"hidden\" name=\"address\" value=\"")
                            .text(address)
                            .markup("\">");
                    }
                    if let Some(mac) = wanted.mac {
                        html.markup("\n<input type=\"hidden\" name=\"mac\" value=\"").text(mac).markup("\">");
                    }
                    form.end(html, Phrase("Log in"));
                }
                Visitor::Administrator { token, state, renames } => {
                    let form = Form { page: &page, token, wanted };
                    self.counters(html, &form);
                    if renames {
                        names(html, &form);
                    }
                    if let Some(state) = state {
                        files(html, &form, &state);
                    }
                    form.begin(html, "logout");
                    form.end(html, Phrase("Log out"));
                }
            }
        })
    }

    fn counters(&self, html: &mut Html, form: &Form) {
        html.markup("<h2>{Counters}</h2>\n");
        form.begin(html, "reset");
        html.markup("<label>{Interface} <select name=\"interface\"><option value=\"\">{all}</option>");
        for interface in self.header.interfaces.iter() {
            html.markup("<option>").text(&interface.name).markup("</option>");
        }
        html.markup("</select></label>\n<label><input type=\"checkbox\" required> ");
        html.markup("{All that was counted is forgotten}</label>");
        form.end(html, Phrase("Reset the counters"));
        form.begin(html, "forget");
        html.markup("<label>{Host} <input type=\"text\" name=\"address\" required maxlength=\"45\"");
        if let Some(address) = form.wanted.address {
            html.markup(" value=\"").text(address).markup("\"");
        }
        html.markup("></label>");
        form.end(html, Phrase("Forget"));
    }
}

fn names(html: &mut Html, form: &Form) {
    html.markup("<h2>{Names}</h2>\n");
    form.begin(html, "rename");
    html.markup("<label>{MAC address} <input type=\"text\" name=\"mac\" required maxlength=\"17\"");
    let mac = form.wanted.mac;
    if let Some(mac) = mac {
        html.markup(" value=\"").text(mac).markup("\"");
    }
    html.markup("></label>\n");
    html.markup(
        "<label>{Name, or nothing for none of its own} <input type=\"text\" name=\"name\" maxlength=\"",
    );
    html.text(NAME_BYTES_MAX);
    if let Some(name) = mac.and_then(|mac| form.page.context.names.device(mac)) {
        html.markup("\" value=\"").text(&name);
    }
    html.markup("\"></label>");
    form.end(html, Phrase("Rename"));
}

fn files(html: &mut Html, form: &Form, state: &State) {
    html.markup("<h2>{State}</h2>\n<p>{Latest snapshot}: ");
    form.page.time_or_dash(html, state.saved);
    html.markup(", ").text(Bytes(state.size)).markup(". <a download href=\"");
    form.page.path(html, Place::Admin);
    html.markup("duskwatch.snapshot\">{Download}</a></p>\n");
    form.begin(html, "snapshot");
    form.end(html, Phrase("Snapshot now"));
    html.markup("<form method=\"post\" enctype=\"multipart/form-data\" action=\"");
    form.page.path(html, Place::Admin);
    html.markup("restore?token=").url(form.token).markup("\">\n<label>{Snapshot} ");
    html.markup("<input type=\"file\" name=\"state\" required></label>");
    form.end(html, Phrase("Restore"));
}

/// What the forms have in common.
struct Form<'a> {
    page: &'a Page<'a>,
    token: &'a str,
    wanted: Wanted,
}

impl Form<'_> {
    fn begin(&self, html: &mut Html, action: &'static str) {
        html.markup("<form method=\"post\" action=\"");
        self.page.path(html, Place::Admin);
        html.markup(action).markup("\">\n");
        if !self.token.is_empty() {
            html.markup("<input type=\"hidden\" name=\"token\" value=\"").text(self.token).markup("\">\n");
        }
    }

    fn end(&self, html: &mut Html, button: Phrase) {
        html.markup("\n<button type=\"submit\">").say(button).markup("</button>\n</form>\n");
    }
}
