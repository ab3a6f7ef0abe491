//! What those do who do not know the password.

use std::time::{Duration, Instant};

use crate::browser::{Browser, PASSWORD};
use crate::forms::served;

#[test]
fn guessing_is_slow_and_soon_over() {
    let served = served("admin-guess");
    let mut browser = Browser::new(served.address);
    let start = Instant::now();
    for guess in 0..5 {
        assert_eq!(browser.log_in(&format!("guess {guess}")).status, 403);
        // Others are served meanwhile.
        assert_eq!(browser.get("/api/v1/about").status, 200);
    }
    assert!(start.elapsed() >= Duration::from_secs(5), "{:?}", start.elapsed());
    let refused = browser.log_in(PASSWORD);
    assert_eq!((refused.status, refused.header("Retry-After")), (429, Some("60")), "{}", refused.head);
    assert_eq!(browser.get("/").status, 200);
}

#[test]
fn nobody_else_sends_forms() {
    let served = served("admin-forged");
    let browser = Browser::logged_in(served.address);
    let packets = || browser.json("/api/v1/summary")["books"]["captured"]["packets"].clone();
    let before = packets();
    let token = format!("token={}", browser.token);
    // Without the token, or with another.
    let other = Browser::logged_in(served.address);
    assert!(other.token != browser.token && other.cookie != browser.cookie);
    for form in ["", "token=", &token[..token.len() - 1], &format!("token={}", other.token), "token=%00"] {
        let status = browser.post("/admin/reset", form).status;
        assert!(matches!(status, 400 | 403), "{form}: {status}");
    }
    // With the token, but from elsewhere.
    for headers in [
        "Origin: http://evil.example\r\n",
        "Origin: null\r\n",
        "Origin: http://127.0.0.1\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
    ] {
        for (action, form) in [("reset", token.as_str()), ("login", "password=x"), ("logout", token.as_str())]
        {
            let answer = browser.post_from(&format!("/admin/{action}"), form, headers);
            assert_eq!((answer.status, answer.header("Set-Cookie")), (403, None), "{action} {headers}");
        }
    }
    // With the token, but without the cookie, or with garbage for one.
    for cookie in ["", "duskwatch=", "duskwatch", "duskwatch=;;=;\u{e9}", "duskwatch=0", "Duskwatch=x; a=b"] {
        let stranger = Browser { address: served.address, cookie: cookie.into(), token: String::new() };
        assert_eq!(stranger.post("/admin/reset", &token).status, 403, "{cookie}");
        assert_eq!(stranger.get("/admin/").status, 200);
    }
    // In the query instead of the form; by GET; by other methods; as JSON.
    assert_eq!(browser.post(&format!("/admin/reset?{token}"), "").status, 403);
    assert_eq!(browser.get(&format!("/admin/reset?{token}")).status, 404);
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        let head = format!("{method} /admin/reset HTTP/1.1\r\nHost: {}\r\n\r\n", served.address);
        assert_eq!(browser.send(head.as_bytes()).status, 405, "{method}");
    }
    assert_eq!(packets(), before);
    // Some pages of ours have been asked for by a cookie that is among others.
    let among =
        Browser { cookie: format!("a=b; duskwatch=x; {}", browser.cookie), ..Browser::new(served.address) };
    assert!(among.get("/admin/").text().contains("/admin/reset"));
}

#[test]
fn a_session_is_nobodys_choice() {
    let served = served("admin-fixation");
    // Somebody has put a cookie into the browser before its owner logs in.
    let planted = format!("duskwatch={}", "ab".repeat(16));
    let mut victim = Browser { cookie: planted.clone(), ..Browser::new(served.address) };
    assert_eq!(victim.log_in(PASSWORD).status, 303);
    assert_ne!(victim.cookie, planted);
    let intruder = Browser { cookie: planted, ..Browser::new(served.address) };
    assert!(!intruder.get("/admin/").text().contains("/admin/reset"));
    // A second login ends the first session of that browser.
    let first = Browser { cookie: victim.cookie.clone(), ..Browser::new(served.address) };
    assert!(first.get("/admin/").text().contains("/admin/reset"));
    victim.log_in(PASSWORD);
    assert_ne!(victim.cookie, first.cookie);
    assert!(!first.get("/admin/").text().contains("/admin/reset"));
}

#[test]
fn sessions_are_few() {
    let served = served("admin-sessions");
    let sessions: Vec<_> = (0..9).map(|_| Browser::logged_in(served.address)).collect();
    let open = |browser: &Browser| browser.get("/admin/").text().contains("/admin/reset");
    assert!(!open(&sessions[0]), "the idlest made room");
    assert!(sessions[1..].iter().all(open));
}

#[test]
fn nothing_that_is_sent_gets_into_a_head() {
    let served = served("admin-injection");
    let browser = Browser::logged_in(served.address);
    for value in ["a%0d%0aSet-Cookie:+x=y", "a%0a", "a%0dX: y"] {
        for (action, name) in [("forget", "address"), ("reset", "interface"), ("login", "password")] {
            let form = format!("token={}&{name}={value}", browser.token);
            assert_eq!(browser.post(&format!("/admin/{action}"), &form).status, 400, "{action} {value}");
        }
    }
    let form = format!("token={}&address=%3Cscript%3E%22%27%26", browser.token);
    assert_eq!(browser.post("/admin/forget", &form).status, 303);
    assert_eq!(browser.said(), "&lt;script&gt;&quot;&#39;&amp; is not known here.");
}
