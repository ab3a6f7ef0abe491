//! Who has given the password: sessions in memory, known by a cookie that is 128 random bits.

use std::fmt::Write;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Instant;

use super::password::{random, same};
use crate::limits::{
    LOGIN_ADDRESSES_MAX, LOGIN_FAILURES_MAX, LOGIN_FAILURES_PER_ADDRESS_MAX, LOGIN_FAILURES_RESERVED,
    LOGIN_WINDOW, SESSION_AGE, SESSION_IDLE, SESSIONS_MAX,
};
use crate::view::Outcome;

/// Somebody who gave the password.
pub struct Session {
    /// What the cookie says.
    pub id: String,
    /// What each form says, so that no other page can send one.
    pub token: String,
    /// How the latest action went and what it was about, until it was shown.
    pub said: Option<(Outcome, String)>,
    began: Instant,
    used: Instant,
}

impl Session {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.used) >= SESSION_IDLE
            || now.saturating_duration_since(self.began) >= SESSION_AGE
    }

    /// True if a form says what this session's forms say.
    pub fn has_token(&self, token: &str) -> bool {
        same(self.token.as_bytes(), token.as_bytes())
    }
}

/// The sessions.
#[derive(Default)]
pub struct Sessions(heapless::Vec<Session, SESSIONS_MAX>);

impl Sessions {
    /// Begins a session, with an identifier that nobody has had before. If there are as many as there may be, the
    /// one that was idle for longest ends.
    ///
    /// # Errors
    /// A line for people: the system has no random bytes.
    pub fn begin(&mut self, now: Instant) -> Result<&Session, String> {
        let (id, token) = (hex(random()?), hex(random()?));
        if self.0.is_full() {
            let idle = self.0.iter().enumerate().min_by_key(|(_, session)| session.used);
            if let Some((index, _)) = idle {
                self.0.swap_remove(index);
            }
        }
        let _ = self.0.push(Session { id, token, said: None, began: now, used: now });
        self.0.last().ok_or_else(|| "there is no room for a session".to_owned())
    }

    /// The session that one of these cookies is of; it was used now.
    pub fn find<'a>(&mut self, cookies: impl Iterator<Item = &'a str>, now: Instant) -> Option<&mut Session> {
        self.0.retain(|session| !session.is_over(now));
        let mut found = None;
        for cookie in cookies {
            // All of them are compared, so that the time does not tell which is close.
            for (index, session) in self.0.iter().enumerate() {
                if same(session.id.as_bytes(), cookie.as_bytes()) {
                    found = Some(index);
                }
            }
        }
        let session = self.0.get_mut(found?)?;
        session.used = now;
        Some(session)
    }

    /// The latest session to begin.
    #[cfg(test)]
    pub fn last(&mut self) -> Option<&mut Session> {
        self.0.last_mut()
    }

    /// Ends the sessions that these cookies are of.
    pub fn end<'a>(&mut self, cookies: impl Iterator<Item = &'a str>) {
        for cookie in cookies {
            self.0.retain(|session| !same(session.id.as_bytes(), cookie.as_bytes()));
        }
    }

    /// Ends all sessions.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

fn hex(bytes: [u8; 16]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// How often who tried a password lately. An attempt counts from its beginning, so that nobody gets checks for
/// nothing by going away; one that was right is taken back.
#[derive(Default)]
pub struct Attempts {
    /// When the first of them was.
    began: Option<Instant>,
    /// By client: each has at least one, so that there are no more clients than attempts.
    by_client: heapless::Vec<(IpAddr, u32), { LOGIN_FAILURES_MAX as usize }>,
    /// The addresses that gave the right password last, for whom some attempts are kept; the latest is at the end.
    known: heapless::Deque<IpAddr, LOGIN_ADDRESSES_MAX>,
    /// Wrong ones since the program started.
    pub wrong: u64,
}

impl Attempts {
    /// Counts an attempt; false if it is one too many.
    pub fn begin(&mut self, address: IpAddr, now: Instant) -> bool {
        if self.began.is_none_or(|began| now.saturating_duration_since(began) >= LOGIN_WINDOW) {
            self.began = Some(now);
            self.by_client.clear();
        }
        let client = self.client(address);
        let reserved = if self.is_known(address) { 0 } else { LOGIN_FAILURES_RESERVED };
        if self.by_client.iter().map(|(_, count)| count).sum::<u32>() >= LOGIN_FAILURES_MAX - reserved {
            return false;
        }
        match self.by_client.iter_mut().find(|(known, _)| *known == client) {
            Some((_, count)) if *count >= LOGIN_FAILURES_PER_ADDRESS_MAX => false,
            Some((_, count)) => {
                *count += 1;
                true
            }
            None => self.by_client.push((client, 1)).is_ok(),
        }
    }

    /// An attempt was wrong. True if it is worth a line in the log: the client's first and its last.
    pub fn fail(&mut self, address: IpAddr) -> bool {
        self.wrong += 1;
        let client = self.client(address);
        let count = self.by_client.iter().find(|(known, _)| *known == client).map_or(1, |(_, count)| *count);
        count == 1 || count == LOGIN_FAILURES_PER_ADDRESS_MAX
    }

    /// An attempt was right: those before it were slips.
    pub fn forgive(&mut self, address: IpAddr) {
        let client = self.client(address);
        self.by_client.retain(|(known, _)| *known != client);
        if !self.is_known(address) {
            if self.known.is_full() {
                self.known.pop_front();
            }
            let _ = self.known.push_back(address);
        }
    }

    fn is_known(&self, address: IpAddr) -> bool {
        self.known.iter().any(|known| *known == address)
    }

    /// By what an address is counted: itself if it is known.
    fn client(&self, address: IpAddr) -> IpAddr {
        if self.is_known(address) { address } else { stranger(address) }
    }
}

/// By what an address is counted that nobody knows: of IPv6 it is the network, for a single machine may have all
/// addresses of one.
fn stranger(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn begin(sessions: &mut Sessions, now: Instant) -> String {
        sessions.begin(now).unwrap().id.clone()
    }

    fn is_open(sessions: &mut Sessions, id: &str, now: Instant) -> bool {
        sessions.find([id].into_iter(), now).is_some()
    }

    #[test]
    fn a_session_ends_when_it_is_idle_old_or_ended() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let mut sessions = Sessions::default();
        let id = begin(&mut sessions, start);
        assert_eq!(id.len(), 32);
        assert!(is_open(&mut sessions, &id, start + SESSION_IDLE - second));
        assert!(is_open(&mut sessions, &id, start + 2 * SESSION_IDLE - 2 * second));
        assert!(!is_open(&mut sessions, &id, start + 3 * SESSION_IDLE));
        let id = begin(&mut sessions, start);
        let mut now = start;
        while now < start + SESSION_AGE - SESSION_IDLE {
            now += SESSION_IDLE / 2;
            assert!(is_open(&mut sessions, &id, now));
        }
        assert!(!is_open(&mut sessions, &id, start + SESSION_AGE));
        let [one, other] = [start; 2].map(|now| begin(&mut sessions, now));
        sessions.end([one.as_str(), "", "garbage"].into_iter());
        assert!(!is_open(&mut sessions, &one, start) && is_open(&mut sessions, &other, start));
        sessions.clear();
        assert!(!is_open(&mut sessions, &other, start));
    }

    #[test]
    fn one_session_too_many_ends_the_idlest() {
        let start = Instant::now();
        let mut sessions = Sessions::default();
        let ids: Vec<_> = (0..SESSIONS_MAX as u64)
            .map(|second| begin(&mut sessions, start + Duration::from_secs(second)))
            .collect();
        let now = start + Duration::from_secs(60);
        assert!(is_open(&mut sessions, &ids[0], now));
        let last = begin(&mut sessions, now);
        let open: Vec<_> = ids.iter().map(|id| is_open(&mut sessions, id, now)).collect();
        assert_eq!(open, (0..SESSIONS_MAX).map(|index| index != 1).collect::<Vec<_>>());
        assert!(is_open(&mut sessions, &last, now));
    }

    #[test]
    fn a_cookie_is_taken_whole_or_not_at_all() {
        let now = Instant::now();
        let mut sessions = Sessions::default();
        assert!(!is_open(&mut sessions, "", now));
        let id = begin(&mut sessions, now);
        for cookie in ["", &id[1..], &id[..31], &format!("{id}0"), &id.to_uppercase(), &"0".repeat(32)] {
            assert!(cookie == id || !is_open(&mut sessions, cookie, now), "{cookie}");
        }
        assert!(sessions.find(["garbage", &id].into_iter(), now).is_some());
        let session = sessions.find([id.as_str()].into_iter(), now).unwrap();
        let token = session.token.clone();
        assert!(session.has_token(&token) && token != id);
        assert!(!session.has_token("") && !session.has_token(&id));
    }

    #[test]
    fn attempts_are_few_for_each_address_and_for_all() {
        let start = Instant::now();
        let address = |last| IpAddr::from([192, 168, 1, last]);
        let mut attempts = Attempts::default();
        for count in 1..=LOGIN_FAILURES_PER_ADDRESS_MAX {
            assert!(attempts.begin(address(1), start));
            assert_eq!(attempts.fail(address(1)), count == 1 || count == LOGIN_FAILURES_PER_ADDRESS_MAX);
        }
        assert!(!attempts.begin(address(1), start + LOGIN_WINDOW - Duration::from_secs(1)));
        let left = LOGIN_FAILURES_MAX - LOGIN_FAILURES_RESERVED - LOGIN_FAILURES_PER_ADDRESS_MAX;
        assert!((0..left).all(|number| attempts.begin(address(10 + number as u8), start)));
        assert!(!attempts.begin(address(2), start));
        // One that was right makes room for one.
        attempts.forgive(address(10));
        assert!(attempts.begin(address(2), start) && !attempts.begin(address(3), start));
        assert!(attempts.begin(address(1), start + LOGIN_WINDOW));
    }

    #[test]
    fn some_attempts_are_kept_for_those_who_knew_the_password() {
        let start = Instant::now();
        let address = |last| IpAddr::from([192, 168, 1, last]);
        let mut attempts = Attempts::default();
        // The first of them is forgotten.
        for last in 0..=LOGIN_ADDRESSES_MAX as u8 {
            assert!(attempts.begin(address(last), start));
            attempts.forgive(address(last));
        }
        let strangers = LOGIN_FAILURES_MAX - LOGIN_FAILURES_RESERVED;
        assert!((0..strangers).all(|number| attempts.begin(address(100 + number as u8 / 4), start)));
        assert!(!attempts.begin(address(200), start) && !attempts.begin(address(0), start));
        for count in 1..=LOGIN_FAILURES_RESERVED {
            assert!(attempts.begin(address(1), start), "{count}");
        }
        assert!(!attempts.begin(address(1), start) && !attempts.begin(address(2), start));
    }

    #[test]
    fn an_ipv6_network_of_strangers_counts_as_one() {
        let start = Instant::now();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut attempts = Attempts::default();
        let owner = address("2001:db8::1");
        assert!(attempts.begin(owner, start));
        attempts.forgive(owner);
        for count in 1..=LOGIN_FAILURES_PER_ADDRESS_MAX {
            let guesser = address(&format!("2001:db8::bad:{count}"));
            assert!(attempts.begin(guesser, start));
            assert_eq!(attempts.fail(guesser), count == 1 || count == LOGIN_FAILURES_PER_ADDRESS_MAX);
        }
        assert!(!attempts.begin(address("2001:db8::2"), start));
        assert!(attempts.begin(address("2001:db8:0:1::2"), start) && attempts.begin(owner, start));
    }
}
