//! The web page: what meets the network is bounded in connections, bytes and time.
//!
//! ```text
//!  poll(2) --> Gate --> Connection --head--> request::parse --Request--> Handler
//!                           ^                      | Refusal               | Response
//!                           '---- Page (head + body, sent in place) <------'
//! ```
//!
//! One thread serves everything, in turns: each connection that is ready gets one read, at most one
//! request and one write, then the next. A connection is a slot with a fixed head buffer; a response
//! is rendered into one of a few pages that exist from the start. When slots or pages run out, whoever
//! has waited or stalled longest is closed and counted. Nothing grows with the number of clients, with
//! what they send or with what they do not read.

mod connection;
pub mod gate;
mod gzip;
pub mod host;
pub mod listeners;
mod listing;
pub mod pages;
pub mod request;
pub mod response;
mod routes;
pub mod sources;
pub mod upload;

pub use gate::{Gate, Statistics};
pub use host::HostNames;
pub use listeners::Listeners;
pub use request::{Form, Method, Refusal, Request};
pub use response::{Cache, Download, Page, Response, Status};
pub use upload::Upload;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Instant;

/// Answers the requests that passed the gate.
pub trait Handler {
    /// Renders the body of the answer into `page`, which is empty, and says what goes above it.
    ///
    /// It runs in the gate's thread and must not block. Errors of writing into the page need no care:
    /// a page that ran over is replaced by a refusal. HEAD, conditional requests and connections are
    /// the gate's business: the handler always renders the whole body.
    fn respond(&mut self, request: &Request<'_>, statistics: &Statistics, page: &mut Page) -> Response;

    /// Begins an answer that is too large for a page, if that is what was asked for. It is called before
    /// [`Handler::respond`], which is not called then.
    fn download(&mut self, _request: &Request<'_>) -> Option<Download> {
        None
    }

    /// What a POST may bring to this path. It is called when the head has arrived, before the body is read.
    fn takes(&mut self, _request: &Request<'_>, _now: Instant) -> Takes {
        Takes::Nothing
    }

    /// Does what a POST asks for, once all of its body is there, and renders the answer. It runs in the gate's
    /// thread and must not block: what takes long is done in slices, and the answer is ready later.
    fn act(&mut self, _post: &Post<'_>, _page: &mut Page) -> Answer {
        Answer::Refused(Refusal::Method)
    }
}

/// What a POST may bring to a path.
pub enum Takes {
    /// It is not for POST.
    Nothing,
    /// This one is refused.
    Refused(Refusal),
    /// A form.
    Form,
    /// A form with a file, which is kept at this path if it has no more than so many bytes, with what is around it.
    File(PathBuf, u64),
}

/// Who asks, and when.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// From where.
    pub address: IpAddr,
    /// By which of all connections that were accepted.
    pub connection: u64,
    /// The present.
    pub now: Instant,
}

/// A POST with all of its body.
pub struct Post<'a> {
    /// Its head.
    pub request: &'a Request<'a>,
    /// Who sent it.
    pub client: Client,
    /// The form; empty if it came with a file.
    pub form: Form<'a>,
    /// The file, if it came with one.
    pub upload: Option<&'a Upload>,
}

/// What becomes of a POST.
pub enum Answer {
    /// The page is rendered, and this goes above it.
    Ready(Response),
    /// The handler is to be asked again: others have their turn first, and not before this time.
    Later(Instant),
    /// It is refused.
    Refused(Refusal),
}

/// A body that is made in parts while it is sent.
pub trait Body {
    /// Writes the next part into `page`, which is empty and has room for `WEB_PART_BYTES`; false if it was the
    /// last. It must not block, and may write nothing if finding the next part takes long.
    fn next(&mut self, page: &mut Page) -> bool;
}
