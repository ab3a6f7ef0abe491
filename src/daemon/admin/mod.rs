//! Administration behind a password: who may, and what is done.
//!
//! ```text
//!  POST --> takes: ours, known? --> act --> login --> password, in slices --> session
//!                                    '----> session and token right? --> reset, forget, snapshot, restore
//! ```
//!
//! A POST is answered with the way to the page, which shows how it went: to load it again does nothing anew.
//! Nothing of this is there unless a password is set.

pub mod orders;
pub mod password;
pub mod sessions;

use std::fs::{self, File};
use std::io::Read;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::keeper::SharedStatus;
use super::tap::{Shared, lock};
use super::web::{Answer, Body, Download, Page, Post, Refusal, Request, Response, Status, Takes, Upload};
use crate::limits::{LOGIN_DELAY, PASSWORD_CHECK_IDLE, PASSWORD_SLICE, WEB_UPLOAD_FRAME_BYTES};
use crate::packet::Mac;
use crate::view::{Outcome, State, Wanted};
use orders::{Order, Orders};
use password::{Check, Password};
use sessions::{Attempts, Session, Sessions};

/// The name of the cookie.
const COOKIE: &str = "duskwatch";

/// How soon to look again whether somebody else's turn is over.
const PAUSE: Duration = Duration::from_millis(50);

/// The path of the forms below the base, and that of the state.
const PREFIX: &str = "admin/";
const STATE: &str = "duskwatch.snapshot";

/// The password, which the main thread reads anew.
pub type SharedPassword = Arc<Mutex<Password>>;

/// Gives a device a name of its own, or none if it is empty; fails with a line for people.
pub type Renamer = Box<dyn Fn(Mac, &str) -> Result<(), String> + Send>;

/// What snapshots are to the forms.
#[derive(Clone)]
pub struct Files {
    /// Where they are.
    pub directory: PathBuf,
    /// The size of the largest that these books can make, in bytes.
    pub bytes_max: u64,
    /// How they go.
    pub status: SharedStatus,
    /// The way to the thread that keeps them.
    pub orders: Orders,
}

impl Files {
    /// Where an upload is kept while it comes.
    fn upload(&self) -> PathBuf {
        self.directory.join("duskwatch.upload")
    }

    /// Removes what a power cut has left of an upload: it may be as large as a snapshot, on flash.
    pub fn remove_upload(&self) {
        // As a rule there is none.
        let _ = fs::remove_file(self.upload());
    }
}

/// Who may do what, and the doing of it.
pub struct Admin {
    password: SharedPassword,
    /// As it was when the sessions began.
    known: Password,
    monitor: Shared,
    files: Option<Files>,
    rename: Option<Renamer>,
    /// The path before the pages' own.
    base: String,
    sessions: Sessions,
    attempts: Attempts,
    login: Option<Login>,
}

/// A password that is being checked: one at a time.
struct Login {
    connection: u64,
    check: Check,
    /// It was wrong, which is not said before this time.
    wrong: Option<Instant>,
    /// When its client has last been there.
    seen: Instant,
}

/// What a form asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Login,
    Logout,
    Reset,
    Forget,
    Rename,
    Snapshot,
    Restore,
}

impl Action {
    const ALL: [(&str, Self); 7] = [
        ("login", Self::Login),
        ("logout", Self::Logout),
        ("reset", Self::Reset),
        ("forget", Self::Forget),
        ("rename", Self::Rename),
        ("snapshot", Self::Snapshot),
        ("restore", Self::Restore),
    ];
}

impl Admin {
    /// Administration with this password. `base` is the path before the pages' own, with a slash at both ends.
    pub fn new(password: SharedPassword, monitor: Shared, files: Option<Files>, base: String) -> Self {
        let known = current(&password);
        Self {
            password,
            known,
            monitor,
            files,
            rename: None,
            base,
            sessions: Sessions::default(),
            attempts: Attempts::default(),
            login: None,
        }
    }

    /// Lets devices be renamed by this.
    pub fn rename_by(&mut self, rename: Renamer) {
        self.rename = Some(rename);
    }

    /// Whether devices can be renamed.
    pub fn renames(&self) -> bool {
        self.rename.is_some()
    }

    /// The session that a request belongs to.
    pub fn session(&mut self, request: &Request<'_>, now: Instant) -> Option<&mut Session> {
        self.notice_password();
        self.sessions.find(request.cookies(COOKIE), now)
    }

    /// A new password ends all sessions, and the login that is being checked against the old one.
    fn notice_password(&mut self) {
        let password = current(&self.password);
        if password != self.known {
            self.known = password;
            self.sessions.clear();
            self.login = None;
        }
    }

    /// The latest snapshot, if any are kept.
    pub fn state(&self) -> Option<State> {
        let status = *self.files.as_ref()?.status.lock().unwrap_or_else(PoisonError::into_inner);
        Some(State { saved: status.saved, size: status.size })
    }

    /// What a POST may bring; see [`super::web::Handler::takes`].
    pub fn takes(&mut self, request: &Request<'_>, now: Instant) -> Takes {
        let Some(action) = self.action(request) else { return Takes::Nothing };
        if !request.is_same_origin() {
            return Takes::Refused(Refusal::Forbidden);
        }
        if action == Action::Rename && self.rename.is_none() {
            return Takes::Nothing;
        }
        match (action, &self.files) {
            (Action::Restore, Some(files)) => {
                let path = files.upload();
                let bytes_max = files.bytes_max;
                let token = request.parameter("token").unwrap_or_default();
                // Nobody else gets to write a byte.
                match self.session(request, now).filter(|session| session.has_token(&token)) {
                    Some(_) => Takes::File(path, bytes_max + WEB_UPLOAD_FRAME_BYTES),
                    None => Takes::Refused(Refusal::Forbidden),
                }
            }
            (Action::Snapshot | Action::Restore, None) => Takes::Nothing,
            _ => Takes::Form,
        }
    }

    /// Does what a form asks for. A wrong password is `None`: the page of the login tells.
    pub fn act(&mut self, post: &Post<'_>) -> Option<Answer> {
        let action = self.action(post.request)?;
        if action == Action::Login {
            return self.log_in(post);
        }
        let now = post.client.now;
        let token = match action {
            Action::Restore => post.request.parameter("token").unwrap_or_default(),
            _ => post.form.get("token"),
        };
        if self.session(post.request, now).is_none_or(|session| !session.has_token(&token)) {
            return Some(Answer::Refused(Refusal::Forbidden));
        }
        if action == Action::Logout {
            log::info!("admin: {} logged out", post.client.address);
            self.sessions.end(post.request.cookies(COOKIE));
            return Some(self.go_to_page(post, Wanted::default(), Some(("", "; Max-Age=0"))));
        }
        let said = match action {
            Action::Reset => self.reset(&post.form.get("interface")),
            Action::Forget => self.forget(&post.form.get("address")),
            Action::Rename => self.rename(&post.form.get("mac"), &post.form.get("name")),
            _ => match self.order(action, post) {
                Ok(said) => said,
                Err(later) => return Some(later),
            },
        };
        let (outcome, what) = &said;
        log::info!("admin: {} asked for {action:?}: {outcome:?} {what}", post.client.address);
        if let Some(session) = self.session(post.request, now) {
            session.said = Some(said);
        }
        Some(self.go_to_page(post, Wanted::default(), None))
    }

    /// The latest snapshot's file, for whoever may have it.
    pub fn download(&mut self, request: &Request<'_>, now: Instant) -> Option<Download> {
        if self.below(request)? != STATE {
            return None;
        }
        self.session(request, now)?;
        let file = File::open(self.files.as_ref()?.directory.join(STATE)).ok()?;
        Some(Download { media_type: "application/octet-stream", body: Box::new(FileBody(file)) })
    }

    /// The part of a request's path that is ours.
    fn below<'r>(&self, request: &'r Request<'_>) -> Option<&'r str> {
        request.path().strip_prefix(self.base.as_str())?.strip_prefix(PREFIX)
    }

    fn action(&self, request: &Request<'_>) -> Option<Action> {
        let name = self.below(request)?;
        Action::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, action)| action)
    }

    fn log_in(&mut self, post: &Post<'_>) -> Option<Answer> {
        self.notice_password();
        let now = post.client.now;
        let address = post.client.address;
        let Some(login) = self.login.as_mut().filter(|login| login.connection == post.client.connection)
        else {
            return Some(self.begin_login(post));
        };
        login.seen = now;
        if let Some(until) = login.wrong {
            if now < until {
                return Some(Answer::Later(until));
            }
            self.login = None;
            return None;
        }
        match login.check.work(PASSWORD_SLICE) {
            None => Some(Answer::Later(now)),
            Some(false) => {
                let until = now + LOGIN_DELAY;
                (login.wrong, login.seen) = (Some(until), until);
                if self.attempts.fail(address) {
                    log::warn!(
                        "admin: wrong password from {address}, {} since the start",
                        self.attempts.wrong
                    );
                }
                Some(Answer::Later(until))
            }
            Some(true) => {
                self.login = None;
                self.attempts.forgive(address);
                // A new session for a new login, whatever cookie came with it.
                self.sessions.end(post.request.cookies(COOKIE));
                match self.sessions.begin(now).map(|session| session.id.clone()) {
                    Ok(id) => {
                        log::info!("admin: {address} logged in");
                        let wanted = Wanted::of(|name| Some(post.form.get(name)));
                        Some(self.go_to_page(post, wanted, Some((&id, ""))))
                    }
                    Err(error) => {
                        log::error!("admin: {error}");
                        Some(Answer::Refused(Refusal::Forbidden))
                    }
                }
            }
        }
    }

    fn begin_login(&mut self, post: &Post<'_>) -> Answer {
        let now = post.client.now;
        let idle = |login: &Login| now.saturating_duration_since(login.seen) >= PASSWORD_CHECK_IDLE;
        if self.login.as_ref().is_some_and(|login| !idle(login)) {
            return Answer::Later(now + PAUSE);
        }
        if !self.attempts.begin(post.client.address, now) {
            return Answer::Refused(Refusal::TooMany);
        }
        let check = current(&self.password).check(&post.form.get("password"));
        self.login = Some(Login { connection: post.client.connection, check, wrong: None, seen: now });
        Answer::Later(now)
    }

    /// Sends the browser to the page, and may give it a cookie with a value and an attribute.
    fn go_to_page(&self, post: &Post<'_>, wanted: Wanted, cookie: Option<(&str, &str)>) -> Answer {
        let base = &self.base;
        let mut headers = vec![("Location", format!("{base}{PREFIX}{wanted}"))];
        if let Some((value, attribute)) = cookie {
            // Nothing else of the site gets to see it, nor the wire if the browser knows a better way.
            let secure = if post.request.is_from_https() { "; Secure" } else { "" };
            let attributes = format!("Path={base}admin; HttpOnly; SameSite=Strict{secure}{attribute}");
            headers.push(("Set-Cookie", format!("{COOKIE}={value}; {attributes}")));
        }
        let response = Response::live(Status::SeeOther, "text/plain; charset=utf-8");
        Answer::Ready(Response { headers, ..response })
    }

    /// Resets the counters of the interface with this name, or of all if it is empty.
    fn reset(&mut self, interface: &str) -> (Outcome, String) {
        let mut outcome = Outcome::Unknown;
        for ledger in lock(&self.monitor).ledgers_mut() {
            if interface.is_empty() || ledger.name() == interface {
                ledger.reset();
                outcome = if interface.is_empty() { Outcome::ResetAll } else { Outcome::Reset };
            }
        }
        if outcome != Outcome::Unknown {
            self.save_later();
        }
        (outcome, interface.to_owned())
    }

    /// Forgets a host on all interfaces.
    fn forget(&mut self, text: &str) -> (Outcome, String) {
        let mut outcome = Outcome::Unknown;
        if let Ok(address) = text.trim_ascii().parse::<IpAddr>() {
            for ledger in lock(&self.monitor).ledgers_mut() {
                if ledger.forget_host(address.into()) {
                    outcome = Outcome::Forgotten;
                }
            }
        }
        if outcome != Outcome::Unknown {
            self.save_later();
        }
        (outcome, text.to_owned())
    }

    fn rename(&self, mac: &str, name: &str) -> (Outcome, String) {
        let (Some(known), Some(rename)) = (Mac::parse(mac.trim_ascii()), &self.rename) else {
            return (Outcome::Unknown, mac.to_owned());
        };
        match rename(known, name.trim_ascii()) {
            Ok(()) => {
                self.save_later();
                (Outcome::Renamed, mac.to_owned())
            }
            Err(error) => (Outcome::Failed, error),
        }
    }

    /// Has a snapshot and the names saved, or else a power cut would undo what was done.
    fn save_later(&self) {
        if let Some(files) = &self.files {
            files.orders.save();
        }
    }

    /// Has the main thread do it.
    fn order(&self, action: Action, post: &Post<'_>) -> Result<(Outcome, String), Answer> {
        let Some(Files { orders, .. }) = &self.files else { return Err(Answer::Refused(Refusal::Method)) };
        let number = post.client.connection;
        if let Some(said) = orders.result(number) {
            return Ok(said);
        }
        if !orders.has(number) {
            let order = match action {
                Action::Restore if post.upload.is_some_and(Upload::is_too_large) => {
                    let why = "it is larger than a snapshot of these books can be";
                    return Ok((Outcome::Failed, why.to_owned()));
                }
                Action::Restore => {
                    let path = post.upload.and_then(|upload| upload.path());
                    Order::Restore(path.ok_or(Answer::Refused(Refusal::Storage))?.to_owned())
                }
                _ => Order::Save,
            };
            orders.place(number, order);
        }
        Err(Answer::Later(post.client.now + PAUSE))
    }
}

fn current(password: &SharedPassword) -> Password {
    password.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Reads the password anew. If that fails, the old one stays.
pub fn reload(password: &SharedPassword, path: &Path) {
    match Password::read(path) {
        Ok(new) => *password.lock().unwrap_or_else(PoisonError::into_inner) = new,
        Err(error) => log::warn!("--password-file {}: {error}; the password stays as it was", path.display()),
    }
}

/// A file that is sent as it is.
struct FileBody(File);

impl Body for FileBody {
    fn next(&mut self, page: &mut Page) -> bool {
        let mut bytes = [0; 4096];
        while page.room() >= bytes.len() {
            match self.0.read(&mut bytes) {
                Ok(length @ 1..) => _ = page.write_bytes(&bytes[..length]),
                _ => return false,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::store::tests::{monitor, observe};
    use crate::daemon::web::request::{Parsed, parse};
    use crate::daemon::web::{Client, Form};
    use crate::limits::{LOGIN_FAILURES_PER_ADDRESS_MAX, LOGIN_WINDOW, SESSION_IDLE};

    const ITERATIONS: u32 = 3 * PASSWORD_SLICE;

    fn admin() -> Admin {
        let password = Password::new("correct horse", [7; 16], ITERATIONS);
        Admin::new(Arc::new(Mutex::new(password)), Arc::new(monitor()), None, "/".to_owned())
    }

    /// What becomes of a form on a connection.
    fn act(
        admin: &mut Admin,
        action: &str,
        cookie: &str,
        form: &str,
        connection: u64,
        now: Instant,
    ) -> Option<Answer> {
        let head = format!("POST /admin/{action} HTTP/1.1\r\nHost: a\r\nCookie: duskwatch={cookie}\r\n\r\n");
        let Parsed::Complete(request, _) = parse(head.as_bytes()) else { panic!("{head}") };
        let client = Client { address: [192, 168, 1, connection as u8].into(), connection, now };
        let form = Form::of(form.as_bytes()).unwrap();
        admin.act(&Post { request: &request, client, form, upload: None })
    }

    fn login(admin: &mut Admin, password: &str, connection: u64, now: Instant) -> Option<Answer> {
        act(admin, "login", "", &format!("password={password}"), connection, now)
    }

    /// Logs in; the cookie and the token.
    fn session(admin: &mut Admin, now: Instant) -> (String, String) {
        loop {
            match login(admin, "correct+horse", 1, now) {
                Some(Answer::Later(_)) => {}
                Some(Answer::Ready(_)) => break,
                _ => panic!("not logged in"),
            }
        }
        let session = admin.sessions.last().unwrap();
        (session.id.clone(), session.token.clone())
    }

    fn is_later(answer: Option<Answer>, time: Instant) -> bool {
        matches!(answer, Some(Answer::Later(later)) if later == time)
    }

    #[test]
    fn one_password_at_a_time_is_checked_in_slices() {
        let mut admin = admin();
        let now = Instant::now();
        assert!(is_later(login(&mut admin, "wrong", 1, now), now));
        assert!(is_later(login(&mut admin, "wrong", 1, now), now));
        // Somebody else waits until the first has gone for a while.
        assert!(is_later(login(&mut admin, "correct+horse", 2, now), now + PAUSE));
        let later = now + PASSWORD_CHECK_IDLE;
        assert!(is_later(login(&mut admin, "correct+horse", 2, later), later));
        for _ in 0..2 {
            assert!(is_later(login(&mut admin, "correct+horse", 2, later), later));
        }
        assert!(matches!(login(&mut admin, "correct+horse", 2, later), Some(Answer::Ready(_))));
    }

    #[test]
    fn a_wrong_password_is_answered_late_and_few_are_checked() {
        let mut admin = admin();
        let now = Instant::now();
        for _ in 0..LOGIN_FAILURES_PER_ADDRESS_MAX {
            (0..3).for_each(|_| assert!(is_later(login(&mut admin, "wrong", 1, now), now)));
            for _ in 0..2 {
                assert!(is_later(login(&mut admin, "wrong", 1, now), now + LOGIN_DELAY));
            }
            assert!(login(&mut admin, "wrong", 1, now + LOGIN_DELAY).is_none());
        }
        assert!(matches!(
            login(&mut admin, "correct+horse", 1, now),
            Some(Answer::Refused(Refusal::TooMany))
        ));
        assert!(is_later(login(&mut admin, "correct+horse", 2, now), now));
        let then = now + LOGIN_WINDOW;
        assert!(is_later(login(&mut admin, "correct+horse", 1, then), then));
    }

    #[test]
    fn forms_take_a_session_that_is_not_over_and_its_token() {
        let mut admin = admin();
        let now = Instant::now();
        let (id, token) = session(&mut admin, now);
        let mut is_done = |id: &str, token: &str, now| match act(
            &mut admin,
            "forget",
            id,
            &format!("token={token}&address=x"),
            1,
            now,
        ) {
            Some(Answer::Ready(_)) => true,
            Some(Answer::Refused(Refusal::Forbidden)) => false,
            _ => panic!("neither done nor refused"),
        };
        assert!(is_done(&id, &token, now));
        assert!(!is_done(&id, &id, now) && !is_done(&token, &token, now) && !is_done("", "", now));
        assert!(!is_done(&id, &token, now + SESSION_IDLE));
        assert!(!is_done(&id, &token, now), "once over, it is gone");
    }

    #[test]
    fn what_is_not_there_is_no_reason_for_a_snapshot() {
        // The signal that wakes the main thread would end this program.
        signal_hook::flag::register(signal_hook::consts::SIGUSR1, Arc::default()).unwrap();
        let mut admin = admin();
        observe(&admin.monitor, 1_000, 1);
        let orders = Orders::default();
        admin.files = Some(Files {
            directory: PathBuf::new(),
            bytes_max: 0,
            status: SharedStatus::default(),
            orders: orders.clone(),
        });
        let now = Instant::now();
        let (id, token) = session(&mut admin, now);
        for (action, form, order) in [
            ("reset", "interface=br-lam", None),
            ("forget", "address=192.168.1.99", None),
            ("forget", "address=nobody", None),
            ("forget", "address=192.168.1.5", Some(Order::Save)),
            ("reset", "interface=br-lan", Some(Order::Save)),
            ("reset", "interface=", Some(Order::Save)),
        ] {
            let answer = act(&mut admin, action, &id, &format!("token={token}&{form}"), 1, now);
            assert!(matches!(answer, Some(Answer::Ready(_))));
            assert_eq!(orders.take(), order, "{action} {form}");
            orders.finish(Outcome::Saved, String::new());
        }
    }

    #[test]
    fn devices_are_renamed_by_whoever_keeps_the_names() {
        let mut admin = admin();
        let now = Instant::now();
        let (id, token) = session(&mut admin, now);
        admin.rename_by(Box::new(|mac, name| match name {
            "bad" => Err(format!("{mac}: no")),
            _ => Ok(()),
        }));
        for (mac, name, outcome, what) in [
            ("02:00:00:00:00:07", "TV+%3C%26", Outcome::Renamed, "02:00:00:00:00:07"),
            ("02:00:00:00:00:07", "bad", Outcome::Failed, "02:00:00:00:00:07: no"),
            ("02:00", "TV", Outcome::Unknown, "02:00"),
        ] {
            let form = format!("token={token}&mac={mac}&name={name}");
            assert!(matches!(act(&mut admin, "rename", &id, &form, 1, now), Some(Answer::Ready(_))));
            let said = admin.sessions.last().unwrap().said.take();
            assert_eq!(said, Some((outcome, what.to_owned())));
        }
    }
}
