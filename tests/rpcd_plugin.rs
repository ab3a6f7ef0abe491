//! The plugin of rpcd, through which LuCI asks the daemon, under busybox against the real program. OpenWrt's
//! own commands have stand-ins here.
#![cfg(feature = "daemon")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use serde_json::{Value, json};

#[path = "support/served.rs"]
mod served;
#[path = "support/skip.rs"]
mod skip;
use served::Served;
use skip::skipped;

const PLUGIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openwrt/files/usr/libexec/rpcd/duskwatch");
const ACL: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/openwrt/luci-app-duskwatch/root/usr/share/rpcd/acl.d/luci-app-duskwatch.json"
);

/// A value by a path that begins with @, or its type.
const JSONFILTER: &str = r#"#!/bin/sh
[ "$1" = -s ] && { exec <<INPUT
$2
INPUT
shift 2; }
case $1 in
-t) exec jq -r type ;;
-e) exec jq -er ".${2#@.} // empty" ;;
esac
exit 64
"#;

/// It notes what it was asked for.
const FETCH: &str = r#"#!/bin/sh
[ "$1 $2 $4 $5 $#" = '-q -T -O - 6' ] || exit 64
echo "$6" >>"$FETCHED"
exec timeout "$3" busybox wget -q -O - "$6"
"#;

/// A router with the plugin and nothing else.
struct Router {
    directory: PathBuf,
}

impl Router {
    /// A router whose configuration names this port and path, unless what it takes is not installed here.
    fn new(test: &str, port: u16, base: &str) -> Option<Self> {
        for (program, argument) in [("busybox", "true"), ("jq", "--version")] {
            if Command::new(program).arg(argument).output().is_err() {
                skipped(test, &format!("{program} is not installed (Debian: apt-get install {program})"));
                return None;
            }
        }
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("rpcd-{test}"));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).expect("the target directory can be written");
        let uci = format!(
            "#!/bin/sh\ncase $* in\n'-q get duskwatch.web.port') echo '{port}' ;;\n\
             '-q get duskwatch.web.base') echo '{base}' ;;\nesac\n"
        );
        for (name, script) in [("jsonfilter", JSONFILTER), ("uclient-fetch", FETCH), ("uci", &uci)] {
            let file = directory.join(name);
            fs::write(&file, script).expect("a script is written");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("it is ours");
        }
        Some(Self { directory })
    }

    fn run(&self, words: &[&str], arguments: &str) -> Value {
        let path = format!("{}:{}", self.directory.display(), std::env::var("PATH").expect("a path"));
        let mut plugin = Command::new("busybox")
            .args(["ash", PLUGIN])
            .args(words)
            .env("PATH", path)
            .env("FETCHED", self.directory.join("fetched"))
            .current_dir(&self.directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("busybox is there");
        // It need not read what it refuses.
        let _ = plugin.stdin.take().expect("it is piped").write_all(arguments.as_bytes());
        let output = plugin.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{words:?} {arguments}: {output:?}");
        let printed = String::from_utf8(output.stdout).expect("UTF-8");
        let answer: Value = serde_json::from_str(&printed)
            .unwrap_or_else(|error| panic!("{words:?} {arguments}: {error}: {printed}"));
        assert!(answer.is_object(), "{words:?} {arguments}: {printed}");
        answer
    }

    fn call(&self, method: &str, arguments: &Value) -> Value {
        self.run(&["call", method], &arguments.to_string())
    }

    /// The addresses that were asked for since the last look.
    fn fetched(&self) -> Vec<String> {
        let file = self.directory.join("fetched");
        let lines = fs::read_to_string(&file).unwrap_or_default().lines().map(str::to_owned).collect();
        let _ = fs::remove_file(file);
        lines
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        if !thread::panicking() {
            fs::remove_dir_all(&self.directory).expect("it is ours");
        }
    }
}

#[test]
fn it_lists_what_the_views_may_call() {
    let Some(router) = Router::new("it_lists_what_the_views_may_call", 1, "") else { return };
    let methods = router.run(&["list"], "");
    let methods: BTreeSet<&str> = methods.as_object().unwrap().keys().map(String::as_str).collect();
    let acl: Value = serde_json::from_str(&fs::read_to_string(ACL).expect("the ACL")).expect("JSON");
    let allowed = acl["luci-app-duskwatch"]["read"]["ubus"]["duskwatch"].as_array().unwrap();
    assert_eq!(methods, allowed.iter().map(|method| method.as_str().unwrap()).collect());
}

#[test]
fn it_answers_with_the_daemons_json() {
    const TEST: &str = "it_answers_with_the_daemons_json";
    let served = Served::start(TEST, &["--base", "/traffic"]);
    let Some(router) = Router::new(TEST, served.address.port(), "traffic/") else { return };
    let interface = served.interface.as_str();
    for (method, arguments, path) in [
        ("summary", json!({}), "summary"),
        ("summary", json!({"interface": interface}), "summary"),
        ("summary", json!({"interface": null}), "summary"),
        ("hosts", json!({"sort": "in", "offset": 2, "count": 3}), "hosts?sort=in&offset=2&count=3"),
        (
            "hosts",
            json!({"show": "local", "order": "reverse", "interface": interface}),
            "hosts?show=local&order=reverse",
        ),
        ("host", json!({"address": "192.168.1.40"}), "hosts/192.168.1.40"),
        (
            "host",
            json!({"address": "2001:db8:1:0:211:32ff:feb8:6015"}),
            "hosts/2001:db8:1:0:211:32ff:feb8:6015",
        ),
        ("ports", json!({}), "ports"),
        ("protocols", json!({}), "protocols"),
        ("darknet", json!({}), "darknet"),
    ] {
        let expected = served.get(&format!("/traffic/api/v1/{path}"));
        assert_eq!(router.call(method, &arguments), expected, "{method} {arguments}");
    }
    assert_eq!(router.call("about", &json!({}))["interface"], interface);
    // As a person calls it.
    assert_eq!(router.run(&["call", "summary"], "")["interface"], interface);
    for (method, arguments) in
        [("summary", json!({"interface": "eth9"})), ("host", json!({"address": "1.2.3.4"}))]
    {
        assert_eq!(router.call(method, &arguments)["error"]["code"], "not_found", "{method} {arguments}");
    }
}

#[test]
fn what_does_not_belong_there_goes_nowhere() {
    const TEST: &str = "what_does_not_belong_there_goes_nowhere";
    let Some(router) = Router::new(TEST, 1, "") else { return };
    let long = "a".repeat(65);
    for (method, arguments, code) in [
        ("", "{}", "no_method"),
        ("nothing", "{}", "no_method"),
        ("../metrics", "{}", "no_method"),
        ("*", "{}", "no_method"),
        ("$(touch touched)", "{}", "no_method"),
        ("summary", "garbage $(touch touched)", "bad_argument"),
        ("summary", "'; touch touched; '", "bad_argument"),
        ("summary", "[]", "bad_argument"),
        ("summary", "\"interface\"", "bad_argument"),
        ("summary", "{\"interface\": ", "bad_argument"),
        ("summary", r#"{"interface": "a b"}"#, "bad_argument"),
        ("summary", r#"{"interface": "a&show=local"}"#, "bad_argument"),
        ("summary", r#"{"interface": "a\nb"}"#, "bad_argument"),
        ("summary", r#"{"interface": "%2e"}"#, "bad_argument"),
        ("summary", r#"{"interface": "$(touch touched)"}"#, "bad_argument"),
        ("summary", r#"{"interface": "`touch touched`"}"#, "bad_argument"),
        ("summary", r#"{"interface": "*"}"#, "bad_argument"),
        ("summary", r#"{"interface": "ä"}"#, "bad_argument"),
        ("summary", r#"{"interface": ["a"]}"#, "bad_argument"),
        ("summary", r#"{"interface": {"a": 1}}"#, "bad_argument"),
        ("summary", &json!({"interface": long}).to_string(), "bad_argument"),
        ("summary", &json!({"more": "a".repeat(100_000)}).to_string(), "bad_argument"),
        ("hosts", r#"{"offset": -1}"#, "bad_argument"),
        ("hosts", r#"{"offset": 123456}"#, "bad_argument"),
        ("hosts", r#"{"count": 1.5}"#, "bad_argument"),
        ("hosts", r#"{"count": "1&x"}"#, "bad_argument"),
        ("hosts", r#"{"sort": "IN"}"#, "bad_argument"),
        ("host", "{}", "bad_argument"),
        ("host", r#"{"address": "../about"}"#, "bad_argument"),
        ("host", r#"{"address": "1.2.3.4?x"}"#, "bad_argument"),
        ("host", r#"{"address": "fe80::1%eth0"}"#, "bad_argument"),
    ] {
        let answer = router.run(&["call", method], arguments);
        assert_eq!(answer["error"]["code"], code, "{method:?} {arguments}: {answer}");
        assert!(!answer["error"]["message"].as_str().unwrap().is_empty());
        assert_eq!(router.fetched(), [""; 0], "{method:?} {arguments}");
        assert!(!router.directory.join("touched").exists(), "{method:?} {arguments}");
    }
}

/// A server that says this to everybody, or nothing at all.
fn serve(answer: Option<&'static str>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let port = listener.local_addr().expect("it is bound").port();
    thread::spawn(move || {
        let mut silent = Vec::new();
        for mut client in listener.incoming().map_while(Result::ok) {
            match answer {
                Some(answer) => {
                    let _ = client.read(&mut [0; 1024]);
                    let _ = client.write_all(answer.as_bytes());
                }
                None => silent.push(client),
            }
        }
    });
    port
}

#[test]
fn no_answer_and_no_json_is_an_error_in_json() {
    const TEST: &str = "no_answer_and_no_json_is_an_error_in_json";
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("it is bound").port();
    for (what, port) in [
        ("nobody listens", closed),
        ("it is silent", serve(None)),
        ("it closes", serve(Some(""))),
        ("an error", serve(Some("HTTP/1.1 503 Busy\r\nContent-Length: 5\r\n\r\nbusy\n"))),
    ] {
        let router = Router::new(TEST, port, "");
        let Some(router) = router else { return };
        let error = &router.call("summary", &json!({}))["error"];
        assert_eq!(error["code"], "unreachable", "{what}");
        assert!(error["message"].as_str().unwrap().contains(&port.to_string()), "{what}: {error}");
    }
    for (what, port) in [
        ("another program", serve(Some("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<p>\n"))),
        ("half an answer", serve(Some("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"schema\": 1,"))),
    ] {
        let Some(router) = Router::new(TEST, port, "") else { return };
        assert_eq!(router.call("summary", &json!({}))["error"]["code"], "foreign", "{what}");
    }
}

#[test]
fn shellcheck_has_nothing_to_say() {
    let output = Command::new("shellcheck").args(["--shell", "dash", PLUGIN]).output();
    let Ok(output) = output else {
        return skipped(
            "shellcheck_has_nothing_to_say",
            "shellcheck is not installed (Debian: apt-get install shellcheck)",
        );
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let mode = fs::metadata(PLUGIN).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
}
