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
pub mod host;
pub mod listeners;
pub mod request;
pub mod response;
pub mod routes;

pub use gate::{Gate, Statistics};
pub use host::HostNames;
pub use listeners::Listeners;
pub use request::{Method, Refusal, Request};
pub use response::{Cache, Download, Page, Response, Status};

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
}

/// A body that is made in parts while it is sent.
pub trait Body {
    /// Writes the next part into `page`, which is empty and has room for `WEB_PART_BYTES`; false if it was the
    /// last. It must not block, and may write nothing if finding the next part takes long.
    fn next(&mut self, page: &mut Page) -> bool;
}
