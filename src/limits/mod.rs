//! Every bound in one place: its value, why, and what it costs in bytes. In the order of the modules.

mod books;
mod daemon;
mod darknet;
mod evidence;
mod view;
mod web;

pub use books::*;
pub use daemon::*;
pub use darknet::*;
pub use evidence::*;
pub use view::*;
pub use web::*;
